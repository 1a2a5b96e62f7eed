"""Compiled loops of `dynamics`; each gives Cellpose's numbers to the last bit.

Arithmetic has the order and the precision of Cellpose 3, by numba's rules (float32 times float32 is float32,
1 - float32 is float64): along flows that swirl, one bit of difference ends in another pixel.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)

#: Pixels whose ways are followed side by side: their steps do not wait for each other.
ABREAST = 256
#: Empty margin in px around the histogram of where pixels end, and reach of an object around its seed.
MARGIN, REACH = 20, 5
#: A seed is a pixel where more than this many end; an object holds those where more than `OF_OBJECT` do.
OF_SEED, OF_OBJECT = 10, 2


@njit(cache=True, nogil=True)
def follow(flows, ys, xs, steps, ends):  # type: ignore[no-untyped-def]
    """Pixels where those at `ys`, `xs` end after `steps` steps along `flows`, into `ends` (n, 2).

    flows : (Y, X, 2) float32, in px per step. A pixel that comes back to where it was goes round from there
    (most stand still), so that its end is known without going on.
    """
    height, width = flows.shape[0], flows.shape[1]
    last_y, last_x = np.float32(height - 1), np.float32(width - 1)
    place = np.empty((ABREAST, 2), np.float32)
    kept = np.empty((ABREAST, 2), np.float32)
    left = np.empty(ABREAST, np.int64)
    number = np.empty(ABREAST, np.int64)
    for begin in range(0, len(ys), ABREAST):
        active = min(ABREAST, len(ys) - begin)
        for i in range(active):
            place[i, 0], place[i, 1] = ys[begin + i], xs[begin + i]
            kept[i, 0], kept[i, 1] = place[i, 0], place[i, 1]
            number[i], left[i] = begin + i, steps
        step, marked = 0, 0
        while active:
            # Brent's cycle detection: the place kept moves on at the powers of two
            power = (step & (step - 1)) == 0
            if power:
                marked = step
                for i in range(active):
                    kept[i, 0], kept[i, 1] = place[i, 0], place[i, 1]
            step += 1
            still = 0
            for i in range(active):
                at_y, at_x = place[i, 0], place[i, 1]
                remaining = left[i]
                if remaining > 0:
                    y0, x0 = int(at_y), int(at_x)
                    y, x = at_y - np.float32(y0), at_x - np.float32(x0)
                    y1, x1 = min(height - 1, y0 + 1), min(width - 1, x0 + 1)
                    move_y = np.float32(
                        flows[y0, x0, 0] * (1 - y) * (1 - x)
                        + flows[y0, x1, 0] * (1 - y) * x
                        + flows[y1, x0, 0] * y * (1 - x)
                        + flows[y1, x1, 0] * y * x
                    )
                    move_x = np.float32(
                        flows[y0, x0, 1] * (1 - y) * (1 - x)
                        + flows[y0, x1, 1] * (1 - y) * x
                        + flows[y1, x0, 1] * y * (1 - x)
                        + flows[y1, x1, 1] * y * x
                    )
                    at_y = min(last_y, max(np.float32(0), at_y + move_y))
                    at_x = min(last_x, max(np.float32(0), at_x + move_x))
                    remaining -= 1
                    if at_y == kept[i, 0] and at_x == kept[i, 1]:
                        remaining %= step - marked
                if remaining == 0:
                    ends[number[i], 0], ends[number[i], 1] = int(at_y), int(at_x)
                else:
                    place[still, 0], place[still, 1] = at_y, at_x
                    kept[still, 0], kept[still, 1] = kept[i, 0], kept[i, 1]
                    number[still], left[still] = number[i], remaining
                    still += 1
            active = still


@njit(cache=True, nogil=True)
def seeds(crowd):  # type: ignore[no-untyped-def]
    """Local maxima (n, 2) of the number of pixels that end in each, in raster order; `crowd` has a margin."""
    found = []
    for y in range(2, crowd.shape[0] - 2):
        for x in range(2, crowd.shape[1] - 2):
            here = crowd[y, x]
            if here > OF_SEED:
                most = here
                for v in range(y - 2, y + 3):
                    for u in range(x - 2, x + 3):
                        most = max(most, crowd[v, u])
                if most == here:
                    found.append((y, x))
    result = np.empty((len(found), 2), np.int64)
    for i in range(len(found)):
        result[i, 0], result[i, 1] = found[i]
    return result


@njit(cache=True, nogil=True)
def spread(crowd, ordered, owner):  # type: ignore[no-untyped-def]
    """Number each seed's neighbourhood in `owner`: 1 for the first of `ordered`, later ones on top."""
    side = 2 * REACH + 1
    for k in range(len(ordered)):
        top, start = ordered[k, 0] - REACH, ordered[k, 1] - REACH
        now = np.zeros((side, side), np.bool_)
        now[REACH, REACH] = True
        for reach in range(1, REACH + 1):
            wider = np.zeros((side, side), np.bool_)
            for y in range(REACH - reach, REACH + reach + 1):
                for x in range(REACH - reach, REACH + reach + 1):
                    if crowd[top + y, start + x] > OF_OBJECT:
                        near = False
                        for v in range(max(0, y - 1), min(side, y + 2)):
                            for u in range(max(0, x - 1), min(side, x + 2)):
                                near |= now[v, u]
                        wider[y, x] = near
            now = wider
        for y in range(side):
            for x in range(side):
                if now[y, x]:
                    owner[top + y, start + x] = k + 1


@njit(cache=True, nogil=True)
def renumber(labels, keep):  # type: ignore[no-untyped-def]
    """Number the labels to keep 1, 2, … by their first pixel, in place, others 0; how many there are."""
    number = np.zeros(len(keep), np.int32)
    count = 0
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            if label:
                if keep[label] and number[label] == 0:
                    count += 1
                    number[label] = count
                labels[y, x] = number[label]
    return count


@njit(cache=True, nogil=True)
def boxes(labels, count):  # type: ignore[no-untyped-def]
    """First and last row and column (count, 4) of each label 1 … count; -1 where a label is missing."""
    found = np.full((count, 4), -1, np.int64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            label = labels[y, x]
            if label:
                box = found[label - 1]
                if box[0] < 0:
                    box[0], box[2], box[3] = y, x, x
                box[1] = y
                box[2], box[3] = min(box[2], x), max(box[3], x)
    return found


@njit(cache=True, nogil=True)
def _spread_row(above, row, below, result, n):  # type: ignore[no-untyped-def]
    """One step of the diffusion in a run of `n` pixels, that start at 1 in each row."""
    for i in range(n):
        result[i] = (1 / 9.0) * (
            row[i + 1] + above[i + 1] + below[i + 1] + row[i] + row[i + 2]
            + above[i] + above[i + 2] + below[i] + below[i + 2]
        )  # fmt: skip


@njit(cache=True, nogil=True)
def flow_errors(labels, found, flows, first, last, errors):  # type: ignore[no-untyped-def]
    """Mean squared difference of the flows that labels first + 1 … last would have from the given ones.

    labels : (Y, X) int32; found : their `boxes`; flows : (Y, X, 2) float32, the network's, 5 px per step;
    errors : (count,) float64, filled in.
    """
    for k in range(first, last):
        top, bottom, start, end = found[k]
        if top < 0:
            continue
        height, width = bottom - top + 3, end - start + 3
        runs = np.empty((labels.shape[1], 3), np.int64)
        n_runs, area, sum_y, sum_x = 0, 0, 0, 0
        for y in range(1, height - 1):
            inside = False
            for x in range(1, width):
                here = x < width - 1 and labels[top + y - 1, start + x - 1] == k + 1
                if here:
                    area += 1
                    sum_y += y
                    sum_x += x
                    if not inside:
                        if n_runs == len(runs):
                            longer = np.empty((2 * n_runs, 3), np.int64)
                            longer[:n_runs] = runs
                            runs = longer
                        runs[n_runs, 0], runs[n_runs, 1] = y, x
                elif inside:
                    runs[n_runs, 2] = x
                    n_runs += 1
                inside = here
        # the pixel next to the mean is the source
        mean_y, mean_x = sum_y / area, sum_x / area
        best, source_y, source_x = np.inf, 0, 0
        for r in range(n_runs):
            y = runs[r, 0]
            for x in range(runs[r, 1], runs[r, 2]):
                away = (x - mean_x) * (x - mean_x) + (y - mean_y) * (y - mean_y)
                if away < best:
                    best, source_y, source_x = away, y, x
        now, after = np.zeros((height, width)), np.zeros((height, width))
        for _ in range(2 * (height + width)):
            now[source_y, source_x] += 1
            for r in range(n_runs):
                y, left, right = runs[r]
                _spread_row(
                    now[y - 1, left - 1 :], now[y, left - 1 :], now[y + 1, left - 1 :],
                    after[y, left:], right - left,
                )  # fmt: skip
            now, after = after, now
        error_y, error_x = 0.0, 0.0
        for r in range(n_runs):
            y = runs[r, 0]
            for x in range(runs[r, 1], runs[r, 2]):
                flow_y = now[y + 1, x] - now[y - 1, x]
                flow_x = now[y, x + 1] - now[y, x - 1]
                norm = 1e-60 + np.sqrt(flow_y * flow_y + flow_x * flow_x)
                given = flows[top + y - 1, start + x - 1]
                off_y = flow_y / norm - given[0] / np.float32(5)
                off_x = flow_x / norm - given[1] / np.float32(5)
                error_y += off_y * off_y
                error_x += off_x * off_x
        errors[k] = error_y / area + error_x / area


@njit(cache=True, nogil=True)
def fill_holes(labels, found):  # type: ignore[no-untyped-def]
    """Give each label, in order, the pixels that it encloses, in place, whosever they are."""
    for k in range(len(found)):
        top, bottom, start, end = found[k]
        if top < 0:
            continue
        height, width = bottom - top + 1, end - start + 1
        outside = np.zeros((height, width), np.bool_)
        stack = np.empty((height * width, 2), np.int64)
        held = 0
        for y in range(height):
            rim = y == 0 or y == height - 1
            for x in range(0, width, 1 if rim or width == 1 else width - 1):
                if labels[top + y, start + x] != k + 1 and not outside[y, x]:
                    outside[y, x] = True
                    stack[held, 0], stack[held, 1] = y, x
                    held += 1
        while held:
            held -= 1
            y, x = stack[held]
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if v < 0 or v == height or u < 0 or u == width or outside[v, u]:
                    continue
                if labels[top + v, start + u] != k + 1:
                    outside[v, u] = True
                    stack[held, 0], stack[held, 1] = v, u
                    held += 1
        for y in range(height):
            for x in range(width):
                if not outside[y, x]:
                    labels[top + y, start + x] = k + 1


@njit(cache=True, nogil=True)
def add_tile(total, tile, weight, top, start):  # type: ignore[no-untyped-def]
    """Add a weighted tile (y, x, C) float32 to `total` (Y, X, C) float32, summed in float64."""
    for y in range(tile.shape[0]):
        for x in range(tile.shape[1]):
            for c in range(tile.shape[2]):
                here = total[top + y, start + x, c]
                total[top + y, start + x, c] = np.float32(here + tile[y, x, c] * weight[y, x])


@njit(cache=True, nogil=True)
def divide_by_weights(total, weight, places):  # type: ignore[no-untyped-def]
    """Divide what `add_tile` has added by the weights of the tiles, whose corners are `places` (n, 2)."""
    row = np.empty(total.shape[1])
    for y in range(total.shape[0]):
        row[:] = 0
        for k in range(len(places)):
            at = y - places[k, 0]
            if 0 <= at < weight.shape[0]:
                for x in range(weight.shape[1]):
                    row[places[k, 1] + x] += weight[at, x]
        for x in range(total.shape[1]):
            for c in range(total.shape[2]):
                total[y, x, c] = np.float32(total[y, x, c] / row[x])
