"""Images that are there twice: a field, a channel or a timepoint that was copied under two names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from morphodose.imaging.images import Field


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
        same = [name for name, mark in marks.items() if known.get(name) == mark]
        if same:
            return f"{', '.join(same)}: the same image as in {image}: it was copied or recorded twice"
    return ""
