"""Collecting the faults of the input, so that all of them are reported together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

#: `sheet`: tables and parameters, always an error. `plane`: images, what ``--on_fault tolerant`` leaves out.
Scope = Literal["sheet", "plane"]

#: (index of the acquisition, well, field): one field of the screen.
FieldKey = tuple[int, str, int]


@dataclass(frozen=True)
class Fault:
    """One fault of the input, with all that is needed to fix it.

    Attributes
    ----------
    kind : str
        A short name for the sort of fault, such as ``missing_planes``; long lists are cut per kind.
    file : str
        The file or folder, or the parameter (``--channels``), that has to be fixed.
    message, fix : str
        What is wrong, and what to do about it.
    row : int or None
        Row of a table as a spreadsheet counts it: the header is row 1.
    value : str
        The offending value.
    severity : str
        ``error`` or ``warning``.
    scope : str
        ``sheet`` or ``plane``.
    """

    kind: str
    file: str
    message: str
    fix: str
    row: int | None = None
    value: str = ""
    severity: Literal["error", "warning"] = "error"
    scope: Scope = "sheet"

    def text(self) -> str:
        """One line: ``file: row 3: value 'x': message → fix``."""
        parts = [("warning: " if self.severity == "warning" else "") + printable(self.file)]
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.value:
            parts.append(f"value '{printable(self.value)}'")
        return f"{': '.join(parts)}: {printable(self.message)} → {printable(self.fix)}"


@dataclass
class Faults:
    """All faults found so far, and the fields that they spoil."""

    found: list[Fault] = field(default_factory=list)
    #: Field → reasons for which ``--on_fault tolerant`` leaves it out.
    excluded: dict[FieldKey, list[str]] = field(default_factory=dict)

    def add(
        self, kind: str, file: object, message: str, fix: str, row: int | None = None, value: object = ""
    ) -> None:
        """Add an error of a table or a parameter."""
        self.found.append(Fault(kind, str(file), message, fix, row, str(value)))

    def warn(
        self, kind: str, file: object, message: str, fix: str, row: int | None = None, value: object = ""
    ) -> None:
        """Add a warning: it is reported, and stops nothing."""
        self.found.append(Fault(kind, str(file), message, fix, row, str(value), "warning"))

    def add_plane(
        self,
        kind: str,
        file: object,
        message: str,
        fix: str,
        value: object = "",
        fields: Iterable[FieldKey] = (),
        row: int | None = None,
    ) -> None:
        """Add an error of the images, which spoils `fields`."""
        self.found.append(Fault(kind, str(file), message, fix, row, str(value), "error", "plane"))
        for key in fields:
            reasons = self.excluded.setdefault(key, [])
            if kind not in reasons:
                reasons.append(kind)

    @property
    def errors(self) -> list[Fault]:
        """Faults that stop a strict run."""
        return [fault for fault in self.found if fault.severity == "error"]

    @property
    def sheet_errors(self) -> list[Fault]:
        """Faults that stop every run."""
        return [fault for fault in self.errors if fault.scope == "sheet"]

    @property
    def warnings(self) -> list[Fault]:
        """Faults that are reported and stop nothing."""
        return [fault for fault in self.found if fault.severity == "warning"]


def numbered(faults: Iterable[Fault], show: int = 10) -> str:
    """Numbered lines of `faults`; of each kind at most `show` are shown, with the count of the others."""
    faults = list(faults)
    totals = Counter(fault.kind for fault in faults)
    shown: Counter[str] = Counter()
    lines = []
    for number, fault in enumerate(faults, 1):
        shown[fault.kind] += 1
        if shown[fault.kind] <= show:
            lines.append(f"{number:4d}. {fault.text()}")
        if shown[fault.kind] == totals[fault.kind] > show:
            more = totals[fault.kind] - show
            lines.append(f"      … and {more} more like these ({fault.kind}, {totals[fault.kind]} in all)")
    return "\n".join(lines)


def listing(values: Iterable[object], most: int = 8) -> str:
    """``a, b, c … (12 in all)``: values separated by commas, at most `most` of them."""
    texts = [str(value) for value in values]
    if len(texts) <= most:
        return ", ".join(texts)
    return f"{', '.join(texts[:most])} … ({len(texts)} in all)"


def counted(number: int, noun: str) -> str:
    """``1 fault``, ``2 faults``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is spelt most like `name`, or None when none is near (`difflib` ratio)."""
    lowered = {entry.lower(): entry for entry in known}
    close = get_close_matches(name.lower(), lowered, n=1, cutoff=cutoff)
    return lowered[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean 'x'? …``: the nearest name, and all names that would do."""
    known = list(known)
    near = nearest(name, known)
    offer = f"did you mean '{near}'? " if near else ""
    return f"{offer}known: {listing(known, 20)}"


def printable(text: str) -> str:
    """`text` without control characters and undecodable bytes, which would garble a terminal."""
    clean = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in clean)
