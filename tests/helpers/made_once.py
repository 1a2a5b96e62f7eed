"""What tests of several workers read, made by the first of them that asks for it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Folder `name` of the session, which `make` has filled; other workers wait until it is whole."""
    base = factory.getbasetemp()
    # a worker of pytest-xdist has a folder of its own in that of the session
    session = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = session / name, session / f".{name}.made"
    with open(session / f".{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
