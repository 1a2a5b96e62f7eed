"""Endpoints a user asks for: a feature, or the ratio of two, for each cell."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError, ParameterError

_OPTION = "--endpoints"
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")
# names of channels are parts of columns, and may have . + - in them
_COLUMN = re.compile(r"^[A-Za-z0-9_.+-]+$")


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


def read_endpoints(text: str) -> tuple[list[Endpoint], list[ParameterError]]:
    """Endpoints from ``name=colA/colB,name2=colC``, and what is wrong in their form.

    A plain column is its own name. Whether the columns were measured is another question.
    """
    found: list[Endpoint] = []
    faults: list[ParameterError] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, formula = (piece.strip() for piece in part.partition("="))
        formula = formula if equals else name
        top, slash, bottom = (piece.strip() for piece in formula.partition("/"))
        if not equals:
            name = f"{top}_per_{bottom}" if slash else top
        columns = (top, bottom) if slash else (top,)
        wrong = [column for column in columns if not _COLUMN.match(column)]
        if wrong:
            message = f"{wrong[0]!r} is not the name of a column"
            faults.append(ParameterError(_OPTION, part, message, "write name=COLUMN or name=COLUMN/COLUMN"))
        elif not _NAME.match(name):
            fix = "use letters, digits and _, as in ratio=colA/colB"
            faults.append(ParameterError(_OPTION, part, f"{name!r} is not a name", fix))
        elif name in {each.name for each in found}:
            faults.append(ParameterError(_OPTION, part, f"{name!r} is given twice", "give another name"))
        else:
            found.append(Endpoint(name, top, bottom if slash else None))
    return found, faults


def parse_endpoints(text: str, features: Collection[str]) -> list[Endpoint]:
    """Endpoints of `read_endpoints`, whose columns are there.

    Parameters
    ----------
    text : str
        What the user gave; empty for none.
    features : collection of str
        Measured features.

    Raises
    ------
    InputError
        If a name is not valid or is given twice, or a column was not measured (the nearest are offered).
    """
    found, faults = read_endpoints(text)
    for fault in faults:
        raise fault
    for endpoint in found:
        for column in endpoint.columns:
            _check(column, endpoint.name, features)
    return found


def _check(column: str, name: str, features: Collection[str]) -> None:
    """Raise where a column was not measured."""
    if column in features:
        return
    near = difflib.get_close_matches(column, list(features), n=3, cutoff=0.5)
    offer = f"; did you mean {' or '.join(near)}?" if near else ""
    raise InputError(f"{_OPTION}: {column!r} of {name!r} is not a measured feature{offer}")
