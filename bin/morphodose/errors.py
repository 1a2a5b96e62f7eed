"""The one exception that means "the user can mend this"."""

from __future__ import annotations


class InputError(ValueError):
    """A fault of the input; its message names the file, the row, the value and the mend.

    Commands print it without a traceback (`morphodose.cli.command`).
    """
