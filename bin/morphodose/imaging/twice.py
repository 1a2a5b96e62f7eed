"""Images that are there twice: a field, a channel or a timepoint that was copied under two names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from morphodose.imaging.broken import Missing
from morphodose.imaging.images import Field
from morphodose.imaging.repeated import row_marks

#: Rows of another image, at least, and the share of those judged from which all of it is the other image.
LEAST_STRIP, WHOLE = 4, 0.98


def marks_of(field: Field) -> dict[str, str]:
    """A mark for each channel that is not constant: the same for equal images, and hardly ever for others."""
    images = {name: field.channel(name) for name in field.channels}
    return {name: _mark(pixels) for name, pixels in images.items() if (pixels != pixels.flat[0]).any()}


def _mark(pixels: npt.NDArray[np.generic]) -> str:
    """Hash of the pixels of an image."""
    return hashlib.blake2b(np.ascontiguousarray(pixels).tobytes(), digest_size=8).hexdigest()


def copies_within(marks: Mapping[str, str]) -> str:
    """Channels of one field that are the same image, named in words; empty where all differ."""
    by_mark: dict[str, list[str]] = {}
    for name, mark in marks.items():
        by_mark.setdefault(mark, []).append(name)
    return "; ".join(
        f"{' and '.join(names)} are the same image" for names in by_mark.values() if len(names) > 1
    )


def copies_of(marks: Mapping[str, str], earlier: Mapping[str, Mapping[str, str]]) -> str:
    """The earlier field that has an image of this one, in words; empty where none has.

    Parameters
    ----------
    marks : mapping of str to str
        Of a field, by channel.
    earlier : mapping
        Field → its marks.
    """
    for image, known in earlier.items():
        names = {mark: name for name, mark in known.items()}
        # under its own name, if two channels there are the same
        same = {
            name: name if known.get(name) == mark else names[mark]
            for name, mark in marks.items()
            if mark in names
        }
        if same:
            said = ", ".join(
                name if name == there else f"{name} ({there} there)" for name, there in same.items()
            )
            return f"{said}: the same image as in {image}: it was copied or recorded twice"
    return ""


def rows_of(field: Field) -> dict[str, npt.NDArray[np.uint64]]:
    """Marks of the rows of each channel that noise makes unlike any other row; 0 for the others."""
    images = {name: field.channel(name) for name in field.channels}
    return {name: row_marks(pixels) for name, pixels in images.items()}


def strips_of(
    rows: Mapping[str, npt.NDArray[np.uint64]], earlier: Mapping[str, Mapping[str, npt.NDArray[np.uint64]]]
) -> list[tuple[str, Missing]]:
    """Channels of a field that hold rows of another image, and what they hold.

    A frame that was not read out wholly holds rows of the one before it: of another channel, or field.

    Parameters
    ----------
    rows : mapping of str to (Y,) array
        Of a field, by channel (`rows_of`).
    earlier : mapping
        Field → its rows.

    Notes
    -----
    Images that are there twice as a whole are those of `copies_of` and `copies_within`.
    """
    found = []
    seen: dict[str, npt.NDArray[np.uint64]] = {
        f"{name} of {image}": marks for image, known in earlier.items() for name, marks in known.items()
    }
    for name, marks in rows.items():
        for other, known in seen.items():
            number = int(np.isin(marks[marks > 0], known).sum())
            if LEAST_STRIP <= number < WHOLE * np.count_nonzero(marks):
                share = number / len(marks)
                found.append((name, Missing(share, f"holds {number} rows of {other} again", False)))
                break
        seen[name] = marks
    return found
