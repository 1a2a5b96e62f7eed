"""The tiny plate and the results of every step on it, made once in a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.tasks import make_inputs


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    make_inputs(folder)
    return folder
