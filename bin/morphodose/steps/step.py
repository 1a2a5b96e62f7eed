"""What a step of the pipeline is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from morphodose.options.option import Option


@dataclass(frozen=True)
class Output:
    """What a process hands on.

    Attributes
    ----------
    name : str
        By which the workflow calls it.
    files : str
        Separated by spaces; ``*`` stands for what depends on the task.
    meaning : str
        What it is.
    """

    name: str
    files: str
    meaning: str


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
    words : str
        What the report calls it; empty where it never does.
    task : str
        What one task is about.
    work, writes : str
        The units (`morphodose.cost.screen.UNITS`) that its time and what it writes grow with; `writes` is
        empty where that is the same one, `work` where a run does not have the step.
    image : str
        The image that it runs in; ``cellpose`` is of Cellpose 3, or of 4 for Cellpose-SAM.
    gpu : bool
        Whether it takes a GPU where there is one.
    outputs : tuple of Output
        What it hands on, beside the versions.
    versions : tuple of str
        Packages whose versions the process says (`bin/versions.py`); none of a step that does not say any.
    publishes : str
        The folder below the results that has its outputs; empty where they are only handed on.
    """

    name: str
    command: str
    options: tuple[Option, ...] = ()
    words: str = ""
    task: str = "screen"
    work: str = ""
    writes: str = ""
    image: Literal["base", "cellpose", "resnet"] = "base"
    gpu: bool = False
    outputs: tuple[Output, ...] = ()
    versions: tuple[str, ...] = ()
    publishes: str = ""
