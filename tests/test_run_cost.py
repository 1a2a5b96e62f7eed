"""What workflows/cost.nf writes of a trace into the report."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from morphodose.cost.rates import ON_GPU

ROOT = Path(__file__).resolve().parents[1]

TRACE = """task_id\tprocess\tstatus\trealtime\tcpus\tpeak_rss
1\tMORPHODOSE:PROJECT_Z\tCOMPLETED\t30m\t1\t130 MB
2\tMORPHODOSE:SEGMENT_CELLS\tCACHED\t1h 30m\t4\t2.5 GB
3\tMORPHODOSE:SEGMENT_CELLS\tFAILED\t30m\t4\t-
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The table with and without GPUs, and the steps that hold one, from one run of Nextflow."""
    folder = tmp_path_factory.mktemp("cost")
    (folder / "trace.txt").write_text(TRACE, encoding="utf-8")
    (folder / "main.nf").write_text(
        f"include {{ costTable ; gpuSteps ; stepCosts }} from '{ROOT}/workflows/cost'\n"
        "workflow {\n"
        f"    def costs = stepCosts(file('{folder}/trace.txt'))\n"
        "    println 'SAID ' + groovy.json.JsonOutput.toJson(\n"
        "        [gpu: costTable(costs, true), cpu: costTable(costs, false), steps: gpuSteps().join(' ')]\n"
        "    )\n"
        "}\n"
    )
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / "setup")])
    done = subprocess.run(
        ["nextflow", "-q", "run", str(folder / "main.nf")],
        cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert lines, done.stdout + done.stderr
    return dict(json.loads(lines[0].removeprefix("SAID ")))


def cells(page: str, step: str) -> dict[str, str]:
    """Title → value of the row of a step."""
    titles = re.findall(r"<th[^>]*>([^<]*)</th>", page)
    row = next(line for line in re.findall(r"<tr>(<td.*?)</tr>", page) if f">{step}<" in line)
    return dict(zip(titles, re.findall(r"<td[^>]*>([^<]*)</td>", row), strict=True))


def test_a_run_with_gpus_has_their_hours_in_the_report(said: dict[str, str]) -> None:
    segmented = cells(said["gpu"], "SEGMENT_CELLS")
    # failed tries held theirs, too
    assert (segmented["GPU-hours"], segmented["Core-hours"]) == ("2.00", "8.00")
    assert (segmented["Tasks"], segmented["From the cache"], segmented["Failed tries"]) == ("1", "1", "1")
    assert segmented["Peak memory of a task"] == "2.50 GB"
    assert cells(said["gpu"], "PROJECT_Z")["GPU-hours"] == "–"
    assert "2 tasks, 8.50 core-hours, 2.00 GPU-hours;" in said["gpu"]


def test_a_run_on_cpus_has_none(said: dict[str, str]) -> None:
    assert "GPU" not in said["cpu"]
    assert cells(said["cpu"], "SEGMENT_CELLS")["Core-hours"] == "8.00"
    assert "2 tasks, 8.50 core-hours;" in said["cpu"]


def test_the_steps_with_a_gpu_are_those_of_the_estimate_and_of_the_label(said: dict[str, str]) -> None:
    assert said["steps"].split() == list(ON_GPU)
    modules = [path.read_text(encoding="utf-8") for path in ROOT.glob("modules/local/*/main.nf")]
    labelled = {
        name
        for text in modules
        for name, body in re.findall(r"^process (\w+) \{(.*?)^\}", text, flags=re.MULTILINE | re.DOTALL)
        if "label 'process_gpu'" in body
    }
    assert labelled == set(ON_GPU)
