"""What each step cost, written into the report by Nextflow when the run has ended (workflows/cost.nf)."""

from __future__ import annotations

import csv
import os
import subprocess
from pathlib import Path

from cost_table import assert_told, of_trace
from morphodose.report import cost

TRACE = """\
process	status	realtime	cpus	peak_rss
MORPHODOSE:PROJECT_Z	COMPLETED	350ms	1	100.5 MB
MORPHODOSE:PROJECT_Z	CACHED	1m 40s	1	120 MB
MORPHODOSE:DEEP_PROFILES:TRAIN_RESNET	FAILED	30m	4	2 GB
MORPHODOSE:DEEP_PROFILES:TRAIN_RESNET	COMPLETED	1h 30m	8	3.5 GB
MORPHODOSE:DEEP_PROFILES:TRAIN_RESNET	ABORTED	-	8	-
MORPHODOSE:REPORT	COMPLETED	1d 2h	2	1 GB
"""


def test_the_table_sums_tries_and_cores_of_the_trace_by_step(root: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    (results / "report").mkdir(parents=True)
    (results / "pipeline_info").mkdir()
    page = results / "report" / "report.html"
    page.write_text(f"<p>before</p>{cost.BEGIN}not known{cost.END}<p>after</p>")
    (results / "pipeline_info" / "trace.txt").write_text(TRACE)
    script = tmp_path / "main.nf"
    script.write_text(
        f"include {{ writeCost }} from '{root}/workflows/cost'\n"
        f"workflow {{\n    writeCost('{results}', '', '{tmp_path}')\n}}\n"
    )
    path = os.pathsep.join([os.environ["PATH"], str(root / "setup")])
    done = subprocess.run(
        ["nextflow", "-q", "run", str(script)],
        cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    trace = list(csv.DictReader(TRACE.splitlines(), delimiter="\t"))
    # by hand: half an hour on 4 cores and one and a half on 8
    assert of_trace(trace)["TRAIN_RESNET"].core_hours == 14
    text = page.read_text()
    assert_told(text, trace)
    assert text.startswith("<p>before</p>") and text.endswith("<p>after</p>")
    assert "66.03 core-hours" in text and "4 tasks" in text
    assert "3.50 GB" in text and "120 MB" in text
