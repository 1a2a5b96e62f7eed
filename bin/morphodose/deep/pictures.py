"""The pictures of the gallery: strips of crops with their saliency, and the grid of examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from morphodose.files import replacing

matplotlib.use("Agg")

Picture = npt.NDArray[np.float32]
#: Inches of a crop, and dots an inch: crops are shown at about 160 px.
INCH, DPI = 1.25, 128
#: Saliency in the window below this, of the maximum of the crop, is remarked on.
FAINT = 0.25
#: Colour map of the saliency: dark where there is none, so that the crop is seen through.
COLOUR_MAP = "inferno"


@dataclass(frozen=True)
class Shown:
    """One crop of a strip.

    Attributes
    ----------
    picture : (Y, X, 3) array
        From 0 to 1.
    saliency : (Y, X) array
        From 0 to 1; all 0 where nothing in the crop speaks for the class.
    caption : str
        One to three short lines above it.
    """

    picture: Picture
    saliency: npt.NDArray[np.float32]
    caption: str


def overlaid(picture: Picture, saliency: npt.NDArray[np.float32]) -> Picture:
    """The picture in grey with the saliency over it, more opaque where it is higher.

    Parameters
    ----------
    saliency : (Y, X) array of float32
        From 0 to 1.
    """
    grey = picture.mean(axis=-1, keepdims=True) * 0.85
    colour = matplotlib.colormaps[COLOUR_MAP](saliency)[..., :3]
    opacity = 0.75 * saliency[..., None]
    return np.asarray((1 - opacity) * grey + opacity * colour, np.float32)


def remark(saliency: npt.NDArray[np.float32]) -> str:
    """What to say where the window shows no saliency: there is none, or it lies outside.

    Parameters
    ----------
    saliency : (Y, X) array of float32
        From 0 to 1.
    """
    if not saliency.any():
        return "nothing for the class"
    return "outside the window" if saliency.max() < FAINT else ""


def write_strip(path: Path, title: str, crops: Sequence[Shown], footer: str) -> None:
    """Crops in a row, and below each the same with its saliency; a title, captions, and a footer."""
    head = 0.42 + 0.12 * max(crop.caption.count("\n") + 1 for crop in crops)
    foot, side = 0.45, 0.75
    width, height = max(side + len(crops) * INCH + 0.1, 6.5), head + 2 * INCH + 0.06 + foot
    figure = Figure(figsize=(width, height), dpi=DPI)
    figure.text(0.1 / width, 1 - 0.08 / height, title, fontsize=10, weight="bold", va="top")
    for row, name in enumerate(("crop", "Grad-CAM")):
        bottom = foot + (1 - row) * (INCH + 0.06)
        figure.text(
            (side - 0.08) / width, (bottom + INCH / 2) / height, name, fontsize=7.5, ha="right", va="center"
        )
        for column, crop in enumerate(crops):
            place = ((side + column * INCH) / width, bottom / height, (INCH - 0.06) / width, INCH / height)
            axes = figure.add_axes(place)
            axes.set_axis_off()
            axes.imshow(crop.picture if row == 0 else overlaid(crop.picture, crop.saliency), aspect="equal")
            if row == 0:
                axes.set_title(crop.caption, fontsize=6.5, pad=3, linespacing=1.25)
            elif note := remark(crop.saliency):
                axes.text(
                    0.5,
                    0.05,
                    note,
                    color="w",
                    fontsize=6,
                    ha="center",
                    va="bottom",
                    transform=axes.transAxes,
                )
    figure.text(0.1 / width, 0.08 / height, footer, fontsize=6.5, color="0.35", va="bottom", linespacing=1.3)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def write_grid(
    path: Path,
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    crops: Sequence[Sequence[Sequence[Picture]]],
    footer: str,
) -> None:
    """Examples by row (time) and column (dose); in each place as many crops side by side as the fullest has.

    Parameters
    ----------
    path, title, footer
        The file, and what stands above and below.
    rows, columns : sequence of str
        Their names.
    crops : nested sequence of (Y, X, 3) arrays
        By row, column, and place; an empty place stays white.
    """
    each = max((len(place) for row in crops for place in row), default=1) or 1
    inch = min(INCH * 0.62, 14.0 / (len(columns) * each))
    gap, side, foot = 0.08, 0.6, 0.35
    head = 0.42 + 0.15 * max(name.count("\n") + 1 for name in columns)
    step_x, step_y = each * inch + gap, inch + 0.03
    width = max(side + len(columns) * step_x + 0.1, 6.5)
    height = head + len(rows) * step_y + foot
    figure = Figure(figsize=(width, height), dpi=DPI)
    figure.text(0.1 / width, 1 - 0.08 / height, title, fontsize=10, weight="bold", va="top")
    for column, name in enumerate(columns):
        x = side + column * step_x + each * inch / 2
        figure.text(
            x / width, 1 - (head - 0.06) / height, name, fontsize=8, ha="center", va="bottom", linespacing=1.1
        )
    for row, name in enumerate(rows):
        bottom = height - head - (row + 1) * step_y + 0.03
        figure.text(
            (side - 0.08) / width, (bottom + inch / 2) / height, name, fontsize=8, ha="right", va="center"
        )
        for column in range(len(columns)):
            for position, picture in enumerate(crops[row][column]):
                left = side + column * step_x + position * inch
                axes = figure.add_axes((left / width, bottom / height, (inch - 0.02) / width, inch / height))
                axes.set_axis_off()
                axes.imshow(picture, aspect="equal")
    figure.text(0.1 / width, 0.08 / height, footer, fontsize=6.5, color="0.35", va="bottom", linespacing=1.3)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
