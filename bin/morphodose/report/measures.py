"""Figures of a compound beside the EC50: other doses, effect and area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from morphodose.report.answers import finite, interval
from morphodose.report.curves import endpoint_order, rows_of
from morphodose.report.html import folded, long_table, paragraph
from morphodose.report.inputs import ReportInputs
from morphodose.report.words import dose_words, endpoint_words, hours, number

#: Measures that are doses, and those in the unit of the endpoint, with their words.
DOSES = {"EC10": "EC10", "EC90": "EC90", "AbsoluteIC50": "Absolute IC50"}
VALUES = {"Effect_Highest": "Effect of the highest dose", "AUC": "Area under the curve"}
READING = (
    "EC10 and EC90 are the doses of 10 % and 90 % of the effect. The absolute IC50 is where a count is half "
    "of vehicle's, or a fraction 0.5. The effect of the highest dose is its mean less vehicle's; the area is "
    "the mean height over the logarithm of the dose. Brackets hold 95 % intervals."
)


def view(screen: ReportInputs, compound: str) -> str:
    """The measures of every fit, folded; "" where there is none."""
    unit = screen.dose_unit(compound)
    rows: list[list[object]] = []
    for endpoint in endpoint_order(screen.responses):
        for row in rows_of(screen, compound, endpoint):
            doses = [_measure(row, name, unit) for name in DOSES]
            values = [_measure(row, name) for name in VALUES]
            if any((*doses, *values)):
                first = [endpoint_words(endpoint, screen.units), hours(row["Metadata_Timepoint"])]
                rows.append([*first, *doses, *values])
    headers = ["Endpoint", "Time", *DOSES.values(), *VALUES.values()]
    return folded("Table of measures", paragraph(READING) + long_table(headers, rows, "fits")) if rows else ""


def _measure(row: Mapping[str, Any], name: str, unit: str | None = None) -> str | None:
    """A measure with its interval; a bound where the curve does not reach it; None without either."""
    value, low, high = (row.get(f"{name}{end}") for end in ("", "_Low", "_High"))
    if not finite(value):
        return f"> {dose_words(float(str(low)), unit)}" if name in DOSES and finite(low) else None
    text = dose_words(float(str(value)), unit) if name in DOSES else number(value, 3)
    return f"{text} ({interval(low, high)})"
