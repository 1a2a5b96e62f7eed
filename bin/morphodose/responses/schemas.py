"""The tables of responses."""

from __future__ import annotations

from morphodose.columns import Columns, Table
from morphodose.key_columns import keys

_OF = keys("Compound Group")
_KEYS = (*_OF, *keys("Timepoint DoseUnit"))
_DOSE = (*_OF, *keys("Dose DoseUnit"))
_ENDPOINT = Columns("Endpoint", "text", "column of `wells`")


def _ends(name: str, meaning: str) -> Columns:
    """A number with both ends of its interval."""
    return Columns(f"{name} {name}_Low {name}_High", "number64", meaning)


def _table(name: str, *columns: Columns, step: str = "FIT_RESPONSES") -> Table:
    return Table(name, step, f"tables/{name}.parquet", columns)


RESPONSES = _table(
    "responses",
    *_KEYS,
    _ENDPOINT,
    Columns("Model", "text", "4PL (four-parameter logistic) and its variance model"),
    Columns(
        "State",
        "text",
        "`fitted`; `imprecise`: the interval spans more than tenfold, or no dose lies on the slope;"
        " `unbounded`: there is an effect, the EC50 is only known to lie beyond a bound; `refused`:"
        " the data do not support a curve",
    ),
    Columns("Reason", "text", "why it is not `fitted`"),
    Columns(
        "Notes",
        "text",
        "what to keep in mind: the effect falls back at the top dose, a parameter at its bound, a single"
        " replicate, wells that were left out or are off the curve, a lack of fit, ignored columns",
    ),
    Columns(
        "Turn",
        "text",
        "that the effect falls back at high doses, or that low doses act the other way: the EC50 is then that"
        " of a part; null where it does neither",
    ),
    Columns(
        "Layout",
        "text",
        "why dose and position on the plate cannot be told apart in these wells, by their layout or by what"
        " the position does to the vehicle wells; null where they can, or where the well names are not"
        " positions",
    ),
    _ends(
        "EC50",
        "in `Metadata_DoseUnit`, 95 % interval; of death (`Fraction_Dying`, `Fraction_Dead`) it is the LC50."
        " Unbounded: `EC50` is null, and either `EC50_Low` (it is above"
        " that) or `EC50_High` (below) is given",
    ),
    _ends("Hill", "slope, above 0; a null end means that the interval is open there"),
    _ends("AtZeroDose", "asymptote, in the unit of the endpoint"),
    _ends("AtInfiniteDose", "asymptote, in the unit of the endpoint"),
    Columns("Curve_EC50", "number64", "of the curve as drawn, even if `unbounded`; do not quote it then"),
    Columns(
        "EC50_ReplicateSD",
        "number64",
        "standard deviation of the EC50s of single replicates, log10, their errors included; null with fewer"
        " than two",
    ),
    _ends("EC10", "dose with 10 % of the effect (a null end: open)"),
    _ends("EC90", "dose with 90 % of the effect (a null end: open)"),
    _ends("AbsoluteIC50", "dose where a count is half of the vehicle's, or a fraction is 0.5"),
    _ends("PointOfDeparture", "dose where the curve differs from dose 0 by one SD of the vehicle wells"),
    _ends("Effect_Highest", "mean of the highest dose less vehicle; given without a curve, too"),
    _ends("AUC", "mean height over log dose, unit of the endpoint; given without a curve, too"),
    Columns(
        "Effect_P Effect_Q",
        "number64",
        'P value of "the dose does nothing"; false discovery rate over all curves of the run',
    ),
    Columns("LackOfFit_P R2", "number64", "whether the curve describes the means of the doses"),
    Columns("Vehicle_Mean", "number64", "mean of the vehicle wells of the curve"),
    Columns("N_Vehicle", "integer", "number of the vehicle wells of the curve"),
    Columns("N_Wells", "integer", "number of wells"),
    Columns("N_Doses", "integer", "number of different doses (vehicle is one of them)"),
    Columns("N_Replicates", "integer", "number of replicates (plates × replicates)"),
    Columns("Dose_Min Dose_Max", "number64", "tested doses above 0"),
    Columns("ZPrime", "number64", "of the controls, median over the plates; null without positive controls"),
)
CURVES = _table(
    "curves",
    *_KEYS,
    _ENDPOINT,
    Columns("State", "text", "as in `responses`"),
    Columns("Dose", "number64", "first 0, then 60 between the tested doses"),
    Columns("Fit Low High", "number64", "the curve, and its 95 % band"),
)
POINTS = _table(
    "points",
    *_OF,
    *keys("Plate Replicate Well Timepoint Dose DoseUnit"),
    _ENDPOINT,
    Columns("Value", "number64", "as fitted, against the vehicle of its plate"),
    Columns("Raw", "number64", "as in `wells`"),
    Columns("Cells", "number64", "cells behind the value"),
    Columns(
        "Used",
        "flag",
        "false for wells that were left out, and for doses above the one from which the effect falls back",
    ),
    Columns("Outlier", "flag", "far from its replicates and left out, or off the curve and still in the fit"),
)
HITS = _table(
    "hits",
    *keys("Plate"),
    *_DOSE,
    *keys("Timepoint"),
    _ENDPOINT,
    Columns("RobustZ SSMD", "number64", "distance from the vehicle wells of the plate"),
    Columns(
        "P Q",
        "number64",
        "Student's t against the vehicle wells of the plate, of which four are needed; false discovery rate"
        " over the compounds of the plate, timepoint and endpoint",
    ),
    Columns("Hit", "flag", "`Q` at most 0.05"),
    Columns("N_Wells N_Vehicle", "integer", "wells"),
    Columns("Reason", "text", "why it was not judged, or has no robust z"),
    Columns(
        "Layout",
        "text",
        "why the position of the wells may be taken for an effect, such as vehicle wells in columns of their"
        " own; else null",
    ),
)
POSITIONS = _table(
    "positions",
    *keys("Plate Timepoint"),
    _ENDPOINT,
    Columns("Term", "text", "`row`, `column`, `edge`"),
    Columns("P Q", "number64", "given the other terms; false discovery rate over all rows"),
    Columns("N_Wells", "integer", "vehicle wells"),
    Columns("Reason", "text", "why there is no P"),
)
GROWTH = _table(
    "growth",
    *_KEYS,
    _ENDPOINT,
    Columns("State Reason", "text", "as in `responses`, for `GR50`"),
    _ends("GR50", "dose where the curve of the growth rate is 0.5, in `Metadata_DoseUnit`"),
    _ends("GRmax", "mean growth rate at the highest dose"),
    Columns(
        "Doublings",
        "number64",
        "of the vehicle wells since the first timepoint (the least over the plates); below 0.3 there is no"
        " growth rate",
    ),
    Columns("Start_h", "number64", "the first timepoint, from which growth counts", "h"),
)
COMPARISONS = _table(
    "comparisons",
    Columns(
        "Kind Shared",
        "text",
        "`groups`: of the compound `Shared`; `compounds`: of the group `Shared`, where it has 12 with an EC50"
        " or fewer",
    ),
    Columns("First Second", "text", "the two groups, or compounds"),
    _ENDPOINT,
    *keys("Timepoint"),
    _ends("Ratio", "EC50 of the first over that of the second, with 95 % interval"),
    Columns(
        "P P_Adjusted",
        "number64",
        "that the ratio is 1; adjusted by Holm's method over the pairs of the kind, endpoint and timepoint",
    ),
)
DEPARTURES = _table(
    "departures",
    *_KEYS,
    Columns(
        "ShapeEndpoint ShapeState",
        "text",
        "the most sensitive endpoint of shape (by the lower end of the interval; over viable cells, if there"
        " are any), and its state in `responses`",
    ),
    Columns("DeathEndpoint DeathState", "text", "the same of `Fraction_Dying`, or else `Fraction_Dead`"),
    _ends("Shape_PointOfDeparture", "its `PointOfDeparture`"),
    _ends("Death_PointOfDeparture", "the same of death"),
    Columns(
        "Ratio",
        "number64",
        "shape over death: below 1, shape changes at lower doses. The most sensitive of several endpoints is"
        " low by selection too: rank by it, do not test",
    ),
)
ONSETS = _table(
    "onsets",
    *_DOSE,
    _ENDPOINT,
    Columns("Kind", "text", "`death`, `shape`, `count`"),
    Columns("State", "text", "`changed`, `not_seen`, `undetermined` (too few wells)"),
    Columns(
        "Onset_h After_h",
        "number64",
        "first timepoint that differs from vehicle, and the last one before it that did not (0: the start)",
        "h",
    ),
    Columns("Direction", "text", "`up`, `down`"),
    Columns(
        "P",
        "number64",
        "adjusted for all doses and timepoints of the endpoint, and over compounds and endpoints",
    ),
    Columns("Reason", "text", "why it is not `changed`"),
    Columns("Layout", "text", "why dose and position cannot be told apart, by the layout alone; else null"),
)
ORDERS = _table(
    "orders",
    *_DOSE,
    Columns("ShapeOnset_h", "number64", "first change of the shape of viable cells", "h"),
    Columns("ShapeEndpoint", "text", "in which endpoint"),
    Columns("DeathOnset_h", "number64", "first change of `Fraction_Dying`", "h"),
    Columns(
        "Dying_Excess Dying_ExcessLow Dying_ExcessHigh",
        "number64",
        "fraction of dying cells above that of vehicle when shape first changes, with 95 % interval",
    ),
    Columns("MorphologyFirst", "text", "`yes`, `no`, `neither`, `undetermined`"),
    Columns("Reason", "text", "in words"),
    Columns("Layout", "text", "as in `onsets`"),
)
ZPRIME = _table(
    "zprime",
    *keys("Plate Compound Group Timepoint"),
    _ENDPOINT,
    Columns("ZPrime", "number64", "Z′ of the controls"),
    Columns("N_Positive N_Vehicle", "integer", "wells"),
    Columns("Reason", "text", "why there is no Z′"),
)
CONDITIONS = _table(
    "conditions",
    *_DOSE,
    *keys("Role Timepoint"),
    _ENDPOINT,
    Columns("Mean SD", "number64", "over the wells, in the unit of the endpoint"),
    Columns("Low High", "number64", "95 %, Student, over wells; null with a single well"),
    Columns("N_Wells", "integer", "wells"),
    step="PROFILE_WELLS",
)
#: All that `fit_responses` writes.
OF_RESPONSES = (
    RESPONSES, CURVES, POINTS, HITS, POSITIONS, GROWTH, COMPARISONS, DEPARTURES, ONSETS, ORDERS, ZPRIME,
)  # fmt: skip
TABLES = (CONDITIONS, *OF_RESPONSES)
