"""The exceptions that mean "the user can fix this"."""

from __future__ import annotations


class InputError(ValueError):
    """A fault of the input; its message names the file, the row, the value and the fix.

    Commands print it without a traceback (`morphodose.cli.command`).
    """


class ParameterError(InputError):
    """A fault of a parameter, in its parts: `check_design` lists it among the others.

    Attributes
    ----------
    option, value : str
        The parameter (``--features``), and what was wrong in it.
    message, fix : str
        What is wrong, and what to do about it.
    """

    def __init__(self, option: str, value: str, message: str, fix: str) -> None:
        super().__init__(f"{option} {value!r}: {message}; {fix}")
        self.option, self.value, self.message, self.fix = option, value, message, fix
