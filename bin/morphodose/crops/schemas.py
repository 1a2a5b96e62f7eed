"""The index of the crops."""

from __future__ import annotations

from morphodose.columns import Columns, Table
from morphodose.key_columns import OF_CELL

#: Where the pixels of a crop are.
PLACE = (
    Columns("Crop_Shard", "text", "file of its pixels"),
    Columns("Crop_Row", "integer", "its row in that file, from 0"),
)
PADDED = Columns("Crop_Padded", "flag", "whether a part of the crop lies outside the image; that part is 0")
CROPS = Table(
    "crops",
    "CROP_CELLS",
    "crops/<well-timepoint>_crops.parquet",
    (
        *OF_CELL,
        *PLACE,
        Columns(
            "Crop_Center_Y Crop_Center_X",
            "integer",
            "pixel of the field at the middle (index `size // 2`) of the crop: the centroid of the mask,"
            " rounded",
            "px",
        ),
        PADDED,
        Columns(
            "Crop_PadTop Crop_PadBottom Crop_PadLeft Crop_PadRight",
            "integer",
            "rows and columns of the crop that lie outside the image",
            "px",
        ),
        Columns("Crop_Truncated", "flag", "the cell reaches beyond the crop"),
    ),
)
TABLES = (CROPS,)
