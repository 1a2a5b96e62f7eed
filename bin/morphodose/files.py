"""Whole files or none: everything is written to a temporary name, then renamed."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success rename it to `path`, on failure delete it.

    A task that is killed or whose disk fills up never leaves half a file under the final name. An `OSError`
    that names no file (a full disk) is given the name of `path`. What HDF5 and safetensors raise of their own
    for a full disk becomes one.

    Raises
    ------
    OSError
        If the file cannot be written; names `path`.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=path.suffix, dir=path.parent)
    except OSError as fault:
        fault.filename = str(path)
        raise
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)  # mkstemp makes private files; results are shared
        os.replace(temporary, path)
    except BaseException as fault:
        if isinstance(fault, OSError) and fault.errno and fault.filename in (None, name):
            fault.filename = str(path)
        temporary.unlink(missing_ok=True)
        number = _disk_errno(fault)
        if number and not isinstance(fault, OSError):
            raise OSError(number, os.strerror(number), str(path)) from fault
        raise


def _disk_errno(fault: BaseException) -> int:
    """Number that the text of a library's error has for a disk that takes no more, 0 where it has none."""
    found = re.search(r"\b(?:errno = |os error )(\d+)\b", str(fault))
    number = int(found[1]) if found else 0
    # only these can come from nothing but writing
    return number if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else 0


def find_files(place: str | Path, pattern: str) -> list[Path]:
    """Files below a folder whose name matches `pattern` (shell style), sorted; a file is found as itself.

    Links to folders are followed, unlike by `Path.rglob`: Nextflow stages folders as links. Names with a dot
    before them are left out: what a killed task left behind (`replacing`).
    """
    place = Path(place)
    if not place.is_dir():
        return [place] if fnmatch.fnmatchcase(place.name, pattern) else []
    return sorted(
        Path(folder) / name
        for folder, _, names in os.walk(place, followlinks=True)
        for name in names
        if fnmatch.fnmatchcase(name, pattern) and not name.startswith(".")
    )
