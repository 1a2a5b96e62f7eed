"""What nf-test's inputs are made of: a change of any of it makes them anew and runs every test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def helpers() -> list[str]:
    """Files of tests/helpers/ that make the inputs, as the script itself finds them, in a process that imported no test."""
    done = subprocess.run(
        [sys.executable, "-c", "import make_nf_test_data as made; print(*made.helpers(), sep='\\n')"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests" / "helpers")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [str(Path(line).relative_to(ROOT)) for line in done.stdout.split("\n") if line]


def triggers() -> list[str]:
    """Patterns of nf-test.config, their alternatives written out."""
    text = (ROOT / "nf-test.config").read_text(encoding="utf-8")
    given = re.findall(r"'([^']+)'", re.search(r"triggers ((?:'[^']+',?\s*)+)", text)[1])  # type: ignore[index]
    found = []
    for pattern in given:
        before, _, rest = pattern.partition("{")
        inside, _, after = rest.partition("}")
        found += [before + one + after for one in inside.split(",")] if rest else [pattern]
    return found


@pytest.fixture(scope="module")
def made_with() -> list[str]:
    return helpers()


def test_the_inputs_count_as_changed_with_every_helper_that_makes_them(made_with: list[str]) -> None:
    named = set(
        re.findall(r"^from (\w+) import", (ROOT / "tests/helpers/make_nf_test_data.py").read_text(), re.M)
    )
    direct = {
        f"tests/helpers/{name}.py" for name in named if (ROOT / "tests" / "helpers" / f"{name}.py").is_file()
    }
    assert len(direct) >= 6
    assert direct | {"tests/helpers/make_nf_test_data.py"} <= set(made_with)


def test_a_change_of_what_the_tests_are_made_of_runs_them_all(made_with: list[str]) -> None:
    patterns = triggers()
    models = [str(path.relative_to(ROOT)) for path in (ROOT / "assets" / "models").iterdir()]
    for name in [*made_with, *models, "nextflow_schema.json", "nextflow.config", "conf/modules.config"]:
        assert any(fnmatch(name, pattern) for pattern in patterns), name
    # a pattern that is not a file of the project any more triggers nothing
    for pattern in patterns:
        assert next(ROOT.glob(pattern), None), pattern
