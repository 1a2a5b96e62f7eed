"""Where numba keeps compiled kernels: never in `bin/`, never nowhere.

Nextflow mounts and hashes `bin/`, so kernels of this package must not be cached beside their source
(numba's habit). And in a read-only container numba finds no place at all and refuses to import a cached
kernel. A module that defines or imports kernels imports this one at its top.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from numba import config

_VARIABLE = "NUMBA_CACHE_DIR"


def kernel_cache() -> Path:
    """Set ``NUMBA_CACHE_DIR`` to a folder that can be written to, and return it.

    In this order: the folder the variable names; one below the user's cache folder; one below the
    temporary folder. Kernels of a named folder that is read-only (baked into a container) are copied to
    the one that is used, so they need not be compiled again.

    Raises
    ------
    OSError
        If no folder can be written to by this user alone.
    """
    given = os.environ.get(_VARIABLE)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    temporary = Path(tempfile.gettempdir()) / f"morphodose-{os.getuid()}"
    candidates = [Path(given)] if given else []
    candidates += [Path(home) / "morphodose" / "numba", temporary / "numba"]
    for folder in candidates:
        if (folder.parent.name != temporary.name or _own(folder.parent)) and _writable(folder):
            if given and folder != Path(given) and Path(given).is_dir():
                shutil.copytree(given, folder, dirs_exist_ok=True)
            os.environ[_VARIABLE] = str(folder)
            # numba read the variable when it was imported, which may have been before
            config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
            return folder
    raise OSError(
        f"numba has nowhere to keep compiled kernels: {', '.join(map(str, candidates))} cannot be written, "
        "or can be by others; "
        f"set {_VARIABLE} to a folder that can"
    )


def _own(folder: Path) -> bool:
    """Whether a folder of a known name is this user's alone; made where it is missing.

    Others could have made it before, or a link in its place: what lies in it is run.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _writable(folder: Path) -> bool:
    """Whether files can be made in `folder`, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


kernel_cache()
