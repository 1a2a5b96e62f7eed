"""Endpoints a user asks for: a feature, or the ratio of two, for each cell."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")


@dataclass(frozen=True)
class Endpoint:
    """`numerator`, or `numerator` / `denominator`, of each cell; the well has the median of it."""

    name: str
    numerator: str
    denominator: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the cells that it needs."""
        return (self.numerator,) if self.denominator is None else (self.numerator, self.denominator)

    def of_cells(self, columns: dict[str, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        """Value of each cell; NaN where the denominator is 0 or a value is missing."""
        values = columns[self.numerator]
        if self.denominator is None:
            return values
        below = columns[self.denominator]
        return np.divide(values, below, out=np.full(len(values), np.nan), where=below != 0)


def parse_endpoints(text: str, features: Collection[str]) -> list[Endpoint]:
    """Endpoints from ``name=colA/colB,name2=colC``; a plain column is its own name.

    Parameters
    ----------
    text : str
        What the user gave; empty for none.
    features : collection of str
        Measured features.

    Raises
    ------
    InputError
        If a name is no name or given twice, or a column was not measured (the nearest ones are offered).
    """
    found: list[Endpoint] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, formula = (piece.strip() for piece in part.partition("="))
        formula = formula if equals else name
        top, slash, bottom = (piece.strip() for piece in formula.partition("/"))
        if not equals:
            name = f"{top}_per_{bottom}" if slash else top
        if not _NAME.match(name):
            raise InputError(
                f"--endpoints: {name!r} is no name; use letters, digits and _, as in ratio=colA/colB"
            )
        if name in {each.name for each in found}:
            raise InputError(f"--endpoints: {name!r} is given twice")
        for column in (top, bottom) if slash else (top,):
            _check(column, part, features)
        found.append(Endpoint(name, top, bottom if slash else None))
    return found


def _check(column: str, part: str, features: Collection[str]) -> None:
    """Raise where a column was not measured."""
    if column in features:
        return
    near = difflib.get_close_matches(column, list(features), n=3, cutoff=0.5)
    offer = f"; did you mean {' or '.join(near)}?" if near else ""
    raise InputError(f"--endpoints: {column!r} in {part!r} is not a measured feature{offer}")
