"""How crops are shown: one scale of intensity and one window for the whole screen, never one a crop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from morphodose.crops.shard import Pixels

#: A crop fades to 0 over this many px at the edge of its cell: twice the radius of the 11 x 11 blur, and 1.
FADE_PX = 11
#: Percentiles of the pixels of vehicle cells that become black and white, and the room beyond them for what a
#: dose makes darker or brighter, as a share of the range between.
LOW, HIGH, HEADROOM = 1.0, 99.0, 0.25
#: Least edge of the window, px.
LEAST_EDGE = 16
#: Colours of one, two, and three or more channels (red, green, blue); further channels are not shown.
COLOURS: dict[int, tuple[tuple[float, float, float], ...]] = {
    1: ((1, 1, 1),),
    2: ((1, 0, 1), (0, 1, 0)),
    3: ((0, 1, 1), (1, 0, 1), (1, 1, 0)),
}
COLOUR_NAMES = {1: ("grey",), 2: ("magenta", "green"), 3: ("cyan", "magenta", "yellow")}


@dataclass(frozen=True)
class GreyScale:
    """Counts of each channel that are shown black and white; (C,) arrays."""

    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

    def show(self, crop: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """A (C, Y, X) crop as a (Y, X, 3) picture from 0 to 1; several channels are added up in colours."""
        span = np.maximum(self.high - self.low, 1)
        light = np.clip((crop.astype(np.float32) - self.low[:, None, None]) / span[:, None, None], 0, 1)
        shown = min(len(crop), 3)
        colours = np.array(COLOURS[shown], np.float32)
        return np.clip(np.einsum("cyx,ck->yxk", light[:shown], colours), 0, 1)


def legend(channels: Sequence[str]) -> str:
    """Which channel has which colour, in words."""
    names = COLOUR_NAMES[min(len(channels), 3)]
    shown = ", ".join(f"{channel} {colour}" for channel, colour in zip(channels, names, strict=False))
    left_out = channels[len(names) :]
    return shown + (f" (not shown: {', '.join(left_out)})" if left_out else "")


def inner_pixels(crop: Pixels) -> Pixels:
    """(C, n) counts of the pixels of a (C, S, S) crop that lie inside its cell by more than the fading edge.

    Of a cell too small to have any, the half of its pixels that lie deepest.
    """
    inside = (crop > 0).any(axis=0)
    if not inside.any():
        return crop.reshape(len(crop), -1)[:, :0]
    depth = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    limit = FADE_PX if depth.max() > FADE_PX else float(np.median(depth[inside]))
    return crop[:, depth >= limit]


def fit_greyscale(crops: Iterable[Pixels]) -> GreyScale:
    """Scale from (C, S, S) crops of vehicle: percentiles `LOW`, `HIGH` of their inner pixels, and `HEADROOM`.

    Raises
    ------
    ValueError
        If no crop has a pixel.
    """
    found = [pixels for crop in crops if (pixels := inner_pixels(crop)).size]
    if not found:
        raise ValueError("no crop to fit the grey scale to has a pixel above 0")
    low, high = np.percentile(np.concatenate(found, axis=1), (LOW, HIGH), axis=1)
    room = HEADROOM * (high - low)
    return GreyScale(np.maximum(low - room, 0).astype(np.float32), (high + room).astype(np.float32))


def window_edge(crops: Iterable[Pixels], share: float = 95.0) -> int:
    """Edge in px of the window around the centre that holds that percentage of (C, S, S) crops whole."""
    reach, size = [], LEAST_EDGE
    for crop in crops:
        size = crop.shape[-1]
        places = np.argwhere((crop > 0).any(axis=0))
        if len(places):
            reach.append(np.abs(places + 0.5 - size / 2).max() + 0.5)
    edge = 2 * int(np.ceil(np.percentile(reach, share))) if reach else size
    return int(min(max(edge, LEAST_EDGE), size))


def central(picture: npt.NDArray[np.generic], edge: int) -> npt.NDArray[np.generic]:
    """The central `edge` × `edge` px of the last two axes.

    Parameters
    ----------
    picture : (…, Y, X) array
        One picture, or several of one size.
    """
    top, left = ((length - edge) // 2 for length in picture.shape[-2:])
    return picture[..., top : top + edge, left : left + edge]
