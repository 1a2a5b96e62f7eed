"""What -resume finds again, and what it must not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.conftest import TINY_ARGUMENTS, TOGETHER
from pipeline.nextflow_runs import ROOT, run

pytestmark = pytest.mark.pipeline


@pytest.fixture
def own_copy(tmp_path: Path) -> Path:
    """A copy of the project that a test may edit."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    for name in names:
        if name.startswith(
            ("bin/", "lib/", "modules/", "workflows/", "conf/", "assets/", "setup/", "main.nf", "nextflow")
        ):
            target = tmp_path / "project" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return tmp_path / "project"


def test_an_edit_or_a_parameter_runs_exactly_the_steps_that_use_it_again(
    tiny_plate: Path, own_copy: Path, tmp_path: Path
) -> None:
    arguments = ("--input", str(tiny_plate / "samplesheet.csv"), *TINY_ARGUMENTS, *TOGETHER, "-resume")
    first = run(tmp_path / "launch", *arguments, project=own_copy)
    assert first.status == 0, first.output

    for modules, steps in (
        # by itself: after any other edit it may run again for what that step wrote
        (("report/words.py",), {"CHOOSE_FIELDS", "REPORT"}),
        # the check writes the plate map again: no gate is fitted for that, nor a curve for a new gate
        (
            ("design/parameters.py", "death/gates.py", "responses/logistic.py"),
            {"CHECK_DESIGN", "CALL_DEATH", "FIT_RESPONSES"},
        ),
    ):
        for module in modules:
            source = own_copy / "bin" / "morphodose" / module
            source.write_text(source.read_text() + "\n# edited\n")
        again = run(tmp_path / "launch", *arguments, project=own_copy)
        assert again.status == 0, again.output
        # the report reads what every step wrote, and may be written again with it
        assert steps <= again.executed() <= steps | {"CHOOSE_FIELDS", "REPORT"}, f"after an edit of {modules}"

    # a run killed while it published left a part of a file; and a parameter is another
    published = tmp_path / "launch" / "results" / "tables" / "wells.parquet"
    whole = published.read_bytes()
    published.write_bytes(whole[:500])
    again = run(tmp_path / "launch", *arguments, "--pca_components", "5", project=own_copy)
    assert again.status == 0, again.output
    assert published.read_bytes() == whole
    assert again.executed() == {"REDUCE_FEATURES", "EXPORT_ANNDATA", "CHOOSE_FIELDS", "REPORT"}

    # the clone is made anew elsewhere: other paths, other times, the same content
    moved = Path(shutil.copytree(own_copy, tmp_path / "moved", copy_function=shutil.copy))
    shutil.rmtree(own_copy)
    again = run(tmp_path / "launch", *arguments, "--pca_components", "5", project=moved)
    assert again.status == 0, again.output
    assert again.executed() == set()
