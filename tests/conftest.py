"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# the same examples each time where a failure must mean a change; new ones on a developer's machine. How long an
# example takes says more of the machine than of the code
settings.register_profile("default", deadline=None)
settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")

ROOT = Path(__file__).resolve().parents[1]


#: Marks of tests that take long by what they do, or need.
LONG = ("pipeline", "plates", "browser", "container", "hpc")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those tests are slow, too; and files with slow tests come first, lest a worker begins one when all else is done."""
    for item in items:
        if any(item.get_closest_marker(name) for name in LONG):
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real images are not beside the repository (../shared/data)")
    return folder
