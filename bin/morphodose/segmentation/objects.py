"""One row for each cell of a mask: size and shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from morphodose.names import cell_id

if TYPE_CHECKING:
    import pandas as pd


def object_table(
    cells: npt.NDArray[np.integer],
    keys: Mapping[str, str | float | int],
    nuclei_counts: Mapping[int, int],
    pixel_size_um: float | None = None,
) -> pd.DataFrame:
    """Table of the cells of one field.

    Parameters
    ----------
    cells : (Y, X) array of int
        Label mask.
    keys : mapping
        ``Metadata_*`` columns of the field; ``Metadata_ImageID`` among them.
    nuclei_counts : mapping
        Label → number of nuclei.
    pixel_size_um : float, optional
        Edge of a pixel; areas and lengths are in µm where it is known, else in px.

    Returns
    -------
    pandas.DataFrame
        One row a label, sorted, none for an empty field. ``AreaShape_FormFactor`` is the roundness of
        CellProfiler's MeasureObjectSizeShape, 4π·area / perimeter²: 1 for a circle, less the more the
        outline is lobed; on small objects the digital perimeter can take it above 1, and it is missing
        where the perimeter is 0 (one pixel). ``AreaShape_Eccentricity`` is that of the ellipse with the
        same second moments, 0 for a circle. ``Location_Center_X`` and ``_Y`` are in px, as pixel
        positions are in the mask.
    """
    import pandas as pd
    from skimage.measure import regionprops_table

    names = ("label", "area", "perimeter", "eccentricity", "centroid")
    found = regionprops_table(np.asarray(cells, dtype=np.int32), properties=names)
    labels = found["label"].astype(np.int64)
    perimeter = np.asarray(found["perimeter"], dtype=float)
    area = np.asarray(found["area"], dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        roundness = np.where(perimeter > 0, 4 * np.pi * area / perimeter**2, np.nan)
    scale = pixel_size_um or 1.0
    image = str(keys["Metadata_ImageID"])
    columns: dict[str, object] = {
        name: np.repeat(np.array([value]), len(labels)) for name, value in keys.items()
    }
    columns |= {
        "Metadata_ObjectLabel": labels,
        "Metadata_CellID": pd.array([cell_id(image, label) for label in labels], dtype="str"),
        "AreaShape_Area": area * scale**2,
        "AreaShape_Perimeter": perimeter * scale,
        "AreaShape_FormFactor": roundness,
        "AreaShape_Eccentricity": np.asarray(found["eccentricity"], dtype=float),
        "Location_Center_X": np.asarray(found["centroid-1"], dtype=float),
        "Location_Center_Y": np.asarray(found["centroid-0"], dtype=float),
        "NucleusCount": np.array([nuclei_counts.get(int(label), 0) for label in labels], dtype=np.int64),
    }
    return pd.DataFrame(columns)


def object_units(pixel_size_um: float | None) -> dict[str, str]:
    """Units of the columns of `object_table`."""
    length = "um" if pixel_size_um else "px"
    return {
        "Metadata_Timepoint": "h",
        "AreaShape_Area": f"{length}2",
        "AreaShape_Perimeter": length,
        "Location_Center_X": "px",
        "Location_Center_Y": "px",
    }
