"""The columns that say of what a row is, which many tables have: ``Metadata_*``."""

from __future__ import annotations

from dataclasses import replace

from morphodose.columns import Columns

KEYS = (
    Columns("Metadata_Plate", "text", "from the samplesheet"),
    Columns("Metadata_Timepoint", "number64", "hours of treatment, from the samplesheet", "h"),
    Columns("Metadata_Replicate", "text", "from the samplesheet"),
    Columns("Metadata_Acquisition", "text", "id of the plate at this time"),
    Columns("Metadata_Well", "text", "well, such as `A01`"),
    Columns("Metadata_Field", "integer", "number of the field"),
    Columns("Metadata_ImageID", "text", "id of the field"),
    Columns("Metadata_ObjectLabel", "integer", "value of the cell's pixels in the mask"),
    Columns("Metadata_CellID", "text", "id of the cell"),
    Columns("Metadata_Compound", "text", "from the plate map"),
    Columns(
        "Metadata_Dose", "number64", "from the plate map, in `Metadata_DoseUnit`; a row with 0 is vehicle"
    ),
    Columns("Metadata_DoseUnit", "text", "from the plate map"),
    Columns("Metadata_Role", "text", "from the plate map: `vehicle`, `treated` or `positive`"),
    Columns("Metadata_<Name>", "text", "further columns of the plate map"),
    Columns(
        "Metadata_Group",
        "text",
        "group of the wells, where further columns divide the analysis (`CellLine=A549`); of gates also the"
        " vehicle wells that set them, where these differ (`vehicle=DMSO`); else empty",
    ),
    Columns(
        "Metadata_CellOrigin",
        "text",
        "how the cell was made: `cellpose` (found by the network), `split` (a part of what the network found,"
        " which held the nuclei of several cells), `propagated` (grown from its nucleus in the stain),"
        " `grown` (by a distance)",
    ),
    Columns("Metadata_DeathState", "text", "see `death`"),
    Columns("Metadata_DeathDoubt", "text", "why the state is doubtful; null if it is not"),
    Columns(
        "Metadata_DeathStateGateLower Metadata_DeathStateGateHigher",
        "text",
        "the state at gates 0.1 of a decade lower and higher",
    ),
    Columns("Metadata_QCVerdict", "text", "`keep`, `flag`, `drop`"),
    Columns("Metadata_QCReason", "text", "why, in words; empty for `keep`"),
    Columns(
        "Metadata_QCUnusable",
        "text",
        "channels whose image is constant in the field, or nothing but noise of a count and a smooth"
        " background, separated by commas: features in them and death states by them are null there, and"
        " crops of them are not used",
    ),
    Columns(
        "Metadata_QCMarks",
        "text",
        "`<channel>=<hash of its pixels>`, separated by commas: equal images have equal marks. A field with"
        " an image of an earlier field of its well and timepoint is dropped, one with the same image for two"
        " channels flagged; the same between wells or timepoints is a fault on the page",
    ),
    Columns(
        "Metadata_LackingValues",
        "text",
        "objects of each compartment that lack a value of a family of features (cells of a few pixels, say),"
        " in words",
    ),
    Columns("Metadata_CellCount", "integer", "cells behind the profile"),
)

_NAMED = {name: each for each in KEYS for name in each.each}


def keys(names: str, optional: bool = False) -> tuple[Columns, ...]:
    """Key columns by the names after ``Metadata_``, separated by spaces.

    Raises
    ------
    KeyError
        If there is none of this name.
    """
    found = dict.fromkeys(_NAMED[f"Metadata_{name}"] for name in names.split())
    return tuple(replace(each, optional=optional) for each in found)


OF_WELL = keys("Plate Timepoint Replicate Acquisition Well")
OF_FIELD = OF_WELL + keys("Field ImageID")
OF_CELL = OF_FIELD + keys("ObjectLabel CellID")
#: What the plate map says of a well, its further columns among it.
OF_MAP = keys("Compound Dose DoseUnit Role") + keys("<Name>")
