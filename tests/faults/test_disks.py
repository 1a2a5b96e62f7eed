"""A full output disk, a quota, a read-only input."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result

from faults import deep_tasks, tasks
from faults.tasks import Task, assert_same_files, assert_whole, final_files, in_process, tasks_on, told

pytestmark = pytest.mark.slow

MS_RDONLY, MS_REMOUNT = 1, 32
#: Tasks that write every kind of file: design, OME-TIFF, masks and pictures, crops, tables, plots, models of a
#: reduction, .h5ad, page, weights.
WRITERS = (
    "check_design", "project_z A01", "segment_cells", "measure_cells A01", "crop_cells A01", "call_death",
    "annotate_cells", "profile_wells", "fit_responses", "reduce_features", "profile_features", "export_anndata",
    "report", "stage_weights",
)  # fmt: skip
#: And those that learn: splits, checkpoints and networks, alignment, embeddings, galleries, scores.
LEARNING = (
    "split_cells", "train_resnet 0", "align_networks", "embed_cells", "explain_crops", "score_models",
)  # fmt: skip
EVERY = [*((name, "tiny") for name in WRITERS), *((name, "learned") for name in LEARNING)]
#: One of them for each library that writes: the limit of a file's size is another number of the same error.
FEW = [
    ("project_z A01", "tiny"), ("measure_cells A01", "tiny"), ("export_anndata", "tiny"), ("report", "tiny"),
    ("train_resnet 0", "learned"), ("explain_crops", "learned"),
]  # fmt: skip


@pytest.fixture(params=EVERY, ids=[name for name, _ in EVERY])
def writer(request: pytest.FixtureRequest) -> tuple[Task, Path]:
    """A task, and the folder of its undisturbed results."""
    name, inputs = request.param
    folder = request.getfixturevalue(inputs)
    tasks_on = (tasks if inputs == "tiny" else deep_tasks).tasks_on
    return tasks_on(folder)[name], folder / "made" / name.split()[0]


def mount(place: Path, flags: int, options: str) -> bool:
    """Mount a tmpfs; False where this user may not."""
    libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    return libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", flags, options.encode()) == 0


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of `size` at `place`; the test is skipped where this user may not mount one."""
    place.mkdir()
    if not mount(place, 0, f"size={size}"):
        pytest.skip(
            "this user may not mount a small file system (RLIMIT_FSIZE stands for it in another test)"
        )
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def assert_said_and_clean(done: Result, out: Path, expected: Path, words: str) -> None:
    """One line says what happened and what to do; what is there under a final name is whole."""
    assert done.exit_code == 1, done.output
    assert words in done.stderr and "→" in done.stderr, done.stderr
    assert_whole(final_files(out), final_files(expected))
    assert not [path for path in out.rglob(".*") if path.is_file()], "a temporary file is left"
    kept = [path for path in out.glob(".checkpoints/**/*") if path.is_file()]
    assert not kept, "a checkpoint that cannot be whole"


def test_a_full_disk_is_said_plainly_and_leaves_no_file(writer: tuple[Task, Path], tmp_path: Path) -> None:
    task, expected = writer
    with small_disk(tmp_path / "disk", "64k") as disk:
        # room for a page or two: the file is begun, and cannot be finished
        (disk / "ballast").write_bytes(bytes(52 * 1024))
        (disk / "out").mkdir()
        done = told(task.command, *task.line(disk / "out"))
        assert_said_and_clean(done, disk / "out", expected, "No space left on device")


@pytest.mark.parametrize("writer", FEW, indirect=True, ids=[name for name, _ in FEW])
def test_a_limit_of_file_size_is_said_plainly_and_leaves_no_file(
    writer: tuple[Task, Path], tmp_path: Path
) -> None:
    task, expected = writer
    largest = max(path.stat().st_size for path in final_files(expected).values())

    out = tmp_path / "out"
    out.mkdir()
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 3, most))
    try:
        done = told(task.command, *task.line(out))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
    assert_said_and_clean(done, out, expected, "File too large")


def test_a_read_only_input_works(tiny: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "input", "32m") as disk:
        subprocess.run(["cp", "-r", f"{tiny}/.", str(disk)], check=True)
        for sheet in disk.glob("*.tsv"):
            sheet.write_text(sheet.read_text().replace(str(tiny), str(disk)))
        assert mount(disk, MS_RDONLY | MS_REMOUNT, "size=32m")
        with pytest.raises(OSError):
            (disk / "x").touch()
        for name in ("check_design", "project_z A01", "qc_images A01", "measure_cells A01", "call_death"):
            task = tasks_on(disk)[name]
            out = tmp_path / name
            in_process(task.command, *task.line(out))
            made = {key: path for key, path in final_files(tiny / "made" / name.split()[0]).items()}
            found = final_files(out)
            assert found and set(found) <= set(made)
            if name != "check_design":  # which names the folder it read
                assert_same_files(found, {key: made[key] for key in found})


def test_an_output_folder_that_cannot_be_written_is_said_plainly(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    for name in ("project_z A01", "fit_responses"):
        task = tasks_on(tiny)[name]
        done = told(task.command, *task.line(tmp_path / "out"))
        assert done.exit_code != 0
        assert "out" in done.stderr
