"""Tables that steps write, column by column.

docs/output.md is written from this (`make generate`), and tests hold what the steps write to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "flag", "integer", "number"]

#: Kind → type in Arrow.
TYPES: dict[Kind, str] = {"text": "string", "flag": "bool", "integer": "int64", "number": "float"}


@dataclass(frozen=True)
class Columns:
    """Columns of a table that are alike.

    Attributes
    ----------
    names : str
        Separated by spaces; ``<part>`` stands for what depends on the screen.
    kind : {'text', 'flag', 'integer', 'number'}
        Type of their values.
    meaning : str
        What they hold, for the guide.
    unit : str
        In the metadata of the column; empty for a ratio, a count or a text.
    optional : bool
        Whether there are tables without them.
    """

    names: str
    kind: Kind
    meaning: str
    unit: str = ""
    optional: bool = False

    def has(self, name: str) -> bool:
        """Whether a column is one of these."""
        patterns = (re.sub(r"<\w+>", r"\\w+?", each) for each in self.names.split())
        return any(re.fullmatch(pattern, name) for pattern in patterns)


@dataclass(frozen=True)
class Table:
    """A table that a step writes: its file below the results, and its columns but the keys (`Metadata_*`)."""

    name: str
    step: str
    file: str
    columns: tuple[Columns, ...]

    def faults(self, written: Mapping[str, tuple[str, str]]) -> list[str]:
        """What a written table has otherwise: columns, types, units.

        Parameters
        ----------
        written : mapping of str to (str, str)
            Column → its type in Arrow, and its unit.
        """
        found = []
        for name, (kind, unit) in written.items():
            if name.startswith("Metadata_"):
                continue
            declared = next((each for each in self.columns if each.has(name)), None)
            if declared is None:
                found.append(f"{self.name}: the column {name} is not declared")
            elif (kind, unit) != (TYPES[declared.kind], declared.unit):
                found.append(
                    f"{self.name}: {name} is {kind} in {unit or 'no unit'}, declared as "
                    f"{TYPES[declared.kind]} in {declared.unit or 'no unit'}"
                )
        needed = [columns.names.split() for columns in self.columns if not columns.optional]
        missing = [each for names in needed for each in names if "<" not in each]
        return found + [
            f"{self.name}: the column {each} is missing" for each in missing if each not in written
        ]


TABLES = (
    Table(
        "focus",
        "PROJECT_Z",
        "projected/<acquisition>/Well_<well>/focus.parquet",
        (
            Columns("Channel", "text", "name of the channel"),
            Columns("Z", "integer", "number of the plane"),
            Columns(
                "Projection",
                "text",
                "what was done: `max`, `mean`, `middle`, `plane:3`, `best_focus:4` (the z that was taken)",
            ),
            Columns("Focus", "number", "figure of merit, no unit; comparable within one stack only"),
            Columns("Chosen", "flag", "this plane is part of the image"),
            Columns("Peak", "flag", "this plane is the sharpest"),
            Columns(
                "EdgeWarning",
                "flag",
                "the curve of this field and channel peaks at the end of the stack: true focus may lie"
                " outside",
            ),
            Columns(
                "MissingShare",
                "number",
                "share of the plane that was not recorded or not copied (0: none)",
            ),
            Columns(
                "MissingWhat",
                "text",
                'what that part holds instead ("is constant at 0 counts", "repeats the row before", …)',
            ),
            Columns("MissingAtEdge", "flag", "whether that part is a band along an edge"),
        ),
    ),
    Table(
        "illumination",
        "ESTIMATE_ILLUMINATION",
        "illumination/<acquisition>_illumination.parquet",
        (
            Columns("Channel", "text", "name of the channel"),
            Columns("Applied", "flag", "whether the flat field is used"),
            Columns("Reason", "text", "why it is, or is not"),
            Columns(
                "ShadingBefore ShadingAfter",
                "number",
                "coefficient of variation of the smoothed average of held-out images (of all images for a"
                " flat field that was given), without and with correction",
            ),
            Columns("Degree", "integer", "of the polynomial; 0 for none"),
            Columns("Dark", "number", "offset of the camera", "counts"),
            Columns("Lowest Highest", "number", "of the flat field, whose mean is 1"),
            Columns("Images ImagesHeldOut", "integer", "fields used, and those held out in each split"),
        ),
    ),
    Table(
        "fields",
        "SEGMENT_CELLS",
        "segmented/<acquisition>/Well_<well>/fields.parquet",
        (
            Columns("Count_Cells", "integer", "cells that are kept"),
            Columns(
                "Count_BorderCells",
                "integer",
                "cells at the border of the image, which are left out of masks and measurements",
            ),
            Columns("Count_Nuclei", "integer", "nuclei in the kept cells"),
            Columns("Count_NucleiInBorderCells", "integer", "nuclei in the cells at the border"),
            Columns(
                "Count_NucleiWithoutCell",
                "integer",
                "nuclei that lie in no cell, left out; with the default method only fragments and debris."
                " `Count_Nuclei`, `Count_NucleiInBorderCells` and this add up to all nuclei of the field",
            ),
            Columns(
                "Count_NucleiWithoutCellBefore",
                "integer",
                "nuclei that the network had left without a cell, before cells were grown for them",
            ),
            Columns(
                "Count_CellsByNetwork Count_CellsSplit Count_CellsPropagated Count_CellsGrown",
                "integer",
                "kept cells by how they were made (`Metadata_CellOrigin`): found by the network; split from"
                " one found by it; grown from a nucleus in the stain; grown by a distance",
            ),
            Columns(
                "Count_CellsWithoutNucleus Count_MultinucleateCells",
                "integer",
                "kept cells with none, with several",
            ),
            Columns(
                "Count_StainedAreas Count_StainedAreasInNoCell",
                "number",
                "only without a nuclear channel: stained area of the cell channel, and that of patches as"
                " large as cells (a quarter of an ordinary one at least) in no cell, in areas of an ordinary"
                " cell",
                optional=True,
            ),
            Columns(
                "Diameter NucleiDiameter",
                "number",
                "used for segmentation; 0 where that was not segmented",
                "px",
            ),
            Columns("Seconds", "number", "of the segmentation", "s"),
        ),
    ),
    Table(
        "gates",
        "CALL_DEATH",
        "death/<acquisition>_gates.parquet",
        (
            Columns("Stain", "text", "early (Annexin V), late (PI)"),
            Columns("Channel Column", "text", "channel and column that the gate reads"),
            Columns(
                "Threshold", "number", "a cell above it is stained. Null: no gate, see `Reason`", "counts"
            ),
            Columns(
                "Centre Spread",
                "number",
                "median and standard deviation of the unstained vehicle cells",
                "counts",
            ),
            Columns(
                "Method",
                "text",
                "`valley`: between the two populations of the controls; `spread`: 6 standard deviations above"
                " the centre; `manual`: set by `--gates`",
            ),
            Columns("Count_VehicleCells Count_PositiveCells", "integer", "cells behind it"),
            Columns("Count_FarObjects", "integer", "objects far brighter than all cells, which get no state"),
            Columns("Fraction_VehiclePositive", "number", "fraction of the vehicle cells above it"),
            Columns(
                "Fraction_Stained_<role> Fraction_Stained_<role>_GateLower"
                " Fraction_Stained_<role>_GateHigher",
                "number",
                "of the cells of `vehicle`, `positive` or `treated` wells that are judged by this column: the"
                " fraction above the gate, and above gates 0.1 of a decade lower and higher",
            ),
            Columns(
                "Correlation", "number", "rank correlation of the two stains among cells below both gates"
            ),
            Columns(
                "Spillover",
                "number",
                "share of the other stain's light that was subtracted from this channel (`--compensation`)",
            ),
            Columns("Reason", "text", "why there is no gate, or a warning"),
            Columns("Doubt", "text", "signs that the stain failed: states called by it are doubtful"),
        ),
    ),
)
