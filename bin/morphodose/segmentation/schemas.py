"""Tables of the segmentation: diameters, objects, counts of the fields."""

from __future__ import annotations

from morphodose.columns import OWN, Columns, Table
from morphodose.key_columns import OF_CELL, OF_FIELD, keys

DIAMETERS = Table(
    "diameters",
    "ESTIMATE_DIAMETERS",
    "tables/diameters.parquet",
    (
        *keys("Plate"),
        Columns("Object", "text", "`cells` or `nuclei`"),
        Columns("Diameter", "number", "used for segmentation: the median of all plates that are alike", "px"),
        Columns("Diameter_Plate", "number", "of this plate alone; missing where not estimated", "px"),
        Columns("Diameter_Low Diameter_High", "number", "10th and 90th percentile of its objects", "px"),
        Columns("Coverage", "number", "share of the foreground that the objects cover"),
        Columns("Count_Objects Count_Fields", "integer", "objects and fields behind the estimate"),
        Columns(
            "State Reason",
            "text",
            "`estimated`; `given` by a parameter; `not needed` by the network; `other plates` (that of the"
            " other plates is used) or `failed`, and why",
        ),
    ),
)
OBJECTS = Table(
    "objects",
    "SEGMENT_CELLS",
    "segmented/<acquisition>/Well_<well>/objects.parquet",
    (
        *OF_CELL,
        *keys("CellOrigin"),
        Columns("AreaShape_Area AreaShape_Perimeter", "number", "in µm² and µm, or px² and px", OWN),
        Columns("AreaShape_FormFactor", "number", "4π area / perimeter²"),
        Columns("AreaShape_Eccentricity", "number", "of the ellipse with the same moments"),
        Columns("Location_Center_X Location_Center_Y", "number", "centroid", "px"),
        Columns("NucleusCount", "integer", "nuclei in the cell"),
    ),
)
#: Counts of a field, which the table of images has, too.
COUNTS = (
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
        "integer",
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
)
FIELDS = Table(
    "fields",
    "SEGMENT_CELLS",
    "segmented/<acquisition>/Well_<well>/fields.parquet",
    (*OF_FIELD, *COUNTS),
)
TABLES = (DIAMETERS, OBJECTS, FIELDS)
