"""Fields that names give as a text become numbers, in the order a person would count them."""

from __future__ import annotations

import re
from collections.abc import Iterable


def natural(text: str) -> list[tuple[int, int, str]]:
    """Key of a natural order: ``r2`` before ``r10``, -1 before 0."""
    parts = re.findall(r"(?:^-)?\d+|\D+", text)
    return [(0, int(part), "") if re.fullmatch(r"-?\d+", part) else (1, 0, part) for part in parts]


def number_fields(fields: Iterable[int | str]) -> dict[str, int]:
    """Number of each field, by its text.

    Numbers from 0 stay what they are. Where any field of the screen is another text (``r000_c002``,
    ``-1``), all are numbered from 1 in natural order.

    Examples
    --------
    >>> number_fields([3, 1])
    {'1': 1, '3': 3}
    >>> number_fields(["r0_c10", "r0_c2"])
    {'r0_c2': 1, 'r0_c10': 2}
    >>> number_fields([0, "-1", 1])
    {'-1': 1, '0': 2, '1': 3}
    """
    found = set(fields)
    if all(isinstance(field, int) for field in found):
        return {str(field): int(field) for field in sorted(found)}
    texts = sorted({str(field) for field in found}, key=natural)
    return {text: number for number, text in enumerate(texts, 1)}
