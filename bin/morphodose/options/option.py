"""What a parameter of the pipeline is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "number", "flag", "file", "folder"]
Value = str | int | float | bool | None


@dataclass(frozen=True)
class Option:
    """A parameter of the pipeline, which is also a flag of the commands that use it.

    Attributes
    ----------
    name : str
        As the user writes it, without the dashes.
    kind : str
        What its value is.
    default : str, int, float, bool or None
        What the pipeline takes if the user gives nothing.
    help : str
        One sentence, with units, for `--help`, the schema and the guide.
    unset : str, int, float, bool or None
        What a step takes where the parameter is null or empty, and a command where the flag is not given;
        None stands for `default`.
    choices : tuple
        The values there are; empty for any.
    minimum, maximum, above, never : float, optional
        Bounds; `above` is an exclusive one, `never` the one number between them that is refused.
    pattern, error : str
        Regular expression that the whole text matches, and what is said where it does not.
    judged : bool
        Whether `check_design` judges it by what the screen has, before the first task of its step.
    exists, required : bool
        Whether the file or folder has to be there, and whether the pipeline needs a value.
    """

    name: str
    kind: Kind
    default: Value
    help: str
    unset: Value = None
    choices: tuple[str | int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    never: float | None = None
    pattern: str = ""
    error: str = ""
    judged: bool = False
    exists: bool = False
    required: bool = False

    @property
    def without(self) -> Value:
        """The value of a step where nothing is given."""
        return self.default if self.unset is None else self.unset


@dataclass(frozen=True)
class Group:
    """Parameters under one heading, in the order in which they are shown."""

    key: str
    title: str
    options: tuple[Option, ...]
