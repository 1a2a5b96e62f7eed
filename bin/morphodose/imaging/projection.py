"""From a z-stack to one plane: max, mean, middle, a given plane, or the sharpest, channel by channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.imaging.broken import MOST_ELSEWHERE, Missing, constant_at, missing_block
from morphodose.imaging.focus import focus_figure, peak_at_edge, sharpest
from morphodose.imaging.projection_methods import check_method, no_such_plane, plane_of

#: Reads one plane; it is called once for each plane, in the order of z.
Reader = Callable[[], npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Plane:
    """One plane of a stack: its z, what to call it in a message, and how to read it."""

    z: int
    name: str
    read: Reader


@dataclass(frozen=True)
class Projected:
    """One projected channel of one field.

    Attributes
    ----------
    pixels : (Y, X) array
        In the depth of the planes.
    method : str
        What was done: ``max``, ``mean``, ``middle``, ``plane:3``, ``best_focus:4`` (its z).
    z : tuple of int
        z of the planes, ascending.
    focus : tuple of float
        Figure of merit of each plane (`morphodose.imaging.focus.focus_figure`).
    used : tuple of bool
        The planes that went into `pixels`.
    peak : int
        z of the sharpest plane.
    edge_warning : bool
        The focus curve peaks at the edge of the stack.
    missing : tuple of Missing or None
        What of each plane was never recorded: a maximum over z hides a block of zeros.
    """

    pixels: npt.NDArray[np.generic]
    method: str
    z: tuple[int, ...]
    focus: tuple[float, ...]
    used: tuple[bool, ...]
    peak: int
    edge_warning: bool
    missing: tuple[Missing | None, ...]


def project(planes: Sequence[Plane], method: str) -> Projected:
    """Project one channel of one field; one plane is in memory at a time.

    Parameters
    ----------
    planes : sequence of Plane
        In any order; sorted by z here.
    method : str
        One of `morphodose.imaging.projection_methods.METHODS`. ``middle`` is the lower of two middle planes;
        ``mean`` is rounded to the depth of the planes.

    Raises
    ------
    InputError
        If a z occurs twice, the plane asked for is not there, or shapes or depths differ.
    ValueError
        If the method takes none of the planes.
    """
    check_method(method)
    planes = sorted(planes, key=lambda plane: plane.z)
    heights = tuple(plane.z for plane in planes)
    for before, after in zip(planes, planes[1:], strict=False):
        if before.z == after.z:
            raise InputError(f"z={after.z} occurs twice: {before.name} and {after.name}")
    wanted = _wanted(method, heights)

    first: npt.NDArray[np.generic] | None = None
    result: npt.NDArray[np.generic] | None = None
    total: npt.NDArray[np.float64] | None = None
    figures: list[float] = []
    missing: list[Missing | None] = []
    constant: dict[int, float] = {}
    for position, plane in enumerate(planes):
        pixels = plane.read()
        if first is None:
            first = pixels
        _check_alike(planes[0].name, first, plane.name, pixels)
        figures.append(focus_figure(pixels))
        missing.append(missing_block(pixels))
        if pixels.size and (pixels == pixels.flat[0]).all():
            constant[position] = float(pixels.max().item())
        if method == "mean":
            counts = pixels.astype(np.float64)
            total = counts if total is None else total + counts
        elif method == "max":
            result = pixels if result is None else np.maximum(result, pixels)
        elif method == "best_focus":
            if sharpest(figures) == position:
                result = pixels
        elif position == wanted:
            result = pixels
    if first is None:
        raise InputError("a field has no plane to project")
    if total is not None:
        mean = total / len(planes)
        result = (np.rint(mean) if first.dtype.kind in "ui" else mean).astype(first.dtype)
    if result is None:
        raise ValueError(f"projection {method!r} took none of the planes z={heights}")

    for position, value in constant.items():
        # one plane of several that is all of one value, which the others hardly have
        if len(constant) < len(planes) and np.mean(result == value) < MOST_ELSEWHERE:
            missing[position] = Missing(1.0, constant_at(value), at_edge=True)

    peak = sharpest(figures)
    if method == "best_focus":
        wanted = peak
    used = tuple(method in ("max", "mean") or position == wanted for position in range(len(planes)))
    said = f"best_focus:{heights[peak]}" if method == "best_focus" else method
    edge = peak_at_edge(figures)
    return Projected(result, said, heights, tuple(figures), used, heights[peak], edge, tuple(missing))


def _wanted(method: str, heights: tuple[int, ...]) -> int | None:
    """Position of the plane a method asks for by its place; None for the other methods."""
    if method == "middle":
        return (len(heights) - 1) // 2
    z = plane_of(method)
    if z is None:
        return None
    if z not in heights:
        raise no_such_plane(method, heights)
    return heights.index(z)


def _check_alike(
    first_name: str, first: npt.NDArray[np.generic], name: str, pixels: npt.NDArray[np.generic]
) -> None:
    """Planes of one field have one shape and one depth."""
    if pixels.ndim != 2:
        raise InputError(f"{name}: a plane is (Y, X), this file holds {pixels.shape}; export single planes")
    if pixels.shape != first.shape or pixels.dtype != first.dtype:
        raise InputError(
            f"{name}: {pixels.shape} {pixels.dtype}, but {first_name} of the same field is "
            f"{first.shape} {first.dtype}; export them alike, or leave the field out"
        )


def stack_channels(channels: Mapping[str, Projected]) -> npt.NDArray[np.generic]:
    """The (C, Y, X) stack of projected channels, in the size of most of them and the depth of the deepest.

    A channel that is a whole number of times smaller is enlarged by repeating its pixels; one that is larger
    is reduced to the mean of its blocks, rounded.

    Raises
    ------
    InputError
        If sizes do not fit together, or signed, unsigned and floating counts are mixed.
    """
    sizes = Counter(one.pixels.shape for one in channels.values())
    # the size of most channels; of two, the larger
    wanted = max(sizes, key=lambda size: (sizes[size], size[0] * size[1]))
    kinds = {one.pixels.dtype.kind for one in channels.values()}
    if len(kinds) > 1:
        said = ", ".join(f"{name} {one.pixels.dtype}" for name, one in channels.items())
        raise InputError(
            f"channels are of different kinds ({said}); export them alike, or leave the field out"
        )
    depth = max((one.pixels.dtype for one in channels.values()), key=lambda kind: kind.itemsize)
    return np.stack([fitted(one.pixels, wanted, name).astype(depth) for name, one in channels.items()])


def fitted(pixels: npt.NDArray[np.generic], wanted: tuple[int, ...], name: str) -> npt.NDArray[np.generic]:
    """An image (Y, X) enlarged or reduced by a whole number to the size `wanted`.

    Raises
    ------
    InputError
        If the sizes are not a whole number of times each other.
    """
    if pixels.shape == wanted:
        return pixels
    factor = whole_factor(pixels.shape, wanted)
    if factor is None:
        raise InputError(f"channel {name} is {pixels.shape}, others are {wanted}; export them alike")
    if factor > 0:
        return np.repeat(np.repeat(pixels, factor, axis=0), factor, axis=1)
    step = -factor
    blocks = pixels.reshape(wanted[0], step, wanted[1], step).astype(np.float64).mean(axis=(1, 3))
    return (np.rint(blocks) if pixels.dtype.kind in "ui" else blocks).astype(pixels.dtype)


def whole_factor(size: tuple[int, ...], wanted: tuple[int, ...]) -> int | None:
    """Whole number by which `size` is enlarged (above 0) or reduced (below 0) to `wanted`, or None.

    Examples
    --------
    >>> whole_factor((540, 540), (1080, 1080)), whole_factor((8, 8), (4, 4)), whole_factor((9, 9), (20, 20))
    (2, -2, None)
    """
    large, small = (wanted, size) if wanted[0] >= size[0] else (size, wanted)
    factors = {divmod(a, b) for a, b in zip(large, small, strict=True)}
    if len(factors) != 1:
        return None
    factor, rest = factors.pop()
    return None if rest else factor if large is wanted else -factor
