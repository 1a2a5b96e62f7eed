"""What a step of the pipeline is."""

from __future__ import annotations

from dataclasses import dataclass

from morphodose.options.option import Option


@dataclass(frozen=True)
class Step:
    """A process of the pipeline, and the command it runs.

    Attributes
    ----------
    name : str
        Of the process.
    command : str
        File in `bin/`.
    options : tuple of Option
        The parameters that its result depends on.
    """

    name: str
    command: str
    options: tuple[Option, ...] = ()
