"""What `make setup` does when things go wrong: two at a time, a broken package, a Java that Nextflow does not know."""

from __future__ import annotations

import ast
import importlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: Stands for uv: takes its time, and makes an environment whose Python does what the files in the clone say.
UV = """#!/bin/sh
echo "$@" >> "$CLONE/uv.log"
for last; do :; done
if [ "$1" = venv ]; then
    mkdir "$last" "$last/bin" || exit 1
    printf '#!/bin/sh\\necho "$1" >> "$CLONE/python.log"\\n! grep -qs "$(basename "$1")" "$CLONE/broken"\\n' > "$last/bin/python"
    chmod +x "$last/bin/python"
else
    sleep 1
fi
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with the set-up alone, and tools that stand for uv."""
    for name in (
        "setup/python.sh",
        "setup/check_nextflow.sh",
        "setup/nextflow",
        "containers/requirements/local.lock",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "setup" / "maven", tmp_path / "setup" / "maven")
    tool(tmp_path, "uv", UV)
    return tmp_path


def tool(clone: Path, name: str, text: str) -> None:
    path = clone / "tools" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def start(clone: Path, script: str, *arguments: str, home: str = "") -> subprocess.Popen[str]:
    home = home or str(clone)
    environment = {"PATH": f"{clone / 'tools'}:/usr/bin:/bin", "CLONE": str(clone), "HOME": home}
    return subprocess.Popen(
        [str(clone / "setup" / script), *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def test_two_set_ups_at_a_time_make_one_environment(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / ".installed-0123456789abcdef").touch()  # of an earlier revision
    both = [finish(process) for process in [start(clone, "python.sh"), start(clone, "python.sh")]]
    assert [status for status, _ in both] == [0, 0], both
    assert sum("waiting for its end" in said for _, said in both) == 1
    assert len((clone / "uv.log").read_text().splitlines()) == 2  # venv and sync, once each
    assert [path.name[:7] for path in (clone / ".venv").glob(".*")] == [".ready-"]
    assert not (clone / ".venv.part").exists() and not (clone / ".venv.old").exists()
    assert finish(start(clone, "python.sh")) == (0, "")


def test_an_environment_whose_python_was_removed_is_made_again(clone: Path) -> None:
    assert finish(start(clone, "python.sh"))[0] == 0
    python = clone / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(clone / "a version that was uninstalled" / "python3.11")
    assert finish(start(clone, "python.sh"))[0] == 0
    assert not python.is_symlink() and python.exists()


@pytest.mark.parametrize(("step", "words"), [("environment.py", "is broken"), ("kernels.py", "kernels")])
def test_what_cannot_be_imported_or_compiled_is_no_environment(clone: Path, step: str, words: str) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "earlier").touch()
    (clone / "broken").write_text(step)
    for _ in range(2):  # not finished the second time, either
        status, said = finish(start(clone, "python.sh"))
        assert status != 0 and words in said and "The set-up is not done" in said
        assert os.listdir(clone / ".venv") == ["earlier"]
    (clone / "broken").unlink()
    assert finish(start(clone, "python.sh"))[0] == 0
    assert not (clone / ".venv" / "earlier").exists()


def test_the_kernels_are_those_of_the_present_code() -> None:
    source = (ROOT / "setup" / "kernels.py").read_text()
    named = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    assert len(named) > 5
    for node in named:
        module = importlib.import_module(str(node.module))
        assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)


def java(clone: Path, version: str) -> None:
    tool(
        clone,
        "java",
        f'#!/bin/sh\n[ "$1" = -version ] && echo \'openjdk version "{version}"\' >&2 || echo "ran $*"\n',
    )


@pytest.mark.parametrize(
    ("release", "version", "newest"),
    [("25.04.4", "25.0.1", 24), ("25.04.4", "11.0.2", 24), ("24.10.8", "24", 23), ("25.04.4", "1.8.0_1", 24)],
)
def test_a_java_that_nextflow_does_not_run_on_is_named(
    clone: Path, release: str, version: str, newest: int
) -> None:
    java(clone, version)
    (clone / ".tools" / f"nextflow-{release}").mkdir(parents=True)
    # as the set-up calls it
    tool(
        clone,
        "nextflow",
        f"#!/bin/sh\nMORPHODOSE_OWN_NEXTFLOW=1 NXF_VER={release} exec '{clone}/setup/nextflow' \"$@\"\n",
    )
    status, said = finish(start(clone, "check_nextflow.sh"))
    assert status != 0
    assert (
        f"Nextflow {release} needs Java 17 to {newest}; java is Java {version.partition('.')[0]}. Install"
        in said
    )


@pytest.mark.parametrize("version", ["23", "17.0.9"])
def test_a_java_that_nextflow_runs_on_is_taken(clone: Path, version: str) -> None:
    java(clone, version)
    (clone / ".tools" / "nextflow-24.10.8").mkdir(parents=True)
    tool(
        clone,
        "own",
        f"#!/bin/sh\nMORPHODOSE_OWN_NEXTFLOW=1 NXF_VER=24.10.8 exec '{clone}/setup/nextflow' \"$@\"\n",
    )
    (clone / "setup" / "own").symlink_to(clone / "tools" / "own")
    status, said = finish(start(clone, "own", "-version"))
    assert status == 0 and said.startswith("ran ") and "nextflow.cli.Launcher -version" in said
    assert "-Duser.language=en" in said, (
        "the cache of a run is found again whatever the language of the shell"
    )


def test_a_home_that_cannot_be_written_is_told_with_the_way_out(clone: Path) -> None:
    java(clone, "17")
    (clone / ".tools" / "nextflow-25.04.4").mkdir(parents=True)
    status, said = finish(start(clone, "nextflow", "-version", home="/proc/nothing"))
    assert status != 0 and "ran " not in said
    assert "Nextflow keeps files of its own in /proc/nothing/.nextflow, which" in said
    assert "export NXF_HOME=FOLDER" in said


def test_an_old_nextflow_and_one_that_cannot_run_the_pipeline_are_named(clone: Path) -> None:
    java(clone, "17")
    tool(clone, "nextflow", "#!/bin/sh\necho ' version 23.10.1 build 5891'\n")
    status, said = finish(start(clone, "check_nextflow.sh"))
    assert status != 0 and "is Nextflow 23.10.1; 24.10.0 or newer is needed" in said
    tool(
        clone,
        "nextflow",
        '#!/bin/sh\ncase "$*" in *-version*) echo " version 25.04.4" ;; *) echo "BUG! exception"; exit 1 ;; esac\n',
    )
    for _ in range(2):
        status, said = finish(start(clone, "check_nextflow.sh"))
        assert status != 0 and "BUG! exception" in said and "Java 17 to 23 runs every Nextflow" in said
    tool(clone, "nextflow", '#!/bin/sh\necho "$*" >> "$CLONE/nextflow.log"; echo " version 25.04.4"\n')
    for _ in range(2):
        assert finish(start(clone, "check_nextflow.sh")) == (0, "")
    assert [line[:8] for line in (clone / "nextflow.log").read_text().splitlines()] == [
        "-version",
        "-q run /",
        "-version",
    ]
