"""Where numba keeps compiled kernels: never in `bin/`, never nowhere, and found again wherever the code lies.

Nextflow mounts and hashes `bin/`, so kernels of this package must not be cached beside their source
(numba's habit). And in a read-only container numba finds no place at all and refuses to import a cached
kernel. A module that defines or imports kernels imports this one at its top.

Numba knows a kernel by the path of its source. `.venv` is compiled under another name than it gets, clones
move, and `bin/` is not mounted where an image was built: here a kernel is known by what its source says.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from numba import config
from numba.core.caching import UserProvidedCacheLocator

_VARIABLE = "NUMBA_CACHE_DIR"
#: Names a folder of kernels that were compiled before, as an image has them.
_COMPILED = "MORPHODOSE_KERNELS"


def kernel_cache() -> Path:
    """Set ``NUMBA_CACHE_DIR`` to a folder that can be written to, and return it.

    In this order: the folder the variable names; one below the user's cache folder; one below the
    temporary folder. Kernels of a named folder that is read-only, and of the one that `MORPHODOSE_KERNELS`
    names, are copied to the one that is used, so they need not be compiled again.

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
            for compiled in {given, os.environ.get(_COMPILED)} - {None, "", str(folder)}:
                _copy_missing(Path(str(compiled)), folder)
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


def _copy_missing(source: Path, folder: Path) -> None:
    """Copy the folders of kernels that `folder` lacks, each whole or not at all for other tasks."""
    if not source.is_dir():
        return
    held = set(os.listdir(folder))
    for name in sorted(set(os.listdir(source)) - held):
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part") as part:
            shutil.copytree(source / name, Path(part) / name)
            try:
                os.rename(Path(part) / name, folder / name)
            except OSError:
                if not (folder / name).is_dir():  # else another task was faster
                    raise


@cache
def _said(folder: str) -> str:
    """Digest of the sources in a folder that name numba: kernels call each other, across modules."""
    digest = hashlib.sha256()
    for path in sorted(Path(folder).glob("*.py")):
        source = path.read_bytes()
        if b"numba" in source:
            digest.update(f"{path.name} {len(source)}\n".encode() + source)
    return digest.hexdigest()[:32]


class KernelLocator(UserProvidedCacheLocator):
    """Keeps the kernels of a module below the name of its folder and the digest of the sources in there.

    The path of the code and the age of its files do not count, and kernels of another version are left alone.
    """

    def __init__(self, kernel: Callable[..., object], source: str) -> None:
        super().__init__(kernel, source)
        folder = os.path.dirname(os.path.abspath(source))
        self._said = _said(folder)
        self._cache_path = os.path.join(os.environ[_VARIABLE], f"{os.path.basename(folder)}_{self._said}")

    def get_source_stamp(self) -> str:
        """What must be the same for a kernel to be used again."""
        return self._said


kernel_cache()
# numba's own way for functions that no file holds
config.CACHE_LOCATOR_CLASSES = (  # type: ignore[attr-defined]
    f"{KernelLocator.__module__}.{KernelLocator.__name__},UserProvidedCacheLocator,IPythonCacheLocator"
)
