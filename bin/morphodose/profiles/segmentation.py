"""What the segmentation of a well-timepoint found and what it lost, in counts over the kept fields."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

#: Nuclei of a field, wherever they lie: in kept cells, in cells cut by the border, in no cell.
NUCLEI = ("Count_Nuclei", "Count_NucleiInBorderCells", "Count_NucleiWithoutCell")
#: Counted from the table of cells, not from that of the fields.
_OF_CELLS = ("Count_Cells",)


def segmentation_counts(kept: pd.DataFrame) -> dict[str, Any]:
    """Sums of the fields' ``Count_*`` columns, and ``Count_NucleiPerField``.

    Parameters
    ----------
    kept : pandas.DataFrame
        Rows of the images table that QC did not drop. A field that was not segmented has no counts and is
        left out of the sums.

    Returns
    -------
    dict
        ``Count_NucleiPerField`` is the mean number of nuclei of a field, those in no cell and those in cells
        at the border included: it does not depend on whether the cell around a nucleus was found. It is
        missing where the fields have no counts of nuclei, and where no nuclear channel was segmented, see
        `drop_without_nuclei`.
    """
    names = [name for name in kept if name.startswith("Count_") and name not in _OF_CELLS]
    row: dict[str, Any] = {name: int(kept[name].fillna(0).sum()) for name in names}
    if "Count_Nuclei" in names:
        counted = kept[kept["Count_Nuclei"].notna()]
        total = sum(row[name] for name in NUCLEI if name in row)
        row["Count_NucleiPerField"] = total / len(counted) if len(counted) else math.nan
    return row


def drop_without_nuclei(rows: list[dict[str, Any]]) -> None:
    """Take ``Count_NucleiPerField`` out of rows of wells, in place, where no field has a single nucleus.

    A screen without a nuclear channel has empty masks of nuclei; their count is unknown, not 0.
    """
    if not any(row.get("Count_NucleiPerField", 0) > 0 for row in rows):
        for row in rows:
            row.pop("Count_NucleiPerField", None)
