"""The pipeline under a real SLURM: the same tables, whatever the scheduler does to its jobs."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from cost_table import assert_told
from deep_screen import write_screen
from hpc.conftest import HERE, LENIENT, Slurm
from hpc.inside import assert_inside, images_of
from morphodose.simulate.compare import compare
from morphodose.tables import read_table
from pipeline.conftest import simulate
from pipeline.nextflow_runs import Run, run, start
from pipeline.tables import assert_found, assert_same_tables

pytestmark = pytest.mark.hpc

CLUSTER = ("-c", str(HERE / "test.config"))


def statuses(finished: Run, process: str) -> list[tuple[str, str]]:
    """(status, exit) of the attempts of a process, in their order."""
    rows = [row for row in finished.tasks() if row["process"].endswith(process)]
    return [(row["status"], row["exit"]) for row in sorted(rows, key=lambda row: int(row["task_id"]))]


def test_two_fields_under_slurm_give_the_tables_of_the_local_run(
    slurm: Slurm, two_fields: tuple[str, ...], local_run: Run, tmp_path: Path
) -> None:
    arguments = ("-profile", "slurm", "--slurm_queue", "short", "--slurm_options=--comment=screen --nice=1")
    finished = run(tmp_path, *arguments, *two_fields, *CLUSTER, **LENIENT, **slurm.environment)
    assert finished.status == 0, finished.output
    assert_same_tables(local_run.outdir, finished.outdir)
    ended = (slurm.folder / "log" / "jobcomp.txt").read_text(encoding="utf-8").splitlines()
    for row in finished.tasks():
        (job,) = [line for line in ended if line.startswith(f"JobId={row['native_id']} ")]
        assert "Partition=short" in job


def test_two_fields_in_job_arrays_under_slurm_and_apptainer_run_inside(
    slurm: Slurm, images: Path, two_fields: tuple[str, ...], local_run: Run, tmp_path: Path
) -> None:
    arguments = ("-profile", "slurm,apptainer", "--container_dir", str(images), "--slurm_array", "2")
    finished = run(tmp_path, *arguments, *two_fields, *CLUSTER, **LENIENT, **slurm.environment)
    assert finished.status == 0, finished.output
    assert_inside(finished)
    assert_same_tables(local_run.outdir, finished.outdir)
    arrays = [row["native_id"] for row in finished.tasks() if row["process"].endswith("PROJECT_Z")]
    assert sorted(number.partition("_")[2] for number in arrays) == ["0", "1"]

    again = run(tmp_path, *arguments, *two_fields, *CLUSTER, "-resume", **LENIENT, **slurm.environment)
    assert again.status == 0, again.output
    assert again.executed() == set()


def test_the_demo_with_networks_under_slurm_and_apptainer_finds_what_was_put_in(
    slurm: Slurm, all_images: Path, tmp_path: Path
) -> None:
    """The plate of `make demo`, through every step; the local run of the pipeline tests is held to the same."""
    truth = simulate(tmp_path / "demo" / "plate", "--preset", "demo", "--seed", "1").parent / "truth"
    arguments = ("-profile", "demo,slurm,apptainer", "--container_dir", str(all_images))
    finished = run(tmp_path, *arguments, *CLUSTER, **LENIENT, **slurm.environment)
    assert finished.status == 0, finished.output
    assert_inside(finished)
    assert {"TRAIN_RESNET", "ALIGN_NETWORKS", "EMBED_CELLS", "EXPLAIN_CROPS"} <= finished.executed()
    assert_found(compare(finished.outdir, truth))
    tables = finished.outdir / "tables"
    embedded = read_table(tables / "embeddings" / "trained", ["Metadata_CellID"])
    cells = read_table(tables / "cells", ["Metadata_CellID"])
    assert sorted(embedded["Metadata_CellID"]) == sorted(cells["Metadata_CellID"])
    page = (finished.outdir / "report" / "report.html").read_text(encoding="utf-8")
    assert "What was trained" in page
    assert_told(page, finished.tasks())


def test_the_demo_without_networks_under_slurm_alone_finds_what_was_put_in(
    slurm: Slurm, tmp_path: Path
) -> None:
    truth = simulate(tmp_path / "demo" / "plate", "--preset", "demo", "--seed", "1").parent / "truth"
    arguments = ("-profile", "demo,slurm", "--deep", "false")
    finished = run(tmp_path, *arguments, *CLUSTER, **LENIENT, **slurm.environment)
    assert finished.status == 0, finished.output
    assert set(images_of(finished).values()) == {""}
    assert_found(compare(finished.outdir, truth))


def test_jobs_cancelled_over_memory_and_over_time_are_tried_again_with_more(
    slurm: Slurm, tmp_path: Path
) -> None:
    process = start(
        tmp_path, "-profile", "slurm", *CLUSTER, project=HERE / "jobs", **LENIENT, **slurm.environment
    )
    slurm.call("scancel", slurm.wait_for("CANCELLED"))
    output, _ = process.communicate()
    assert process.returncode == 0, output
    said = (tmp_path / "results" / "said.txt").read_text(encoding="utf-8")
    assert "CANCELLED attempt=2" in said
    assert "OVER_MEMORY attempt=2 memory=1024" in said
    assert "OVER_TIME attempt=2 time=2m" in said
    finished = Run(process.returncode, output, tmp_path / "results")
    for name in ("CANCELLED", "OVER_MEMORY", "OVER_TIME"):
        assert [status for status, _ in statuses(finished, name)] == ["FAILED", "COMPLETED"], name


def test_a_training_that_is_preempted_goes_on_from_its_checkpoint(
    slurm: Slurm, all_images: Path, tmp_path: Path
) -> None:
    write_screen(tmp_path / "screen", cells=5)
    arguments = ("-profile", "slurm,apptainer", "--container_dir", str(all_images))
    arguments += ("--only", "TRAIN_RESNET", "--screen", str(tmp_path / "screen"))
    process = start(tmp_path, *arguments, *CLUSTER, project=HERE / "jobs", **LENIENT, **slurm.environment)
    kept = tmp_path / "work" / "checkpoints"
    deadline = time.monotonic() + 600
    # the second one, or a later one where it was missed: old ones are removed
    while not list(kept.glob("*/epoch0000[2-9]_*.pt")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    # a job of a partition that goes before takes the whole node
    slurm.call("sbatch", "-p", "urgent", "-n", "4", "--mem=100", "-o", "/dev/null", "--wrap", "sleep 2")
    output, _ = process.communicate()
    assert process.returncode == 0, output
    finished = Run(process.returncode, output, tmp_path / "results")
    assert [status for status, _ in statuses(finished, "TRAIN_RESNET")] == ["FAILED", "COMPLETED"]
    last = max(finished.tasks(), key=lambda row: int(row["task_id"]))
    said = (next((tmp_path / "work").glob(f"{last['hash']}*")) / ".command.log").read_text(encoding="utf-8")
    assert "going on after" in said
    assert set(images_of(finished).values()) == {"resnet"}


def test_a_gpu_step_has_its_gpu_its_queue_and_its_image(slurm: Slurm, images: Path, tmp_path: Path) -> None:
    arguments = ("-profile", "slurm,apptainer", "--container_dir", str(images), "--only", "ON_GPU")
    arguments += ("--slurm_gpu_queue", "gpu", "--slurm_gpu_type", "pretended")
    finished = run(tmp_path, *arguments, *CLUSTER, project=HERE / "jobs", **LENIENT, **slurm.environment)
    assert finished.status == 0, finished.output
    said = (finished.outdir / "said.txt").read_text(encoding="utf-8")
    assert "ON_GPU devices=0 image=morphodose base" in said
    (task,) = finished.tasks()
    folder = next((tmp_path / "work").glob(f"{task['hash']}*"))
    text = (folder / ".command.run").read_text(encoding="utf-8")
    assert "#SBATCH --gpus=pretended:1" in text
    assert "#SBATCH -p gpu" in text
    assert " --nv " in text


def test_use_gpu_asks_for_a_gpu_for_each_step_that_uses_one_and_for_no_other(
    slurm: Slurm, two_fields: tuple[str, ...], tmp_path: Path
) -> None:
    """A stub run: the steps themselves refuse a GPU that is only pretended."""
    arguments = ("-profile", "slurm", "-stub", "--slurm_queue", "short", "--slurm_gpu_queue", "gpu")
    arguments += ("--use_gpu", "--slurm_gpu_type", "pretended", *two_fields[:2])
    finished = run(tmp_path, *arguments, *CLUSTER, **LENIENT, **slurm.environment)
    assert finished.status == 0, finished.output
    ended = (slurm.folder / "log" / "jobcomp.txt").read_text(encoding="utf-8").splitlines()
    asked = set()
    for row in finished.tasks():
        folder = next((tmp_path / "work").glob(f"{row['hash']}*"))
        script = (folder / ".command.run").read_text(encoding="utf-8")
        (job,) = [line for line in ended if line.startswith(f"JobId={row['native_id']} ")]
        gpu = "#SBATCH --gpus=pretended:1" in script
        assert gpu == ("--gpus" in script)
        # where SLURM ran it, and whether it had the GPU of the node
        assert f" Partition={'gpu' if gpu else 'short'} " in job
        assert (f"#SBATCH -p {'gpu' if gpu else 'short'}\n") in script
        if gpu:
            asked.add(row["process"].rpartition(":")[2])
    assert asked == {"SEGMENT_CELLS", "TRAIN_RESNET", "ALIGN_NETWORKS", "EMBED_CELLS", "EXPLAIN_CROPS"}


def test_nextflow_killed_midway_and_resumed_gives_the_same_tables(
    slurm: Slurm, two_fields: tuple[str, ...], local_run: Run, tmp_path: Path
) -> None:
    arguments = ("-profile", "slurm", *two_fields, *CLUSTER, "-resume")
    process = start(tmp_path, *arguments, **LENIENT, **slurm.environment)
    slurm.wait_for("SEGMENT_CELLS")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert slurm.jobs(), "the jobs of a killed Nextflow go on"
    finished = run(tmp_path, *arguments, **LENIENT, **slurm.environment)
    assert finished.status == 0, finished.output
    assert "PROJECT_Z" not in finished.executed()
    assert_same_tables(local_run.outdir, finished.outdir)


def test_a_restart_of_the_controller_midway_loses_nothing(
    slurm: Slurm, two_fields: tuple[str, ...], local_run: Run, tmp_path: Path
) -> None:
    process = start(tmp_path, "-profile", "slurm", *two_fields, *CLUSTER, **LENIENT, **slurm.environment)
    slurm.wait_for("PROJECT_Z")
    slurm.daemon("stop-controller")
    time.sleep(20)  # tasks end meanwhile, and the next ones cannot be submitted
    slurm.daemon("start-controller")
    output, _ = process.communicate()
    assert process.returncode == 0, output
    finished = Run(process.returncode, output, tmp_path / "results")
    assert {row["status"] for row in finished.tasks()} == {"COMPLETED"}
    assert_same_tables(local_run.outdir, finished.outdir)
