"""Parts of an image that were never recorded: a copy that broke off leaves constant blocks or repeated rows.

The length of such a file is right, so that nothing refuses it; what was not copied holds one value (zeros,
255, or the last value again), or other rows again (`morphodose.imaging.repeated`). Noise makes every recorded
pixel differ from its neighbours somewhere, while images whose background was subtracted hold zeros wherever
nothing is stained. What tells the two apart is the outline: of strips and tiles it is straight, of a
background it is not. Where the missing part and such a background run into each other, several objects that
all end at one straight line, or one at a long one, tell of it (`morphodose.imaging.cut_off`). Exact
rectangles tell of small blocks (`morphodose.imaging.small_blocks`), and the lines on both sides of dead ones
(`morphodose.imaging.dead_lines`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.imaging.byte_order import is_swapped
from morphodose.imaging.cut_off import cut_off
from morphodose.imaging.dead_lines import dead_lines
from morphodose.imaging.repeated import repeated_part
from morphodose.imaging.small_blocks import small_block

#: Edge (px) of the squares that are tested for being constant.
SQUARE = 4
#: Least number of constant squares in a block: 16 by 16 px.
LEAST_SQUARES = 16
#: Values that a file's missing parts may hold at once.
MOST_VALUES = 3
#: Outline over number of corners, in squares, within the image: a rectangle of 16 by 16 px has 4, a disc of
#: any size about 1.7.
LEAST_STRAIGHTNESS = 3.5
#: Constant squares outside the blocks, of the same value or of many values (lossy compression leaves those),
#: as a share of the blocks.
MOST_LEFT_OVER = 0.25
#: Constant rows or columns, at least, and the longest run of them: more are a block, or a gap between cells.
LEAST_LINES, LONGEST_RUN = 8, 7
#: Share of the other pixels that may hold the value of a small block. A tenth to a quarter of a quiet
#: background has its most frequent value; of a subtracted background, more than half is 0 …
MOST_ELSEWHERE = 0.4
#: … and a block among them is this many squares, or chance may have made it.
LEAST_AMONG_MANY = 64


@dataclass(frozen=True)
class Missing:
    """What of an image was never recorded.

    Attributes
    ----------
    share : float
        Of the pixels, 0 to 1.
    what : str
        What it holds instead: ``is constant at 0 counts``, ``repeats the row before``, …
    at_edge : bool
        A band along one edge of the image, as the alignment of channels leaves it.
    few_lines : bool
        Hardly a line or two, such as a camera has that are dead: all of its images have them.
    """

    share: float
    what: str
    at_edge: bool
    few_lines: bool = False

    @property
    def words(self) -> str:
        """The finding, for a reason."""
        if self.few_lines:
            return f"{100 * self.share:.2g} % of the image {self.what}"
        return f"a block of {100 * self.share:.1f} % of the image {self.what}"


def constant_at(value: float) -> str:
    """What a block of one value holds."""
    return f"is constant at {value:g} counts"


def missing_block(pixels: npt.NDArray[np.generic]) -> Missing | None:
    """Constant blocks or repeated rows of one (Y, X) image; None where all of it was recorded.

    An image that is constant as a whole is not judged here.
    """
    height, width = (SQUARE * (edge // SQUARE) for edge in pixels.shape)
    if height == 0 or width == 0:
        return None
    if is_swapped(pixels):
        return Missing(1.0, "has the two bytes of each count in the wrong order", False)
    constant = _constant_squares(pixels[:height, :width])
    if constant.any() and not constant.all():
        corners = pixels[:height:SQUARE, :width:SQUARE]
        values, counts = np.unique(corners[constant], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:MOST_VALUES]
        for index in order:
            # one further value may be that of a background that was subtracted, or of saturation
            others = int(counts.sum() - counts[index] - np.delete(counts, index).max(initial=0))
            found = _block_of(pixels, constant & (corners == values[index]), values[index], others)
            if found is not None:
                return found
            if others > MOST_LEFT_OVER * counts[index]:
                continue
            part = cut_off(pixels == values[index])
            if part is not None:
                return Missing(part.share, constant_at(float(values[index])), part.at_edge)
    lines = _empty_lines(pixels)
    if lines is not None:
        return lines
    copied = repeated_part(pixels)
    if copied is not None:
        return Missing(copied.share, copied.what, copied.at_edge, copied.few_lines)
    if (small := small_block(pixels)) is not None:
        share, value = small
        return Missing(share, constant_at(value), False)
    if (dead := dead_lines(pixels)) is not None:
        where = f"in {dead.number} {dead.name}{'s' if dead.number > 1 else ''}"
        return Missing(dead.share, f"{constant_at(dead.value)}, {where}", False, few_lines=True)
    return None


def _constant_squares(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Whether all pixels of each square are equal; the diagonal is asked first, which settles most images."""
    first = pixels[::SQUARE, ::SQUARE]
    constant = np.ones(first.shape, dtype=bool)
    steps = [(y, x) for y in range(SQUARE) for x in range(SQUARE) if (y, x) != (0, 0)]
    for y, x in sorted(steps, key=lambda step: (step[0] != step[1], step)):
        constant &= pixels[y::SQUARE, x::SQUARE] == first
        if not constant.any():
            break
    return constant


def _empty_lines(pixels: npt.NDArray[np.generic]) -> Missing | None:
    """Single rows or columns of one value among others that were recorded: half frames, lost packets."""
    for lines, name in ((pixels, "row"), (pixels.T, "column")):
        some = lines[:, :: max(1, lines.shape[1] // SQUARE**2)]
        constant = (some == some[:, :1]).all(axis=1)
        constant[constant] = (lines[constant] == lines[constant, :1]).all(axis=1)
        steps = np.diff(constant.astype(np.int8), prepend=0, append=0)
        for first, last in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True):
            constant[first:last] &= last - first <= LONGEST_RUN and first > 0 and last < len(constant)
        if constant.sum() < LEAST_LINES:
            continue
        values, counts = np.unique(lines[constant, 0], return_counts=True)
        value = values[np.argmax(counts)]
        if (lines[~constant] == value).mean() <= MOST_LEFT_OVER:
            return Missing(float(counts.max() / len(lines)), f"{constant_at(value)}, {name} by {name}", False)
    return None


def _block_of(
    pixels: npt.NDArray[np.generic], squares: npt.NDArray[np.bool_], value: np.generic, others: int
) -> Missing | None:
    """The straight blocks among constant squares of one value, unless such squares are common elsewhere."""
    import scipy.ndimage as ndi

    labels, _ = ndi.label(squares)
    straight = np.zeros(squares.shape, dtype=bool)
    sizes = np.bincount(labels.ravel())
    for label, place in enumerate(ndi.find_objects(labels), start=1):
        if sizes[label] < LEAST_SQUARES:
            continue
        # with the squares around it, where there are any: the border of the image is not an outline
        wider = tuple(slice(max(one.start - 1, 0), one.stop + 1) for one in place)
        part = labels[wider] == label
        if _straightness(part) >= LEAST_STRAIGHTNESS:
            straight[wider] |= part
    block = int(straight.sum())
    if block == 0 or max(int(squares.sum()) - block, others) > MOST_LEFT_OVER * block:
        return None
    # the squares beside a block hold some of it, where it does not end on the grid
    beside = ndi.binary_dilation(straight, np.ones((3, 3)))
    equal = pixels == value
    height, width = squares.shape
    inside = np.zeros(pixels.shape, dtype=bool)
    inside[: SQUARE * height, : SQUARE * width] = np.kron(beside, np.ones((SQUARE, SQUARE), dtype=bool))
    inside[SQUARE * height :] = inside[SQUARE * height - 1]
    inside[:, SQUARE * width :] = inside[:, SQUARE * width - 1 : SQUARE * width]
    outside = ~inside
    if block < LEAST_AMONG_MANY and outside.any() and equal[outside].mean() > MOST_ELSEWHERE:
        return None
    what = constant_at(float(value))  # type: ignore[arg-type]
    return Missing(float((equal & inside).mean()), what, _is_band(straight))


def _straightness(part: npt.NDArray[np.bool_]) -> float:
    """Length of the outline over the number of its corners, both within the box; 0 for a part with holes."""
    import scipy.ndimage as ndi

    if (ndi.binary_fill_holes(part) != part).any():
        return 0.0
    cells = part.astype(np.int8)
    outline = int(np.abs(np.diff(cells, axis=0)).sum() + np.abs(np.diff(cells, axis=1)).sum())
    around = cells[1:, 1:] + cells[:-1, 1:] + cells[1:, :-1] + cells[:-1, :-1]
    corners = int((around % 2 == 1).sum())
    return outline / max(corners, 1)


def _is_band(straight: npt.NDArray[np.bool_]) -> bool:
    """Whether the block is a band along the whole of one edge, or of several."""
    inner = straight[1:-1, 1:-1]
    rows, columns = inner.all(axis=1), inner.all(axis=0)
    rest = inner & ~rows[:, None] & ~columns[None, :]
    ends = straight[0].all() or straight[-1].all() or straight[:, 0].all() or straight[:, -1].all()
    return bool(ends and not rest.any())
