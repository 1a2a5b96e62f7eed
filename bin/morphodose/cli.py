"""What every command in `bin/` shares: the click decorator that turns faults into plain messages."""

from __future__ import annotations

import errno
import functools
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from morphodose.errors import InputError

#: Faults of disks and rights, which no reading of the code helps to fix, and what does.
FIXES = {
    errno.ENOSPC: "free some space there or write to another disk, and run it again",
    errno.EDQUOT: "free some of your quota or write to another disk, and run it again",
    errno.EFBIG: "raise the limit of file size (ulimit -f), and run it again",
    errno.EROFS: "write to a folder that is not read-only",
    errno.EACCES: "check the rights of the file and its folder",
    errno.EPERM: "check the rights of the file and its folder",
    errno.EIO: "the disk or its server is at fault; run it again when that is fixed",
    errno.ESTALE: "the file server has lost the file; run it again",
}


#: Options of the commands for well-timepoints; a task has several, which share one start of Python.
keys_option = click.option(
    "--keys",
    required=True,
    help="JSON (or its file): a list of the well-timepoints, each with id, plate, timepoint_h, replicate, "
    "acquisition and well.",
)
images_option = click.option(
    "--images",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with <id>/<ImageID>.ome.tiff.",
)
masks_option = click.option(
    "--masks",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with <id>/<ImageID>_cells.tif and, where nuclei were segmented, <ImageID>_nuclei.tif.",
)
out_option = click.option(
    "--out", default=Path(), type=click.Path(file_okay=False, path_type=Path), help="Output folder."
)
#: Options of the commands that run a network.
use_gpu_option = click.option("--use_gpu", is_flag=True, help="Run on the GPU; an error if there is none.")
threads_option = click.option(
    "--threads", default=0, type=click.IntRange(min=0), help="CPU threads; 0 leaves it to the libraries."
)


def command(function: Callable[..., Any]) -> click.Command:
    """Make `function` a click command that prints faults the user can fix as ``Error: …`` and exits 1.

    These are every `InputError`, and an `OSError` of `FIXES`; any other exception is a defect of the code
    and keeps its traceback.
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except InputError as fault:
            raise click.ClickException(str(fault)) from fault
        except OSError as fault:
            number, place = reason_of(fault)
            if number not in FIXES:
                raise
            said = f"{place}: {os.strerror(number)} → {FIXES[number]}"
            raise click.ClickException(said) from fault

    settings = {"help_option_names": ["-h", "--help"], "show_default": True}
    made = click.command(context_settings=settings)(run)
    for option in made.params:
        _say_nothing_of_empty_values(option)
    return made


def _say_nothing_of_empty_values(option: click.Parameter) -> None:
    """Have the help show neither an empty text as the default nor the empty one among the choices."""
    if isinstance(option, click.Option) and option.default == "":
        option.show_default = False
    if isinstance(option.type, click.Choice) and "" in option.type.choices:
        option.metavar = f"[{'|'.join(choice for choice in option.type.choices if choice)}]"


def reason_of(fault: OSError) -> tuple[int, str]:
    """Number of an `OSError` and the file it concerns; of the first file where a whole tree was copied."""
    if isinstance(fault, shutil.Error) and fault.args and fault.args[0]:
        _, target, reason = fault.args[0][0]
        found = re.search(r"\[Errno (\d+)\]", str(reason))
        return (int(found[1]) if found else 0), str(target)
    return fault.errno or 0, str(fault.filename or "a file")
