"""--dry_run: what the screen at hand would take, with the parameters of the run, and nothing is done."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from pipeline.nextflow_runs import ROOT, run

pytestmark = pytest.mark.pipeline


#: The strict parser, and the lenient one of the oldest Nextflow.
STRICT = {"NXF_SYNTAX_PARSER": "v2"}
LENIENT = {"NXF_SYNTAX_PARSER": "v1", "NXF_VER": "24.10.8", "MORPHODOSE_OWN_NEXTFLOW": "1"}

ON_A_CLUSTER = ("-profile", "slurm", "--slurm_array", "2", "--slurm_options=--qos=normal")


@pytest.fixture
def scheduler(tmp_path: Path) -> Path:
    """A folder with SLURM's commands, which log that they were called and fail."""
    folder = tmp_path / "scheduler"
    folder.mkdir()
    for name in ("sbatch", "squeue", "scancel"):
        command = folder / name
        command.write_text(f"#!/bin/sh\necho {name} >> '{folder}/called.log'\nexit 1\n", encoding="utf-8")
        command.chmod(0o755)
    return folder


@pytest.mark.parametrize("parser", [STRICT, LENIENT], ids=["25.04 strict", "24.10 lenient"])
def test_the_estimate_hears_the_parameters_and_submits_nothing(
    tiny_plate: Path, tmp_path: Path, scheduler: Path, parser: dict[str, str]
) -> None:
    given = ("--dry_run", "--wells_per_task", "3", "--segmentation_shard", "2", "--illumination", "estimate")
    finished = run(
        tmp_path, "--input", str(tiny_plate / "samplesheet.csv"), *given, *ON_A_CLUSTER,
        PATH=f"{Path(sys.executable).parent}:{scheduler}:{os.environ['PATH']}:{ROOT / 'setup'}", **parser,
    )  # fmt: skip
    assert finished.status == 0, finished.output
    assert not (scheduler / "called.log").exists()
    tasks = dict(re.findall(r"^([A-Z_]+) +(\d+) ", finished.output, flags=re.MULTILINE))
    # four wells
    assert tasks["PROJECT_Z"] == tasks["MEASURE_CELLS"] == "2"
    assert tasks["SEGMENT_CELLS"] == "2"
    assert tasks["APPLY_ILLUMINATION"] == "2"
    assert "TRAIN_RESNET" not in tasks  # one replicate is not enough to learn from
    assert "Nothing of the screen was processed." in finished.output
    assert finished.executed() == {"CHECK_DESIGN", "ESTIMATE_COST"}
