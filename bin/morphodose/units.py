"""How units are printed."""

from __future__ import annotations

_PRINTED = {"um": "µm", "um2": "µm²", "px2": "px²", "uM": "µM", "fraction": "", "1": ""}


def unit_words(unit: str | None) -> str:
    """A unit as it is printed: ``um2`` → ``µm²``."""
    text = "" if unit is None else str(unit)
    return _PRINTED.get(text, text)
