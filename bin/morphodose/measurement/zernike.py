"""Zernike moments of outlines and of stains within the smallest enclosing circle of each object.

As in cp_measure 0.3.0 (`get_zernike`, `get_radial_zernikes`) and centrosome, but from the moments x^p y^q:
those of an outline are differences of prefix sums, one for the ends of each row, so the cost grows with the
rows of an object and not with its pixels. Values are the same (tested).
"""

from __future__ import annotations

from functools import cache
from math import comb, factorial

import numpy as np
import numpy.typing as npt
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)
from morphodose.measurement.hull import hulls
from morphodose.measurement.objects import Objects
from morphodose.measurement.ordered import Values

DEGREE = 9
#: n and m of each moment.
INDEXES = tuple((n, m) for n in range(DEGREE + 1) for m in range(n % 2, n + 1, 2))
#: Powers of x and y whose sums the kernels give.
POWERS = tuple((p, q) for p in range(DEGREE + 1) for q in range(DEGREE + 1 - p))

Circles = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]


def zernike_names() -> list[str]:
    """``AreaShape_Zernike_<n>_<m>``."""
    return [f"AreaShape_Zernike_{n}_{m}" for n, m in INDEXES]


def radial_zernike_names(channels: tuple[str, ...]) -> list[str]:
    """``RadialDistribution_Zernike<Magnitude|Phase>_<Channel>_<n>_<m>``, channel by channel."""
    return [
        f"RadialDistribution_Zernike{kind}_{channel}_{n}_{m}"
        for channel in channels
        for n, m in INDEXES
        for kind in ("Magnitude", "Phase")
    ]


@cache
def _polynomials() -> npt.NDArray[np.float64]:
    """Each Zernike polynomial as a sum of x^p y^q: (2, `INDEXES`, `POWERS`), real and imaginary parts.

    Of ``R(r) (y + i x)^m``, centrosome's convention.
    """
    place = {power: index for index, power in enumerate(POWERS)}
    found = np.zeros((2, len(INDEXES), len(POWERS)))
    for index, (n, m) in enumerate(INDEXES):
        for k in range((n - m) // 2 + 1):
            above = (n + m) // 2 - k
            below = (n - m) // 2 - k
            weight = (-1) ** k * factorial(n - k) // (factorial(k) * factorial(above) * factorial(below))
            # r^(n - m - 2k) = (x² + y²)^below, times (y + i x)^m
            for of_x in range(below + 1):
                for turn in range(m + 1):
                    power = (2 * of_x + turn, 2 * (below - of_x) + m - turn)
                    sign = -1 if turn % 4 in (2, 3) else 1
                    found[turn % 2, index, place[power]] += sign * weight * comb(below, of_x) * comb(m, turn)
    return found


def circles_of(objects: Objects) -> Circles:
    """Hulls of the objects (`hulls`); row, column and radius of their smallest enclosing circles, (N, 3)."""
    starts, corners = hulls(objects)
    found = np.empty((objects.count, 3))
    _circles(starts, corners, found)
    return starts, corners, found


def zernike(objects: Objects, circles: Circles) -> npt.NDArray[np.float64]:
    """Magnitude of each moment of the outline over the area of the circle: (`INDEXES`, N)."""
    sums = np.zeros((objects.count, len(POWERS)))
    _outline_sums(objects.starts, objects.y, objects.x, objects.box, *circles, sums)
    real, imaginary = (sums @ part.T for part in _polynomials())
    with np.errstate(invalid="ignore", divide="ignore"):
        magnitude = np.hypot(real, imaginary) / (np.pi * circles[2][:, 2:] ** 2)
    return magnitude.T


def radial_zernike(
    objects: Objects, circles: Circles, first: int, last: int, values: Values
) -> npt.NDArray[np.float64]:
    """Magnitude of each moment of the stain per pixel, and its phase, of the objects `first` to `last`.

    The phase is the angle whose tangent is real over imaginary part, rad: CellProfiler's convention.

    Returns
    -------
    (C * 2 * `INDEXES`, last - first) array
        In the order of `radial_zernike_names`.
    """
    starts = objects.starts[first : last + 1]
    part = slice(int(starts[0]), int(starts[-1]))
    sums = np.zeros((len(values), last - first, len(POWERS)))
    _stain_sums(
        starts - starts[0],
        objects.y[part],
        objects.x[part],
        objects.box[first:last],
        circles[0][first : last + 1],
        circles[1],
        circles[2][first:last],
        values,
        sums,
    )
    real, imaginary = (sums @ one.T for one in _polynomials())
    magnitude = np.hypot(real, imaginary) / np.diff(starts)[None, :, None]
    found = np.stack([magnitude, np.arctan2(real, imaginary)], axis=-1)
    return found.transpose(0, 2, 3, 1).reshape(-1, last - first)


@njit(cache=True, nogil=True)
def _angle(ay, ax, by, bx):  # type: ignore[no-untyped-def]
    """Angle between two vectors, rad."""
    return abs(np.arccos((ay * by + ax * bx) / np.sqrt((ay * ay + ax * ax) * (by * by + bx * bx))))


@njit(cache=True, nogil=True, error_model="numpy")
def _circles(starts, corners, found):  # type: ignore[no-untyped-def]
    """Chrystal's method (1885) as centrosome does it, with the same roundings.

    From a side of the hull: the corner that sees it under the least angle; where that angle is not acute the
    side is a diameter; where the triangle is acute its circumcircle is the circle; else go on with the side
    opposite to the obtuse angle.
    """
    right = np.pi / 2
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        size = last - first
        if size == 1:
            found[index, 0] = corners[first, 0]
            found[index, 1] = corners[first, 1]
            found[index, 2] = 0.0
            continue
        a, b = first, first + 1
        while True:
            ay, ax = float(corners[a, 0]), float(corners[a, 1])
            by, bx = float(corners[b, 0]), float(corners[b, 1])
            least = np.inf
            at_a = 0.0
            at_b = 0.0
            best = -1
            for c in range(first, last):
                if c in (a, b):
                    continue
                cy, cx = float(corners[c, 0]), float(corners[c, 1])
                angle_b = _angle(ay - by, ax - bx, cy - by, cx - bx)
                angle_a = _angle(by - ay, bx - ax, cy - ay, cx - ax)
                angle = np.pi - angle_b - angle_a
                if angle < least:
                    least = angle
                    at_a = angle_a
                    at_b = angle_b
                    best = c
            if best < 0 or least >= right:
                found[index, 0] = (ay + by) / 2
                found[index, 1] = (ax + bx) / 2
                found[index, 2] = np.sqrt((ay - by) ** 2 + (ax - bx) ** 2) / 2
                break
            cy, cx = float(corners[best, 0]), float(corners[best, 1])
            if at_a <= right and at_b <= right:
                twice = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
                one, two, three = ay**2 + ax**2, by**2 + bx**2, cy**2 + cx**2
                column = (one * (by - cy) + two * (cy - ay) + three * (ay - by)) / twice
                row = (one * (cx - bx) + two * (ax - cx) + three * (bx - ax)) / twice
                found[index, 0] = row
                found[index, 1] = column
                found[index, 2] = np.sqrt((ay - row) ** 2 + (ax - column) ** 2)
                break
            if at_a > right:
                a = best
            else:
                b = best


@njit(cache=True, nogil=True)
def _add(line, down, weight, into):  # type: ignore[no-untyped-def]
    """Add the sums over a row, given for the powers of x, times the powers of its y."""
    place = 0
    for p in range(DEGREE + 1):
        value = weight * line[p]
        for _ in range(DEGREE + 1 - p):
            into[place] += value
            value *= down
            place += 1


@njit(cache=True, nogil=True)
def _outside(corners, first, last, circle, power, corner):  # type: ignore[no-untyped-def]
    """Next corner, from `corner` on, that rounding puts outside of the circle; its powers of x, and its y.

    Such pixels do not count in centrosome, which has no polynomial there.
    """
    for c in range(max(corner, first), last):
        down, right = (corners[c, 0] - circle[0]) / circle[2], (corners[c, 1] - circle[1]) / circle[2]
        if right * right + down * down > 1:
            power[0] = 1.0
            for p in range(DEGREE):
                power[p + 1] = power[p] * right
            return c, down
    return last, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _outline_sums(starts, y, x, box, corner_starts, corners, circles, sums):  # type: ignore[no-untyped-def]
    """Sums of `POWERS` over the pixels of each object, in radii from the centre of its circle."""
    line = np.empty(DEGREE + 1)
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        circle = circles[index]
        left = box[index, 1]
        wide = box[index, 3] - left
        before = np.zeros((wide + 1, DEGREE + 1))
        for column in range(wide):
            right = (left + column - circle[1]) / circle[2]
            value = 1.0
            for p in range(DEGREE + 1):
                before[column + 1, p] = before[column, p] + value
                value *= right
        p = first
        while p < last:
            end = p
            while end + 1 < last and y[end + 1] == y[p] and x[end + 1] == x[end] + 1:
                end += 1
            for power in range(DEGREE + 1):
                line[power] = before[x[end] + 1 - left, power] - before[x[p] - left, power]
            _add(line, (y[p] - circle[0]) / circle[2], 1.0, sums[index])
            p = end + 1
        stop = corner_starts[index + 1]
        corner, down = _outside(corners, corner_starts[index], stop, circle, line, 0)
        while corner < stop:
            _add(line, down, -1.0, sums[index])
            corner, down = _outside(corners, corner_starts[index], stop, circle, line, corner + 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _stain_sums(starts, y, x, box, corner_starts, corners, circles, values, sums):  # type: ignore[no-untyped-def]
    """The same, each pixel times its value, in all channels."""
    line = np.empty(DEGREE + 1)
    for index in range(len(starts) - 1):
        first, last = starts[index], starts[index + 1]
        circle = circles[index]
        left = box[index, 1]
        wide = box[index, 3] - left
        powers = np.empty((wide, DEGREE + 1))
        for column in range(wide):
            right = (left + column - circle[1]) / circle[2]
            value = 1.0
            for p in range(DEGREE + 1):
                powers[column, p] = value
                value *= right
        stop = corner_starts[index + 1]
        for channel in range(values.shape[0]):
            into = sums[channel, index]
            p = first
            while p < last:
                row = y[p]
                line[:] = 0.0
                while p < last and y[p] == row:
                    value = values[channel, p]
                    power = powers[x[p] - left]
                    for place in range(DEGREE + 1):
                        line[place] += value * power[place]
                    p += 1
                _add(line, (row - circle[0]) / circle[2], 1.0, into)
            corner, down = _outside(corners, corner_starts[index], stop, circle, line, 0)
            while corner < stop:
                for p in range(first, last):
                    if y[p] == corners[corner, 0] and x[p] == corners[corner, 1]:
                        _add(line, down, -values[channel, p], into)
                corner, down = _outside(corners, corner_starts[index], stop, circle, line, corner + 1)
