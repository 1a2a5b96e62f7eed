"""What every command in `bin/` shares: the click decorator that turns faults into plain messages."""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import shutil
import sys
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


#: Options of the commands for a well-timepoint.
id_option = click.option(
    "--id", "well_timepoint", required=True, help="Well-timepoint id, e.g. Time_4hrs_R1_Well_A01."
)
images_option = click.option(
    "--images",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with <ImageID>.ome.tiff.",
)
keys_option = click.option(
    "--keys", required=True, help="JSON (or its file): plate, timepoint_h, replicate, acquisition, well."
)

#: Said by --help of a command that `run_for_wells` runs.
SEVERAL = (
    "Several well-timepoints in one go: --wells JSON (or its file), a list of one object per well-timepoint: "
    "the options above by name. Options given beside it hold for all."
)


def run_for_wells(one: click.Command) -> None:
    """Run a command for one well-timepoint, or for all of ``--wells`` if the command line has that.

    All share one start of Python, which takes longer than the work on a small well. The first fault ends it.
    """
    words = [word.split("=", 1) if word.startswith("--wells=") else [word] for word in sys.argv[1:]]
    given = [part for parts in words for part in parts]
    if "--wells" not in given:
        one()
        return
    at = given.index("--wells")
    try:
        for well in parse_wells("".join(given[at + 1 : at + 2])):
            one.main([*given[:at], *given[at + 2 :], *well], standalone_mode=False)
    except click.ClickException as fault:
        fault.show()
        sys.exit(fault.exit_code)


def parse_wells(text: str) -> list[list[str]]:
    """Options of each well-timepoint of ``--wells``; objects as values (``keys``) stay JSON."""
    shown = repr(text[:200])
    try:
        wells = json.loads(text if text.lstrip().startswith("[") else Path(text).read_text(encoding="utf-8"))
    except OSError as fault:
        raise click.UsageError(f"--wells is neither a JSON list nor a readable file: {shown}") from fault
    except json.JSONDecodeError as fault:
        raise click.UsageError(f"--wells is not JSON ({fault}): {shown}") from fault
    if not (isinstance(wells, list) and wells and all(isinstance(well, dict) for well in wells)):
        raise click.UsageError(f"--wells is not a list with one object per well-timepoint: {shown}")
    return [
        [
            word
            for name, value in well.items()
            for word in (f"--{name}", json.dumps(value) if isinstance(value, dict) else str(value))
        ]
        for well in wells
    ]


def command(function: Callable[..., Any], epilog: str | None = None) -> click.Command:
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
    return click.command(context_settings=settings, epilog=epilog)(run)


def well_command(function: Callable[..., Any]) -> click.Command:
    """`command` for one well-timepoint, which `run_for_wells` may run for several."""
    return command(function, SEVERAL)


def reason_of(fault: OSError) -> tuple[int, str]:
    """Number of an `OSError` and the file it concerns; of the first file where a whole tree was copied."""
    if isinstance(fault, shutil.Error) and fault.args and fault.args[0]:
        _, target, reason = fault.args[0][0]
        found = re.search(r"\[Errno (\d+)\]", str(reason))
        return (int(found[1]) if found else 0), str(target)
    return fault.errno or 0, str(fault.filename or "a file")
