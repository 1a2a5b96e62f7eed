"""A results folder has one run at a time, and nothing of earlier ones that the last does not have."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]

#: As main.nf and its steps do it, with files of no size: what stands in the parameters is published, or fails.
PIPELINE = f"""
include {{ beginRun ; endRun }} from '{ROOT}/lib/manifest'

process WRITE {{
    publishDir "${{params.outdir}}/tables", mode: params.publish_dir_mode, overwrite: 'deep'
    input:
    val name
    output:
    path "cells/${{name}}.txt"
    script:
    "mkdir cells; printf '%s' \\"\\$MORPHODOSE_RUN_ID ${{params.content}}\\" > cells/${{name}}.txt"
}}

process FAIL {{
    input:
    val names
    script:
    'exit 1'
}}

workflow {{
    def run = [:]
    run.putAll(beginRun(params, file(params.input)))
    def about = workflow
    workflow.onComplete {{ endRun(run, about.success, false, [:]) }}
    WRITE(channel.fromList(params.wells.tokenize(',')))
    if (params.fail) {{
        FAIL(WRITE.out.collect())
    }}
}}
"""
CONFIG = """
params { outdir = 'results'; publish_dir_mode = 'copy'; content = 'a'; fail = false; force_unlock = false; dry_run = false }
"""
#: What Nextflow writes of a run, and where: as the pipeline has it.
CONFIG += "\n".join(
    re.findall(
        r"^(?:trace|report|timeline|dag) \{.*?^\}", (ROOT / "nextflow.config").read_text(), re.S | re.M
    )
)
#: What it leaves in pipeline_info/.
RECORDS = {
    "trace.txt": "WRITE",
    "execution_report.html": "WRITE",
    "execution_timeline.html": "WRITE",
    "pipeline_dag.mmd": "flowchart",
}
PAGE = "<p>found</p><!--run-cost-->not known<!--/run-cost-->"


class SmallPipeline:
    """A folder with a samplesheet, in which the small pipeline is run."""

    def __init__(self, folder: Path, name: str = "screen") -> None:
        self.folder = folder
        (folder / name).mkdir(parents=True)
        self.sheet = folder / f"{name}.csv"
        self.sheet.write_text(f"plate,timepoint_h,replicate,images\nP1,1,1,{name}\n")
        (folder / "main.nf").write_text(PIPELINE)
        (folder / "nextflow.config").write_text(CONFIG)
        self.results = folder / "results"
        self.info = self.results / "pipeline_info"

    def run(self, *arguments: str, sheet: Path | None = None) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([os.environ["PATH"], str(ROOT / "setup")])
        given = ["--input", str(sheet or self.sheet), *arguments]
        return subprocess.run(
            ["nextflow", "run", "main.nf", *given],
            cwd=self.folder, env={**os.environ, "PATH": path, "NXF_ANSI_LOG": "false", "NXF_SYNTAX_PARSER": "v2"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip

    def left_behind(self) -> list[str]:
        """What Nextflow wrote of runs and nobody took away."""
        return [
            path.name
            for path in (self.folder / ".nextflow").iterdir()
            if path.suffix in (".txt", ".html", ".mmd")
        ]

    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.info / "manifest.json").read_text()))

    def cells(self) -> list[str]:
        return sorted(path.name for path in (self.results / "tables" / "cells").iterdir())


def lock_of(host: str, pid: int, started: str | None = None) -> str:
    """The lock of another run, as it stands in the results folder."""
    return json.dumps(
        {"host": host, "pid": pid, "process_started": started, "user": "anna", "run_id": "s", "run_name": "sad_bohr", "started": "9:00"}
    )  # fmt: skip


def started_about(pid: int, later: float) -> str:
    """When a process started, and so many seconds more."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    boot = next(
        line.split()[1] for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime")
    )
    moment = int(boot) + ticks / os.sysconf("SC_CLK_TCK") + later
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def test_files_of_earlier_runs_go_once_a_run_without_them_succeeds(tmp_path: Path) -> None:
    screen = SmallPipeline(tmp_path)
    cells = screen.results / "tables" / "cells"
    page = screen.results / "report" / "report.html"
    for folder in (screen.info, cells, page.parent):
        folder.mkdir(parents=True)
    page.write_text(PAGE)
    # a run that was killed left its lock, and a file that no manifest names
    (screen.info / "lock.json").write_text(lock_of(socket.gethostname(), 2**22 + 1))
    (cells / "killed.txt").write_text("half a run")
    seen = (cells / "killed.txt").stat()
    entry = {
        "path": "tables/cells/killed.txt",
        "bytes": seen.st_size,
        "modified": seen.st_mtime_ns // 10**6,
    }
    (screen.info / ".published-sad_bohr.jsonl").write_text(json.dumps(entry) + '\n{"path": "tab')

    first = screen.run("--wells", "A01,A02,A03")
    assert first.returncode == 0, first.stdout
    assert "the lock of run sad_bohr" in first.stdout and "is stale and was taken over" in first.stdout
    assert screen.cells() == ["A01.txt", "A02.txt", "A03.txt"]
    manifest = screen.manifest()
    assert manifest["state"] == "succeeded" and "--wells A01,A02,A03" in manifest["command"]
    files = {entry["path"]: entry for entry in manifest["files"]}
    assert set(files) == {f"tables/cells/{name}.txt" for name in ("A01", "A02", "A03")}
    for path, entry in files.items():
        content = (screen.results / path).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest() and entry["bytes"] == len(content)
        assert entry["run"] == manifest["run_name"]
        assert content.decode().split()[0] == manifest["run_id"]
    assert json.loads((screen.info / "params.json").read_text())["wells"] == "A01,A02,A03"
    records = {name: (screen.info / name).read_text() for name in RECORDS}
    assert all(words in records[name] for name, words in RECORDS.items())
    assert not (screen.info / "lock.json").exists()
    assert screen.left_behind() == []
    written = page.read_text()
    assert "3 tasks, " in written

    # a run is killed while it writes A02 and A05; one that fails changes A02 and writes A04. What lies there is that
    # of the run that succeeded
    manifest_text = (screen.info / "manifest.json").read_text()
    before = {path: (screen.results / path).read_bytes() for path in files}
    kept = screen.info / f".earlier-{manifest['run_name']}" / "tables" / "cells"
    kept.mkdir(parents=True)
    for name in screen.cells():
        os.link(cells / name, kept / name)
    (cells / "A02.txt").unlink()
    (cells / "A02.txt").write_text("half")
    (cells / "A05.txt").write_text("half")
    entry = {"path": "tables/cells/A05.txt", "bytes": 4, "modified": 0}
    (screen.info / ".published-mad_bell.jsonl").write_text(json.dumps(entry) + "\n")
    failed = screen.run("--wells", "A02,A04", "--content", "b", "--fail")
    assert failed.returncode != 0
    assert f"the results there are those of run {manifest['run_name']} again" in failed.stdout
    assert screen.cells() == ["A01.txt", "A02.txt", "A03.txt"]
    assert {path: (screen.results / path).read_bytes() for path in files} == before
    assert (screen.info / "manifest.json").read_text() == manifest_text
    assert page.read_text() == written
    assert {name: (screen.info / name).read_text() for name in RECORDS} == records
    assert json.loads((screen.info / "params.json").read_text())["wells"] == "A01,A02,A03"
    for name in RECORDS:
        assert "FAIL" in (screen.info / name.replace(".", "_failed.")).read_text()
    assert not [path.name for path in screen.info.iterdir() if path.name.startswith((".", "lock"))]

    # a preview runs nothing, and has no results in the place of these
    previewed = screen.run("--wells", "A01", "-preview")
    assert previewed.returncode == 0 and "removed" not in previewed.stdout, previewed.stdout
    assert screen.cells() == ["A01.txt", "A02.txt", "A03.txt"]
    assert (screen.info / "manifest.json").read_text() == manifest_text

    # A01 alone is left, from the cache of the first; somebody changed A01 and A03, and a note lies beside
    written = (cells / "A01.txt").read_text()
    (cells / "A01.txt").write_text("mine")
    (cells / "A03.txt").write_text("mine")
    (cells / "note.txt").write_text("mine")
    last = screen.run("--wells", "A01", "-resume", manifest["run_id"])
    assert last.returncode == 0, last.stdout
    assert screen.cells() == ["A01.txt", "A03.txt", "note.txt"]
    assert "removed 1 file of an earlier run that this run does not have: tables/cells/A02.txt" in last.stdout
    assert "1 file of an earlier run, changed since, left in place: tables/cells/A03.txt" in last.stdout
    assert (
        "1 file of an earlier run, changed since, replaced by what this run published: tables/cells/A01.txt"
        in last.stdout
    )
    assert (cells / "A01.txt").read_text() == written
    assert "changed since" not in first.stdout + failed.stdout
    assert "3 files that no run is known to have written" in last.stdout  # the page of this test, too
    third = screen.manifest()
    one = manifest["run_name"]
    assert [(entry["path"], entry["run"]) for entry in third["files"]] == [("tables/cells/A01.txt", one)]
    assert [run["run_name"] for run in third["earlier_runs"]] == [one]
    assert not list(screen.info.glob("*_failed.*")) and screen.left_behind() == []
    assert not list(screen.info.glob(".*"))


def test_a_results_folder_in_use_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    screen = SmallPipeline(tmp_path)
    screen.info.mkdir(parents=True)
    lock = screen.info / "lock.json"
    lock.write_text(lock_of(socket.gethostname(), os.getpid()))
    held = lock.read_text()
    # a process that lives is not overruled
    refused = screen.run("--wells", "A01", "--force_unlock")
    assert refused.returncode != 0
    for words in ("run sad_bohr", f"process {os.getpid()} on", "started by anna", "name another --outdir"):
        assert words in refused.stdout
    assert lock.read_text() == held and os.listdir(screen.results) == ["pipeline_info"]
    assert os.listdir(screen.info) == ["lock.json"]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Case → why a run is refused, from one run of Nextflow."""
    folder = tmp_path_factory.mktemp("refusals")
    earlier = {"run_name": "sad_bohr", "images": ["/data/a", "/data/b"], "samplesheet": "/data/sheet.csv"}
    screens = {
        "more of the same": {"images": ["/data/b", "/data/c"], "samplesheet": "/else/sheet.csv"},
        "another": {"images": ["/data/c"], "samplesheet": "/data/sheet.csv"},
        "stubs": {"images": ["/data/b"], "samplesheet": "/data/sheet.csv", "stub": True},
    }
    locks = {
        "elsewhere": (lock_of("node17", 7), False),
        "elsewhere forced": (lock_of("node17", 7), True),
        # of this process, as it seems after the clock of the machine was set
        "clock was set": (
            lock_of(socket.gethostname(), os.getpid(), started_about(os.getpid(), 30)),
            False,
        ),
        "number of another process": (
            lock_of(socket.gethostname(), os.getpid(), "2001-01-01T00:00:00Z"),
            False,
        ),
    }
    (folder / "cases.json").write_text(json.dumps({"earlier": earlier, "screens": screens, "locks": locks}))
    (folder / "main.nf").write_text(
        f"include {{ screenFault }} from '{ROOT}/lib/manifest'\n"
        f"include {{ lockFault }} from '{ROOT}/lib/lock'\n"
        "workflow {\n"
        "    def slurper = new groovy.json.JsonSlurper()\n"
        f"    def cases = slurper.parse(file('{folder}/cases.json').toFile())\n"
        "    def out = file('/data/results')\n"
        "    def said = cases.screens.collectEntries { name, about -> [name, screenFault(out, cases.earlier, about, false)] }\n"
        "    said['dry run'] = screenFault(out, cases.earlier, cases.earlier, true)\n"
        "    said['first'] = screenFault(out, null, cases.earlier, true)\n"
        "    cases.locks.each { name, held -> said[name] = lockFault(out, slurper.parseText(held[0]), held[1]) }\n"
        "    println 'SAID ' + groovy.json.JsonOutput.toJson(said)\n"
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


def test_another_screen_a_dry_run_and_stubs_are_refused_beside_results(said: dict[str, str | None]) -> None:
    for case, words in (
        ("another", "holds the results of another screen"),
        ("dry run", "--dry_run: --outdir"),
        ("stubs", "-stub-run: --outdir"),
    ):
        fault = said[case]
        assert fault and words in fault and "run sad_bohr" in fault and "name another --outdir" in fault
    assert said["more of the same"] is None and said["first"] is None


def test_a_lock_of_another_host_is_taken_over_by_force_alone(said: dict[str, str | None]) -> None:
    fault = said["elsewhere"]
    assert fault and "process 7 on node17" in fault and "add --force_unlock" in fault
    assert said["elsewhere forced"] is None
    assert said["number of another process"] is None
    assert "is writing into it" in str(said["clock was set"])
