"""What every command in `bin/` shares: the click decorator that turns faults into plain messages."""

from __future__ import annotations

import errno
import functools
import os
import re
import shutil
from collections.abc import Callable
from typing import Any

import click

from morphodose.errors import InputError

#: Faults of disks and rights, which no reading of the code helps to mend, and what does.
MENDS = {
    errno.ENOSPC: "free some space there or write to another disk, and run it again",
    errno.EDQUOT: "free some of your quota or write to another disk, and run it again",
    errno.EFBIG: "raise the limit of file size (ulimit -f), and run it again",
    errno.EROFS: "write to a folder that is not read-only",
    errno.EACCES: "check the rights of the file and its folder",
    errno.EPERM: "check the rights of the file and its folder",
    errno.EIO: "the disk or its server is at fault; run it again when that is mended",
    errno.ESTALE: "the file server has lost the file; run it again",
}


def command(function: Callable[..., Any]) -> click.Command:
    """Make `function` a click command that prints faults the user can mend as ``Error: …`` and exits 1.

    These are every `InputError`, and an `OSError` of `MENDS`; any other exception is a defect of the code
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
            if number not in MENDS:
                raise
            said = f"{place}: {os.strerror(number)} → {MENDS[number]}"
            raise click.ClickException(said) from fault

    settings = {"help_option_names": ["-h", "--help"], "show_default": True}
    return click.command(context_settings=settings)(run)


def reason_of(fault: OSError) -> tuple[int, str]:
    """Number of an `OSError` and the file it concerns; of the first file where a whole tree was copied."""
    if isinstance(fault, shutil.Error) and fault.args and fault.args[0]:
        _, target, reason = fault.args[0][0]
        found = re.search(r"\[Errno (\d+)\]", str(reason))
        return (int(found[1]) if found else 0), str(target)
    return fault.errno or 0, str(fault.filename or "a file")
