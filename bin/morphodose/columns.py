"""How a table is declared: its columns with type, unit and meaning, and what is wrong in one that is written.

Each package declares the tables that its steps write in its ``schemas.py``; `morphodose.schemas` has all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pyarrow as pa

from morphodose.errors import InputError

Kind = Literal["text", "flag", "integer", "integer32", "number", "number64", "vector"]

#: Kind → type in Arrow; a vector has a length that the writer knows.
TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "flag": pa.bool_(),
    "integer": pa.int64(),
    "integer32": pa.int32(),
    "number": pa.float32(),
    "number64": pa.float64(),
}
#: Unit of columns whose unit the writer knows, such as µm or px.
OWN = "own"
#: ``<part>`` of a name → what stands there; any text for the others.
PARTS = {
    "Compartment": "(?:Cells|Nuclei|Cytoplasm)",
    "Feature": ".+",
    "Group": "[A-Z][A-Za-z]*",
    "n": r"\d+",
    "role": "(?:vehicle|positive|treated)",
}


class TableError(TypeError):
    """A step writes a table that is not as it is declared: a fault of the program, not of the input."""


@dataclass(frozen=True)
class Columns:
    """Columns of a table that are alike.

    Attributes
    ----------
    names : str
        Separated by spaces; ``<part>`` stands for what depends on the screen.
    kind : str
        Type of their values, one of `Kind`; ``integer32`` and ``number`` have 32 bits.
    meaning : str
        What they hold, for the guide.
    unit : str
        In the metadata of the column; empty for a ratio, a count or a text, `OWN` where the writer knows it.
    optional : bool
        Whether there are tables without them; a column with a ``<part>`` may always be missing.
    """

    names: str
    kind: Kind
    meaning: str
    unit: str = ""
    optional: bool = False

    @property
    def each(self) -> list[str]:
        """The names, one by one."""
        return self.names.split()


@dataclass(frozen=True)
class Table:
    """A table that a step writes.

    Attributes
    ----------
    name : str
    step : str
        The process that writes it.
    file : str
        Its place below the results; empty where it is only handed on.
    columns : tuple of Columns
        In their order. Of several with the name of a column, one without a ``<part>`` counts, then the
        first.
    """

    name: str
    step: str
    file: str
    columns: tuple[Columns, ...]

    @property
    def base(self) -> str:
        """Name of its file, without the folder."""
        return self.file.rpartition("/")[2]

    @cached_property
    def needed(self) -> list[str]:
        """Columns that each such table has."""
        return [name for each in self.columns if not each.optional for name in each.each if "<" not in name]

    @cached_property
    def plain(self) -> dict[str, Columns]:
        """Column → declaration, of those whose name is the same in each such table."""
        return {name: each for each in self.columns for name in each.each if "<" not in name}

    @cached_property
    def _named(self) -> list[tuple[str, Columns]]:
        """Names with a ``<part>``, in their order."""
        return [(name, each) for each in self.columns for name in each.each if "<" in name]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """All of `_named` at once, a group for each: one search for a column instead of dozens."""
        # a column of one's own may have a line end in its name
        return re.compile("|".join(f"({_expression(name)})" for name, _ in self._named) or "(?!)", re.DOTALL)

    @cached_property
    def _found(self) -> dict[str, Columns | None]:
        """What `declared` said of a column: tables of many wells have the same thousands."""
        return {}

    def declared(self, name: str) -> Columns | None:
        """The declaration of a column; None where it has none."""
        if name not in self._found:
            said = self.plain.get(name)
            if said is None and (match := self._pattern.fullmatch(name)) and match.lastindex:
                said = self._named[match.lastindex - 1][1]
            self._found[name] = said
        return self._found[name]

    def check(self, names: Container[str], source: object, wanted: Iterable[str] | None = None) -> None:
        """Whether a file that is read as this table has the columns that its reader needs.

        Parameters
        ----------
        names : container of str
            Columns of the file.
        source : object
            The file, for the message.
        wanted : iterable of str, optional
            What the reader needs; by default all that each such table has.

        Raises
        ------
        InputError
            If the file lacks one.
        TableError
            If a reader needs a column that not every such table has.
        """
        needed = self.needed if wanted is None else list(wanted)
        if undeclared := [name for name in needed if name not in self.needed]:
            raise TableError(f"table {self.name}: not every one has {', '.join(undeclared)}")
        if missing := [name for name in needed if name not in names]:
            expected = f"the table {self.name} of {self.step.lower()} is expected"
            raise InputError(f"{source}: no column {', '.join(missing)}; {expected}")

    def schema(
        self, names: Collection[str] | None = None, units: Mapping[str, str] | None = None, length: int = 0
    ) -> pa.Schema:
        """Types and units of columns.

        Parameters
        ----------
        names : collection of str, optional
            In the order of the table; by default those that each such table has.
        units : mapping, optional
            Units of columns, where the declaration leaves them to the writer.
        length : int
            Of the vectors.

        Raises
        ------
        TableError
            If a column is not declared, or one that each such table has is not among them.
        """
        names = self.needed if names is None else names
        declared = {name: said for name in names if (said := self.declared(name))}
        faults = [f"the column {name} is not declared" for name in names if name not in declared]
        there = set(names)
        faults += [f"the column {name} is missing" for name in self.needed if name not in there]
        if faults:
            raise TableError(f"table {self.name}: {'; '.join(faults[:10])}")
        known = units or {}
        fields = []
        for name in names:
            said = declared[name]
            unit = known.get(name, "") if said.unit == OWN else said.unit
            kind = vector(length) if said.kind == "vector" else TYPES[said.kind]
            metadata = {"unit": unit} if unit else None
            fields.append(pa.field(name, kind, nullable=said.kind != "vector", metadata=metadata))
        return pa.schema(fields)

    def typed(self, found: pa.Table, units: Mapping[str, str] | None = None) -> pa.Table:
        """A table with the declared types and units; metadata of the table are kept.

        A column without a value may have any type, and a number any number of bits that holds it.

        Parameters
        ----------
        found : pyarrow.Table
        units : mapping, optional
            Units of columns, where the declaration leaves them to the writer; else those in `found`.

        Raises
        ------
        TableError
            If a column is not declared, is missing, or has values of another type.
        """
        have = {f.name: f.metadata[b"unit"].decode() for f in found.schema if b"unit" in (f.metadata or {})}
        schema = self.schema(found.column_names, have | dict(units or {}))
        columns = [
            self._as_declared(column, field) for column, field in zip(found.columns, schema, strict=True)
        ]
        return pa.Table.from_arrays(columns, schema=schema.with_metadata(found.schema.metadata))

    def _as_declared(self, column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
        """A column with the type of its field."""
        if column.type == field.type:
            return column
        if column.null_count == len(column):
            return pa.chunked_array([pa.nulls(len(column), field.type)])
        if not _fits(column.type, field.type):
            raise TableError(f"table {self.name}: {field.name} is {column.type}, declared as {field.type}")
        try:
            return column.cast(field.type)
        except pa.ArrowInvalid as fault:
            raise TableError(f"table {self.name}: {field.name} as {field.type}: {fault}") from fault


def vector(length: int) -> pa.DataType:
    """Lists of `length` half-precision numbers, none of which is missing."""
    return pa.list_(pa.field("element", pa.float16(), nullable=False), length)


def without(groups: Iterable[Columns], *names: str) -> tuple[Columns, ...]:
    """Columns of another table, but some."""
    return tuple(each for each in groups if not set(each.each) & set(names))


def _expression(name: str) -> str:
    """What a name with ``<part>`` stands for, as a regular expression without groups."""
    parts = re.split(r"<(\w+)>", name)
    return "".join(PARTS.get(p, ".+?") if i % 2 else re.escape(p) for i, p in enumerate(parts))


def _fits(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type may become those of another."""
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_string(wanted):
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    return _is_number(found) and _is_number(wanted)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
