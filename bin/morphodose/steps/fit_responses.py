"""Curves, hits and onsets."""

from __future__ import annotations

from morphodose.options import analysis
from morphodose.steps.step import Output, Step

STEP = Step(
    "FIT_RESPONSES",
    "fit_responses.py",
    (
        analysis.GROUP_BY,
        analysis.RESPONSE_VALUES,
        analysis.CORRECT_POSITIONS,
    ),
    words="dose responses",
    task="screen",
    work="wells",
    outputs=(
        Output("responses", "responses.parquet", "dose responses"),
        Output("curves", "curves.parquet", "fitted curves"),
        Output("points", "points.parquet", "wells behind them"),
        Output("onsets", "onsets.parquet", "first changes"),
        Output("orders", "orders.parquet", "whether shape changes before death"),
        Output("zprime", "zprime.parquet", "quality of the controls"),
        Output("hits", "hits.parquet", "compounds with too few doses for a curve"),
        Output("positions", "positions.parquet", "effects of the place on the plate"),
        Output("growth", "growth.parquet", "growth rates"),
        Output("comparisons", "comparisons.parquet", "EC50s beside each other"),
        Output("departures", "departures.parquet", "doses at which shape and death depart"),
        Output("spreadsheets", "*.csv", "tables for spreadsheets"),
    ),
    versions=(
        "numpy",
        "scipy",
        "pandas",
    ),
    publishes="tables",
)
