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
    origins: Mapping[int, str],
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
    origins : mapping
        Label → how the cell was made (`morphodose.segmentation.complete`).
    pixel_size_um : float, optional
        Edge of a pixel; areas and lengths are in µm where it is known, else in px.

    Returns
    -------
    pandas.DataFrame
        One row per label, sorted; no rows for an empty field. ``AreaShape_FormFactor`` is the roundness of
        CellProfiler's MeasureObjectSizeShape, 4π·area / perimeter²: 1 for a circle, less the more the
        outline is lobed; on small objects the digital perimeter can take it above 1, and it is missing
        where the perimeter is 0 (one pixel). ``AreaShape_Eccentricity`` is that of the ellipse with the
        same second moments, 0 for a circle. ``Location_Center_X`` and ``_Y`` are in px, as pixel
        positions are in the mask.
    """
    import pandas as pd

    labels, area, centre, eccentricity = moments(cells)
    perimeter = perimeters(cells)[labels]
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
        "Metadata_CellOrigin": pd.array([origins[int(label)] for label in labels], dtype="str"),
        "AreaShape_Area": area * scale**2,
        "AreaShape_Perimeter": perimeter * scale,
        "AreaShape_FormFactor": roundness,
        "AreaShape_Eccentricity": eccentricity,
        "Location_Center_X": centre[:, 1],
        "Location_Center_Y": centre[:, 0],
        "NucleusCount": np.array([nuclei_counts.get(int(label), 0) for label in labels], dtype=np.int64),
    }
    return pd.DataFrame(columns)


def moments(
    labels: npt.NDArray[np.integer],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sorted labels of a mask, their areas, centroids (n, 2) as y, x, and eccentricities, in px.

    All objects at once from sums over their pixels; the values are those of `skimage.measure.regionprops`,
    which visits them one by one and takes as long as a tenth of the segmentation.
    """
    y, x = np.nonzero(labels)
    present, index = np.unique(labels[y, x], return_inverse=True)
    area = np.bincount(index).astype(float)
    centre = (
        np.stack([np.bincount(index, at) / area for at in (y, x)], axis=1) if len(area) else np.zeros((0, 2))
    )
    dy, dx = y - centre[index, 0], x - centre[index, 1]
    yy, xx, xy = (np.bincount(index, product) / area for product in (dy * dy, dx * dx, dy * dx))
    spread = np.hypot((xx - yy) / 2, xy)
    larger, smaller = (xx + yy) / 2 + spread, np.maximum((xx + yy) / 2 - spread, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        eccentricity = np.where(larger > 0, np.sqrt(1 - smaller / larger), 0.0)
    return present.astype(np.int64), area, centre, eccentricity


def perimeters(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Perimeter of each object in px, at the index of its label; 0 where there is none.

    The estimator of `skimage.measure.perimeter` (Benkrid, Crookes & Benkrid 2000): pixels of the outline
    count 1, √2 or (1 + √2) / 2 by the neighbours they have on it; here for all labels in one pass.
    """
    padded = np.pad(np.asarray(labels, dtype=np.int64), 1)
    inner = (slice(1, -1), slice(1, -1))

    def shifted(image: npt.NDArray[np.generic], dy: int, dx: int) -> npt.NDArray[np.generic]:
        return image[1 + dy : image.shape[0] - 1 + dy, 1 + dx : image.shape[1] - 1 + dx]

    own = padded[inner]
    edge = np.zeros(padded.shape, bool)
    straight, diagonal = ((-1, 0), (1, 0), (0, -1), (0, 1)), ((-1, -1), (-1, 1), (1, -1), (1, 1))
    for dy, dx in straight:
        edge[inner] |= shifted(padded, dy, dx) != own
    edge[inner] &= own > 0
    y, x = np.nonzero(edge)
    code = np.ones(len(y), np.int64)
    for neighbours, weight in ((straight, 2), (diagonal, 10)):
        for dy, dx in neighbours:
            code += weight * (edge[y + dy, x + dx] & (padded[y + dy, x + dx] == padded[y, x]))
    lengths = np.zeros(50)
    lengths[[5, 7, 15, 17, 25, 27]] = 1
    lengths[[21, 33]] = np.sqrt(2)
    lengths[[13, 23]] = (1 + np.sqrt(2)) / 2
    found = np.bincount(padded[y, x], lengths[code], minlength=int(padded.max()) + 1)
    return np.asarray(found, dtype=np.float64)


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
