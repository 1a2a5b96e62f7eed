"""The tiny plate, and a tiny screen to learn from, with the results of every step on them, made once in a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults import deep_tasks, tasks


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    tasks.make_inputs(folder)
    return folder


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    deep_tasks.make_inputs(folder)
    return folder
