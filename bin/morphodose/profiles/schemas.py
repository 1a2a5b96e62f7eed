"""The tables of wells and of their profiles."""

from __future__ import annotations

from morphodose.columns import OWN, Columns, Table
from morphodose.key_columns import OF_MAP, OF_WELL, keys

_FRACTIONS = ["Viable", "EarlyApoptotic", "LateApoptotic", "Necrotic", "Dead", "Dying"]


def _each(form: str) -> str:
    """Names of all fractions in a form."""
    return " ".join(form.replace("*", f"Fraction_{name}") for name in _FRACTIONS)


WELLS = Table(
    "wells",
    "PROFILE_WELLS",
    "tables/wells.parquet",
    (
        *OF_WELL,
        *OF_MAP,
        *keys("Group"),
        Columns("Count_Fields Count_FieldsDropped", "integer", "fields used, fields dropped"),
        Columns("Count_Cells", "integer", "cells"),
        Columns("Count_CellsPerField", "number", "cells per field"),
        Columns(
            "Count_BorderCells",
            "integer",
            "cells at the image border, not among `Count_Cells`",
            optional=True,
        ),
        Columns("Count_Called", "integer", "cells with a death state", optional=True),
        Columns(
            "Count_DoubtfulStates",
            "integer",
            "of them, those whose state is doubtful (`Metadata_DeathDoubt`)",
            optional=True,
        ),
        Columns("Count_ReferenceWells", "integer", "vehicle wells behind the relative counts"),
        Columns("Relative_CellCount", "number", "cells per field over the mean of vehicle at the same time"),
        Columns(
            "Fraction_Lost",
            "number",
            "1 − `Relative_CellCount`; below 0 where a well has more cells than vehicle",
        ),
        Columns(
            "Relative_ViableCount",
            "number",
            "viable cells per field over the mean of vehicle",
            optional=True,
        ),
        Columns(
            "Count_Nuclei Count_NucleiInBorderCells Count_NucleiWithoutCell Count_NucleiWithoutCellBefore"
            " Count_CellsByNetwork Count_CellsSplit Count_CellsPropagated Count_CellsGrown"
            " Count_CellsWithoutNucleus Count_MultinucleateCells Count_StainedAreas"
            " Count_StainedAreasInNoCell Count_ObjectsLackingValues",
            "integer",
            "sums over the kept fields of the counts in `images`",
            optional=True,
        ),
        Columns(
            "Count_NucleiPerField",
            "number",
            "all nuclei per field, including those in no cell and in cells at the border: unlike"
            " `Count_CellsPerField`, it does not depend on the cell stain; missing without a nuclear channel",
            optional=True,
        ),
        Columns(
            "Relative_NucleiCount",
            "number",
            "nuclei per field over the mean of vehicle; where it disagrees with `Relative_CellCount`, cells"
            " were lost by the segmentation or lost their stain, and are still on the plate",
            optional=True,
        ),
        Columns(
            _each("*"),
            "number",
            "of the cells with a state; `Dead`: late apoptotic and necrotic (with PI alone: `dead`);"
            " `Dying`: all cells that are not viable. Null where the dyes of the screen cannot tell it",
            optional=True,
        ),
        Columns(
            _each("*_Low *_High"),
            "number",
            "95 % interval of this well's fraction. Not for comparing wells",
            optional=True,
        ),
        Columns(
            _each("*_GateLower *_GateHigher"),
            "number",
            "the fraction with all gates 0.1 of a decade lower and higher: where it differs, it depends on"
            " where the gates lie",
            optional=True,
        ),
        Columns("Endpoint_<name>", "number", "your own endpoints (`--endpoints`): median over cells"),
        Columns(
            "MedianViable_<feature>",
            "number",
            "median over the viable cells, for five features of shape",
            OWN,
        ),
        Columns("Median_<feature>", "number", "median over all cells, for every feature", OWN),
    ),
)
PROFILES = Table(
    "profiles",
    "PROFILE_FEATURES",
    "tables/profiles/<set>.parquet",
    (
        *OF_WELL,
        *keys("Compound Dose DoseUnit Role CellCount Group"),
        Columns(
            "<Compartment>_<Group>_<Feature> Embedding_<n>",
            "number",
            "each feature that was kept: median of the cells, less the median of the vehicle wells, over"
            " their deviation (1.4826 MAD, and 0.25 standard deviations over all wells as a floor), whatever"
            " its unit; of a network `Embedding_<n>`",
        ),
    ),
)
_SET = Columns("Set", "text", "`classical`, `deep`, `joint`")
_INTERVAL = Columns(
    "mAP Low High",
    "number",
    "mean average precision by cosine, 0 to 1, and its 95 % interval over wells; null where there is a"
    " `Reason`",
)
_NORMALISED = Columns("mAP_Normalised", "number", "0: chance, 1: perfect")
_SCORE = Columns(
    "Score",
    "text",
    "`activity`: are the wells closer to one another than to vehicle of their plate and time?"
    " `reproducibility`: are they closer to their replicates on other acquisitions than to wells of other"
    " conditions?",
)
LEFT_OUT = Table(
    "wells_left_out",
    "PROFILE_FEATURES",
    "tables/wells_left_out.parquet",
    (
        *OF_WELL,
        *keys("Compound Dose DoseUnit Role"),
        _SET,
        Columns(
            "Reason",
            "text",
            "fewer than 5 cells, fewer than 2 vehicle wells of its plate, time and group, no cells, all"
            " fields dropped",
        ),
    ),
)
DROPPED = Table(
    "dropped_features",
    "PROFILE_FEATURES",
    "tables/dropped_features.parquet",
    (
        Columns("Set", "text", "`classical`, `deep`"),
        Columns("Feature", "text", "that is in no profile"),
        Columns("Reason", "text", "why"),
    ),
)
SCORES = Table(
    "profile_scores",
    "PROFILE_FEATURES",
    "tables/profile_scores.parquet",
    (
        _SET,
        Columns("Compound", "text", "as in the plate map"),
        Columns("Dose", "number64", "as in the plate map"),
        Columns("DoseUnit", "text", "as in the plate map"),
        Columns("Timepoint", "number64", "of the wells", "h"),
        _SCORE,
        _INTERVAL,
        _NORMALISED,
        Columns(
            "P Q",
            "number",
            "P value from random orders; false discovery rate over the conditions of the set and score",
        ),
        Columns("N_Wells N_Negatives", "integer", "wells of the condition, wells they are told apart from"),
        Columns("Reason", "text", "why there is no score; empty if there is one"),
    ),
)
SCORECARD = Table(
    "profile_scorecard",
    "PROFILE_FEATURES",
    "tables/profile_scorecard.parquet",
    (
        _SET,
        Columns("Score", "text", "as in `profile_scores`"),
        Columns("mAP Low High mAP_Normalised", "number", "means of those in `profile_scores`"),
        Columns("Fraction_Found", "number", "share of the conditions with `Q` below 0.05"),
        Columns(
            "N_Conditions N_Wells N_Features",
            "integer",
            "conditions with a score, wells that have a profile in every set, features of the set",
        ),
        Columns("Reason", "text", "why there is none"),
    ),
)
DIFFERENCES = Table(
    "profile_differences",
    "PROFILE_FEATURES",
    "tables/profile_differences.parquet",
    (
        Columns("Set Against", "text", "the two sets"),
        Columns("Score", "text", "as in `profile_scores`"),
        Columns(
            "Difference Low High",
            "number",
            "mean mAP of `Set` less that of `Against`, with its interval (95 %, paired resamples of wells)",
        ),
    ),
)
#: Beside the profiles themselves.
BESIDE = (SCORES, SCORECARD, DIFFERENCES, DROPPED, LEFT_OUT)
TABLES = (WELLS, PROFILES, *BESIDE)
