"""The exceptions that mean "the user can mend this"."""

from __future__ import annotations


class InputError(ValueError):
    """A fault of the input; its message names the file, the row, the value and the mend.

    Commands print it without a traceback (`morphodose.cli.command`).
    """


class ParameterError(InputError):
    """A fault of a parameter, in its parts: `check_design` lists it among the others.

    Attributes
    ----------
    option, value : str
        The parameter (``--features``), and what was wrong in it.
    message, mend : str
        What is wrong, and what to do about it.
    """

    def __init__(self, option: str, value: str, message: str, mend: str) -> None:
        super().__init__(f"{option} {value!r}: {message}; {mend}")
        self.option, self.value, self.message, self.mend = option, value, message, mend
