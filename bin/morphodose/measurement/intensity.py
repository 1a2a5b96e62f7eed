"""Intensity of each channel in each object (MeasureObjectIntensity)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.objects import Objects
from morphodose.measurement.ordered import Values

#: What the kernel gives, in its order.
NAMES = (
    "Intensity_IntegratedIntensity",
    "Intensity_MeanIntensity",
    "Intensity_StdIntensity",
    "Intensity_MinIntensity",
    "Intensity_MaxIntensity",
    "Intensity_MassDisplacement",
    "Intensity_LowerQuartileIntensity",
    "Intensity_MedianIntensity",
    "Intensity_MADIntensity",
    "Intensity_UpperQuartileIntensity",
    "Location_CenterMassIntensity_X",
    "Location_CenterMassIntensity_Y",
    "Location_MaxIntensity_X",
    "Location_MaxIntensity_Y",
    "Intensity_IntegratedIntensityEdge",
    "Intensity_MeanIntensityEdge",
    "Intensity_StdIntensityEdge",
    "Intensity_MinIntensityEdge",
    "Intensity_MaxIntensityEdge",
)


def intensity_names(channels: tuple[str, ...]) -> list[str]:
    """``Intensity_<Name>_<Channel>`` and ``Location_<Name>_<X|Y>_<Channel>``, channel by channel."""
    return [f"{name}_{channel}" for channel in channels for name in NAMES]


def intensity(
    objects: Objects, first: int, last: int, values: Values, in_order: Values
) -> npt.NDArray[np.float64]:
    """Intensities in counts, positions in px, of the objects `first` to `last`.

    Quartiles and medians are those of `numpy.percentile`; MAD is the median distance from the median. The
    edge is every pixel with one of its four neighbours in another object or none. Of equal maxima the first
    counts, row by row. NaN where a pixel of the object is not a number.

    Parameters
    ----------
    objects : Objects
        All objects of the compartment.
    first, last : int
        Those whose values are given.
    values, in_order : (C, p) array of float64
        As from `morphodose.measurement.objects.gathered` and `morphodose.measurement.ordered.ordered`.

    Returns
    -------
    (C * 19, last - first) array
        In the order of `intensity_names`.
    """
    starts = objects.starts[first : last + 1]
    part = slice(int(starts[0]), int(starts[-1]))
    found = np.empty((len(values), len(NAMES), last - first))
    _intensity(
        values, in_order, starts - starts[0], objects.y[part], objects.x[part], objects.edge[part], found
    )
    return found.reshape(-1, last - first)


@njit(cache=True, nogil=True)
def _quantile(in_order, first, last, share):  # type: ignore[no-untyped-def]
    """Linear interpolation between the two values around a share of the way from first to last."""
    place = (last - first - 1) * share
    below = int(place)
    above = min(below + 1, last - first - 1)
    part = place - below
    return in_order[first + below] * (1.0 - part) + in_order[first + above] * part


@njit(cache=True, nogil=True)
def _median_distance(in_order, first, last, centre):  # type: ignore[no-untyped-def]
    """Median of the distances from `centre`: the values in order are walked outwards from it."""
    size = last - first
    right = first
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if in_order[middle] < centre:
            low = middle + 1
        else:
            high = middle
    right = low
    left = low - 1
    distance = 0.0
    before = 0.0
    for _ in range(size // 2 + 1):
        before = distance
        if right >= last or (left >= first and centre - in_order[left] < in_order[right] - centre):
            distance = centre - in_order[left]
            left -= 1
        else:
            distance = in_order[right] - centre
            right += 1
    return distance if size % 2 else 0.5 * (before + distance)


@njit(cache=True, nogil=True, error_model="numpy")
def _intensity(values, in_order, starts, y, x, edge, found):  # type: ignore[no-untyped-def]
    """All of `NAMES` of each object of each channel."""
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        size = float(last - first)
        down = 0.0
        right = 0.0
        edges = 0
        for p in range(first, last):
            down += y[p]
            right += x[p]
            edges += edge[p]
        for channel in range(values.shape[0]):
            out = found[channel]
            total = 0.0
            weighted_y = 0.0
            weighted_x = 0.0
            edge_total = 0.0
            edge_low = np.inf
            edge_high = -np.inf
            top = first
            for p in range(first, last):
                value = values[channel, p]
                total += value
                weighted_y += value * y[p]
                weighted_x += value * x[p]
                if value > values[channel, top]:
                    top = p
                if edge[p]:
                    edge_total += value
                    edge_low = min(edge_low, value)
                    edge_high = max(edge_high, value)
            if np.isnan(total):  # quartiles of the other pixels would not be those of the object
                for place in range(19):
                    out[place, index] = np.nan
                continue
            mean = total / size
            edge_mean = edge_total / edges
            spread = 0.0
            edge_spread = 0.0
            for p in range(first, last):
                value = values[channel, p]
                spread += (value - mean) ** 2
                if edge[p]:
                    edge_spread += (value - edge_mean) ** 2
            sorted_values = in_order[channel]
            median = _quantile(sorted_values, first, last, 0.5)
            out[0, index] = total
            out[1, index] = mean
            out[2, index] = np.sqrt(spread / size)
            out[3, index] = sorted_values[first]
            out[4, index] = sorted_values[last - 1]
            out[5, index] = np.sqrt(
                (down / size - weighted_y / total) ** 2 + (right / size - weighted_x / total) ** 2
            )
            out[6, index] = _quantile(sorted_values, first, last, 0.25)
            out[7, index] = median
            out[8, index] = _median_distance(sorted_values, first, last, median)
            out[9, index] = _quantile(sorted_values, first, last, 0.75)
            out[10, index] = weighted_x / total
            out[11, index] = weighted_y / total
            out[12, index] = x[top]
            out[13, index] = y[top]
            if edges == 0:  # an object that fills the image has no edge within it
                for place in range(14, 19):
                    out[place, index] = 0.0
            else:
                out[14, index] = edge_total
                out[15, index] = edge_mean
                out[16, index] = np.sqrt(edge_spread / edges)
                out[17, index] = edge_low
                out[18, index] = edge_high
