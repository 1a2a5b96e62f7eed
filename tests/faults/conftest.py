"""The tiny plate, and a tiny screen to learn from, with the results of every step on them, made once in a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults import deep_tasks, tasks
from made_once import made_once


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "tiny", tasks.make_inputs)


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "learned", deep_tasks.make_inputs)
