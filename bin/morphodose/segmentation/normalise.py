"""Brightness of a field as the network expects it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Cellpose's percentiles, which become 0 and 1.
LOW, HIGH = 1.0, 99.0

#: A channel whose objects cover less than this share of the field is sparse.
SPARSE = 0.025
#: Share of the pixels of objects that lie above 1: what the 99th percentile leaves of a field that is
#: covered by 40 %.
ABOVE = 0.025
#: An object is brighter than the 5th percentile of the field by this many standard deviations of the noise.
BRIGHTER = 8.0


def coverage(channel: npt.NDArray[np.generic]) -> float:
    """Share of a channel's pixels that stand out of the background.

    The noise is the median difference of neighbours in a row, on which cells and shading hardly count
    (0.954: that median for normal noise of standard deviation 1).
    """
    pixels = np.asarray(channel, np.float32)
    noise = float(np.median(np.abs(np.diff(pixels, axis=1)))) / 0.954 if pixels.shape[1] > 1 else 0.0
    return float(np.mean(pixels > np.percentile(pixels, 5) + BRIGHTER * noise))


def high_percentile(channel: npt.NDArray[np.generic]) -> float:
    """Percentile of a channel that becomes 1: Cellpose's 99, more in a sparse field.

    Where a few cells cover 1 % of a field, the 99th percentile lies at their edge, not in their light:
    they would be several times as bright as any cell the network has learnt, and are lost or fall apart.
    """
    covered = coverage(channel)
    return 100 * (1 - ABOVE * covered) if 0 < covered < SPARSE else HIGH


def normalise(image: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Scale each channel of an image so that its low percentile is 0 and its high one 1.

    Parameters
    ----------
    image : (Y, X, C) array
        Raw intensities.

    Returns
    -------
    (Y, X, C) array of float32
        As by `cellpose.transforms.normalize99`, but for sparse fields (`high_percentile`), and for a
        constant channel, which becomes 0; Cellpose would hand a dark frame of 100 counts on as 100.
    """
    result = np.array(image, dtype=np.float32)
    for c in range(result.shape[-1]):
        channel = result[..., c]
        low, high = np.percentile(channel, (LOW, high_percentile(channel)))
        if high - low > 1e-3:
            channel -= low
            channel /= high - low
        else:
            channel[:] = 0
    return result
