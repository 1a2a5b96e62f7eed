"""The diameter of the objects, where it is not given: one value for the fields of a plate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from morphodose.segmentation.common import Kind, MaskThresholds, Segmenter
from morphodose.segmentation.from_nuclei import equivalent_diameters
from morphodose.segmentation.normalise import normalise

Pair = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.float32]
Labels = npt.NDArray[np.integer]

#: Ratio of one scale to the next. A network finds objects of half to twice its own size.
STEP = 1.5
#: The largest object looked for, as a share of the shorter side of the field.
LARGEST = 2 / 3
#: The image is enlarged by no more than this: beyond, it is the grain that becomes objects.
MOST_ENLARGED = 4.0
#: Edge in px of what the network is shown of a field at one scale: one of Cellpose's tiles, with its padding.
SHOWN = 208
#: Objects that cover less of the foreground than this are not cells, but parts or debris.
LEAST_COVERED = 0.4
#: Objects below this number give no median.
LEAST_OBJECTS = 5
#: Scales tried for cells whose nuclei are known, in diameters of a nucleus: at finer ones bright nuclei pass
#: for cells, at coarser ones clumps do. Of spread fibroblasts it is 4 to 5.
LEAST_NUCLEI, MOST_NUCLEI = 1.1, 6.0
#: Objects that differ from the scale by more than this factor are looked at once more at their own size: at a
#: coarse scale the small ones are lost or merged, and the median is drawn up.
OFF = 1.15
#: Fields on which every scale is tried; the others are looked at only at the best one.
SCOUTS = 2
#: Natural logarithm of object over scale at which a scale counts 0.6 of one whose objects have its size.
MISFIT = np.log(2.0)


@dataclass(frozen=True)
class Estimate:
    """The diameter of the objects of some fields.

    Attributes
    ----------
    diameter : float
        Median over the objects, px; 0 where it could not be told.
    low, high : float
        10th and 90th percentile over the objects, px.
    coverage : float
        Share of the foreground that the objects cover, 0 to 1.
    objects, fields : int
        How many the median is taken over.
    reason : str
        Why there is no diameter; empty where there is one.
    """

    diameter: float
    low: float
    high: float
    coverage: float
    objects: int
    fields: int
    reason: str = ""

    @property
    def state(self) -> Literal["estimated", "failed"]:
        """Whether there is a diameter."""
        return "failed" if self.reason else "estimated"


@dataclass(frozen=True)
class _Found:
    """Objects of one field at one scale: their diameters in px of the field, the foreground they cover.

    `fit` is how well they agree with the foreground, 0 to 1: of cells, whose stain may be an outline or
    grains, what they cover of it; of nuclei, which are filled, the overlap (Dice), since nuclei with the haze
    of their cytoplasm cover as much.
    """

    diameters: npt.NDArray[np.float64]
    coverage: float
    fit: float


def estimate_diameter(
    engine: Segmenter, fields: Sequence[Pair], kind: Kind = "cells", nucleus: float = 0.0
) -> Estimate:
    """Estimate the median diameter of the objects of some fields.

    Parameters
    ----------
    engine : Segmenter
        The network that will segment them.
    fields : sequence of (Y, X, 2) arrays
        Raw intensities, as `common.pair` makes them.
    kind : str
        ``cells`` or ``nuclei``.
    nucleus : float
        Of cells, the diameter of their nuclei in px where it is known, else 0. Scales from `LEAST_NUCLEI` to
        `MOST_NUCLEI` times that are tried then.

    Returns
    -------
    Estimate
        Its `diameter` is 0, and `reason` says why, where no scale gives objects that cover at least
        `LEAST_COVERED` of the foreground.

    Raises
    ------
    ValueError
        If there is no field.

    Notes
    -----
    Cellpose's SizeModel guesses a diameter from the style of the image, segments, and takes the median of
    the masks (Stringer et al. 2021). Its file is a pickle, and the guess starts at one scale: cells of
    120 px fall apart at 30 px into pieces of 30 px, which confirm it. Here the fields are segmented at
    scales from coarse to fine, which costs little as coarse images are small. The scale is taken whose
    objects agree best with the foreground (Otsu 1979) and are about as large as the scale expects.
    """
    if not fields:
        raise ValueError("a diameter is estimated from one field or more, got none")
    chosen = set(np.linspace(0, len(fields) - 1, min(SCOUTS, len(fields))).round().astype(int).tolist())
    stained = [(field, foreground(field, kind)) for field in fields]
    scouts = [field for number, field in enumerate(stained) if number in chosen]
    others = [field for number, field in enumerate(stained) if number not in chosen]
    best, score, found = 0.0, 0.0, []
    for scale in scales(engine.diam_mean[kind], min(min(field.shape[:2]) for field in fields)):
        if nucleus and not LEAST_NUCLEI <= scale / nucleus <= MOST_NUCLEI:
            continue
        seen = [_at_scale(engine, *field, kind, scale) for field in scouts]
        now = _score(seen, scale)
        if now > score:
            best, score, found = scale, now, seen
        elif score > LEAST_COVERED and now < score / 2 and _count(found) >= LEAST_OBJECTS:
            break  # what comes is finer still, and costs more; unless small cells were one coarse blob
    if not best:
        return Estimate(0.0, 0.0, 0.0, 0.0, 0, len(fields), "no object was found at any scale")
    middle = float(np.median(np.concatenate([one.diameters for one in found])))
    if abs(np.log(middle / best)) > np.log(OFF):
        again = [_at_scale(engine, *field, kind, middle) for field in scouts]
        if _score(again, middle) > 0.75 * score:
            best, found = middle, again
    found += [_at_scale(engine, *field, kind, best) for field in others]
    sizes = np.concatenate([one.diameters for one in found])
    # a field without objects (an empty one) says nothing of the scale
    coverage = float(np.median([one.coverage for one in found if len(one.diameters)] or [0.0]))
    if len(sizes) < LEAST_OBJECTS:
        reason = f"only {len(sizes)} objects were found"
    elif coverage < LEAST_COVERED:
        reason = f"the objects found cover {coverage:.0%} of the stain, {LEAST_COVERED:.0%} are needed"
    else:
        reason = ""
    low, middle, high = np.percentile(sizes, (10, 50, 90)).tolist() if len(sizes) else (0.0, 0.0, 0.0)
    return Estimate(0.0 if reason else middle, low, high, coverage, len(sizes), len(fields), reason)


def scales(own: float, side: int) -> list[float]:
    """Diameters to try, px, from coarse to fine.

    Parameters
    ----------
    own : float
        Diameter of the objects that the network was trained on, px.
    side : int
        Shorter side of the field, px.
    """
    smallest = own / MOST_ENLARGED
    number = max(0, int(np.floor(np.log(max(LARGEST * side / smallest, 1)) / np.log(STEP))))
    return [smallest * STEP**i for i in range(number, -1, -1)]


def _count(found: Sequence[_Found]) -> int:
    """How many objects were found in all."""
    return sum(len(one.diameters) for one in found)


def _score(found: Sequence[_Found], scale: float) -> float:
    """How well a scale fits, 0 to 1: coverage, less where objects are not as large as the scale expects."""
    sizes = np.concatenate([one.diameters for one in found])
    if not len(sizes):
        return 0.0
    misfit = np.log(np.median(sizes) / scale) / MISFIT
    return float(np.mean([one.fit for one in found]) * np.exp(-(misfit**2) / 2))


def _at_scale(engine: Segmenter, field: Pair, lit: Pixels, kind: Kind, scale: float) -> _Found:
    """Segment a field, or the part of it with most stain, so that `scale` px are the network's own size."""
    import cv2

    factor = engine.diam_mean[kind] / scale
    shown, lit = _cut(field, lit, int(np.ceil(SHOWN / factor)))
    size = [max(1, round(side * factor)) for side in shown.shape[1::-1]]
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    channels = [cv2.resize(shown[..., c], size, interpolation=way) for c in (0, 1)]
    resized = np.stack(channels, axis=-1).astype(np.float32)
    mask = engine.segment([resized], engine.diam_mean[kind], kind, MaskThresholds())[0]
    stained = cv2.resize(lit, size, interpolation=way) > 0.5
    both = float(np.count_nonzero(stained & (mask > 0)))
    lit_area = np.count_nonzero(stained)
    covered = both / lit_area if lit_area else 0.0
    fit = covered if kind == "cells" else 2 * both / max(1, lit_area + np.count_nonzero(mask))
    return _Found(equivalent_diameters(mask) / factor, covered, fit)


def _cut(field: Pair, lit: Pixels, side: int) -> tuple[Pair, Pixels]:
    """The square of `side` px with most foreground, and that foreground."""
    import cv2

    height, width = (min(side, length) for length in lit.shape)
    if (height, width) != lit.shape:
        sums = cv2.integral(lit)
        inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]
        y, x = np.unravel_index(int(np.argmax(inside + sums[:-height, :-width])), inside.shape)
        field, lit = field[y : y + height, x : x + width], lit[y : y + height, x : x + width]
    return field, lit


def foreground(field: Pair, kind: Kind) -> Pixels:
    """Where the first channel of a field is stained, as the network sees it: 1, else 0 (Otsu's threshold).

    Of cells, dim ones count as bright ones do; of nuclei not, or the haze of their cytoplasm would.
    """
    import cv2
    from skimage.filters import threshold_otsu

    # the background is taken from a wide neighbourhood, since the size of the objects is not known yet
    light = normalise(field[..., :1], min(field.shape[:2]) / 8)[..., 0]
    bright = np.clip(cv2.GaussianBlur(light, (0, 0), 1.0), 0.0, 1.0 if kind == "cells" else None)
    if not np.ptp(bright) > 0:
        return np.zeros(bright.shape, np.float32)
    return np.asarray(bright > threshold_otsu(bright), np.float32)
