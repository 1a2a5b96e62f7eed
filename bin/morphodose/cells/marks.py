"""Marks of the images of a field, by which images that are there twice are found."""

from __future__ import annotations

from collections.abc import Mapping

#: Marks of a field's images, ``<channel>=<mark>``, separated by commas; equal images have equal marks.
MARKS = "Metadata_QCMarks"


def marks_text(marks: Mapping[str, str]) -> str:
    """Marks as a value of `MARKS`."""
    return ",".join(f"{name}={mark}" for name, mark in marks.items())


def read_marks(text: object) -> dict[str, str]:
    """Marks by channel of a value of `MARKS`; none of a missing one."""
    parts = text.split(",") if isinstance(text, str) and text else []
    return {name: mark for name, _, mark in (part.rpartition("=") for part in parts)}
