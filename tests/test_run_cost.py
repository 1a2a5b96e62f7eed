"""What lib/cost.nf writes of a trace into the report."""

from __future__ import annotations

import csv
import html
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from cost_table import assert_told, of_trace
from morphodose.cost.rates import ON_GPU
from morphodose.report import cost

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]

TRACE = """task_id\tprocess\tstatus\trealtime\tcpus\tpeak_rss
1\tMORPHODOSE:PROJECT_Z\tCOMPLETED\t30m\t1\t130 MB
2\tMORPHODOSE:SEGMENT_CELLS\tCACHED\t1h 30m\t4\t2.5 GB
3\tMORPHODOSE:SEGMENT_CELLS\tFAILED\t30m\t4\t-
4\tMORPHODOSE:TRAIN_RESNET\tCOMPLETED\t1h\t8\t9 GB
"""
#: A decimal comma is none of the page's.
GERMAN = {"NXF_JVM_ARGS": "-Duser.language=de -Duser.country=DE"}
#: Two nodes with four GPUs each.
SEVERAL = "[TRAIN_RESNET: [devices: 4, nodes: 2]]"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The table with and without GPUs, and the steps that hold one, from one run of Nextflow."""
    folder = tmp_path_factory.mktemp("cost")
    (folder / "trace.txt").write_text(TRACE, encoding="utf-8")
    (folder / "main.nf").write_text(
        f"include {{ costTable ; gpuSteps ; stepCosts }} from '{ROOT}/lib/cost'\n"
        "workflow {\n"
        f"    def costs = stepCosts(file('{folder}/trace.txt'), {SEVERAL})\n"
        "    println 'SAID ' + groovy.json.JsonOutput.toJson(\n"
        "        [gpu: costTable(costs, true), cpu: costTable(costs, false), steps: gpuSteps().join(' ')]\n"
        "    )\n"
        "}\n"
    )
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / "setup")])
    done = subprocess.run(
        ["nextflow", "-q", "run", str(folder / "main.nf")],
        cwd=folder, env={**os.environ, "PATH": path, **GERMAN}, capture_output=True, text=True, check=False,
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
    assert "3 tasks, 24.50 core-hours, 10.00 GPU-hours;" in said["gpu"]


def test_a_training_on_several_nodes_has_the_cores_and_gpus_of_all(said: dict[str, str]) -> None:
    trained = cells(said["gpu"], "TRAIN_RESNET")
    assert (trained["GPU-hours"], trained["Core-hours"], trained["Tasks"]) == ("8.00", "16.00", "1")


def test_a_run_on_cpus_has_none(said: dict[str, str]) -> None:
    assert "GPU" not in said["cpu"]
    assert cells(said["cpu"], "SEGMENT_CELLS")["Core-hours"] == "8.00"
    assert "3 tasks, 24.50 core-hours;" in said["cpu"]


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


TRIES = """\
process	tag	status	realtime	cpus	peak_rss
MORPHODOSE:PROJECT_Z	"P"_Well_2_Time_24hrs_R1_Well_A01 … A08	COMPLETED	350ms	1	100.5 MB
MORPHODOSE:PROJECT_Z	"P"_Well_2_Time_24hrs_R1	CACHED	1m 40s	1	120 MB
MORPHODOSE:DEEP_PROFILES:TRAIN_RESNET	trained_fold0	FAILED	30m	4	2 GB
MORPHODOSE:DEEP_PROFILES:TRAIN_RESNET	trained_fold0	COMPLETED	1h 30m	8	3.5 GB
MORPHODOSE:DEEP_PROFILES:TRAIN_RESNET	trained_fold1	ABORTED	-	8	-
MORPHODOSE:REPORT	-	COMPLETED	1d 2h	2	1 GB
"""


def test_the_table_sums_tries_and_cores_of_the_trace_by_step(tmp_path: Path) -> None:
    results = tmp_path / "results"
    (results / "report").mkdir(parents=True)
    (results / "pipeline_info").mkdir()
    page = results / "report" / "report.html"
    page.write_text(f"<p>before</p>{cost.BEGIN}not known{cost.END}<p>after</p>")
    (results / "pipeline_info" / "trace.txt").write_text(TRIES)
    script = tmp_path / "main.nf"
    script.write_text(
        f"include {{ writeCost }} from '{ROOT}/lib/cost'\n"
        f"workflow {{\n    writeCost('{results}', file('{results}/pipeline_info/trace.txt'), false, [:])\n}}\n"
    )
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / "setup")])
    done = subprocess.run(
        ["nextflow", "-q", "run", str(script)],
        cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    trace = list(csv.DictReader(TRIES.splitlines(), delimiter="\t"))
    # by hand: half an hour on 4 cores and one and a half on 8
    assert of_trace(trace)["TRAIN_RESNET"].core_hours == 14
    text = page.read_text()
    assert_told(text, trace)
    assert text.startswith("<p>before</p>") and text.endswith("<p>after</p>")
    assert "66.03 core-hours" in text and "4 tasks" in text
    assert "3.50 GB" in text and "120 MB" in text
    # what each acquisition took, for the page to sum by plate
    by = [json.loads(html.unescape(found)) for found in re.findall(r'data-by="([^"]*)"', text)]
    assert by == [
        {'"P"_Well_2_Time_24hrs_R1': 100.35},
        {"trained_fold0": 50400.0, "trained_fold1": 0},
        {"-": 187200},
    ]
