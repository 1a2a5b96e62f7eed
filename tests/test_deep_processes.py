"""A training of several processes is that of one, and none of them outlives the others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from safetensors.numpy import load_file

from deep_screen import write_screen
from faults.tasks import told
from morphodose.deep.processes import cluster_environment
from morphodose.errors import InputError
from morphodose.tables import read_table, write_table
from test_deep_train import arguments

#: A batch job with one task, and a step of srun in it.
JOB = {"SLURM_JOB_ID": "1234567", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_NODEID": "0"}
STEP = {**JOB, "SLURM_STEP_NODELIST": "gpu[03-04]", "SLURM_NODEID": "1", "SLURM_STEP_NUM_NODES": "2"}


def test_a_batch_job_starts_its_processes_itself() -> None:
    variables = dict(JOB)
    assert isinstance(cluster_environment(2, 1, variables), LightningEnvironment)
    assert variables == JOB


def test_on_several_nodes_the_first_process_of_each_finds_the_first_node() -> None:
    variables = {**STEP, "SLURM_STEP_NUM_TASKS": "2"}
    assert isinstance(cluster_environment(4, 2, variables), LightningEnvironment)
    assert (variables["MASTER_ADDR"], variables["MASTER_PORT"], variables["NODE_RANK"]) == (
        "gpu03",
        "19567",
        "1",
    )


def test_processes_that_srun_has_started_have_the_ranks_of_slurm() -> None:
    assert isinstance(cluster_environment(4, 2, {**STEP, "SLURM_STEP_NUM_TASKS": "8"}), SLURMEnvironment)


@pytest.mark.parametrize("variables", (JOB, {**STEP, "SLURM_STEP_NUM_TASKS": "3"}))
def test_several_nodes_without_a_process_on_each_are_refused(variables: dict[str, str]) -> None:
    with pytest.raises(InputError, match="srun --nodes=2 --ntasks=2 --ntasks-per-node=1"):
        cluster_environment(4, 2, dict(variables))


@pytest.mark.slow
def test_gradients_and_statistics_are_those_of_the_whole_batch(root: Path, tmp_path: Path) -> None:
    """In float64: nothing but rounding is left, which float32 enlarges to some 0.1 % of the gradient."""
    command = [sys.executable, str(root / "tests" / "helpers" / "part_of_batch.py")]
    both = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "meet")], stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    # the transport of PyTorch 2.10 says on which ranks it is connected
    value, gradients, statistics = map(float, said[0].splitlines()[-1].split())
    # the loss itself is summed in float32
    assert value < 1e-6 and gradients < 1e-6 and statistics < 1e-12


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Classes of unequal size: then the parts of a batch have unequal weights."""
    crops, split, labels = write_screen(tmp_path_factory.mktemp("screen"), cells=10)
    table = read_table(split)
    few = (table["Label_Dose"] == "vehicle") & (table["Metadata_ObjectLabel"] > 4)
    write_table(table.assign(Usable=~few), split)
    return crops, split, labels


#: One step per epoch, of all cells but one.
OPTIONS = ("--epochs", "3", "--batch_size", "46", "--learning_rate", "1e-4")


@pytest.fixture(scope="module")
def two(root: Path, screen: tuple[Path, Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two processes, undisturbed, one on each of two nodes: with the variables that srun gives them.

    Both nodes are this machine.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    step = {
        **os.environ, **STEP, "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_NNODES": "2", "SLURM_LOCALID": "0",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "SLURM_JOB_NAME": "train",
    }  # fmt: skip
    out = tmp_path_factory.mktemp("two")
    command = arguments(root, screen, out, *OPTIONS, "--devices", "1", "--num_nodes", "2")
    nodes = [
        subprocess.Popen(
            command,
            env={**step, "SLURM_PROCID": str(node), "SLURM_NODEID": str(node)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for node in range(2)
    ]
    said = [node.communicate(timeout=300)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    assert ["epoch 3 of 3" in text for text in said] == [True, False], "the first process alone speaks"
    return out


def log_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "trained_fold0_log.csv").drop(columns=["Seconds", "ImagesPerSecond"])


def weights_of(folder: Path) -> np.ndarray:
    values = load_file(folder / "trained_fold0.safetensors")
    return np.concatenate([values[name].ravel().astype(float) for name in sorted(values)])


@pytest.mark.slow
def test_two_processes_on_two_nodes_train_as_one(
    root: Path, screen: tuple[Path, Path, Path], two: Path, tmp_path: Path
) -> None:
    done = told("train_resnet", *arguments(root, screen, tmp_path, *OPTIONS)[2:])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in two.iterdir()) == sorted(path.name for path in tmp_path.iterdir())
    # floats: rounding, which grows from step to step; the shares of right cells by a cell or two
    logs = [log_of(folder) for folder in (tmp_path, two)]
    counted = ["Epoch", "Step", "LR"]
    pd.testing.assert_frame_equal(logs[0][counted], logs[1][counted])
    assert logs[0]["Loss_Train"][0] == pytest.approx(logs[1]["Loss_Train"][0], rel=1e-5), "before any step"
    for name in ("Loss_Train", "Loss_HeldOut"):
        assert logs[0][name].tolist() == pytest.approx(logs[1][name].tolist(), rel=5e-3)
    one, both = weights_of(tmp_path), weights_of(two)
    assert np.linalg.norm(one - both) < 2e-3 * np.linalg.norm(one)
    tables = [read_table(folder / "trained_fold0_predictions.parquet") for folder in (tmp_path, two)]
    assert tables[1]["Metadata_CellID"].is_unique
    assert tables[0]["Metadata_CellID"].tolist() == tables[1]["Metadata_CellID"].tolist()
    chances = [name for name in tables[0] if name.startswith("Probability_")]
    np.testing.assert_allclose(tables[0][chances], tables[1][chances], atol=0.02)


@pytest.mark.slow
def test_two_processes_of_one_node_end_together_and_go_on_to_the_numbers_of_the_undisturbed(
    root: Path, screen: tuple[Path, Path, Path], two: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoints"
    command = arguments(
        root, screen, tmp_path / "out", *OPTIONS, "--devices", "2", "--checkpoints", str(kept)
    )
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 240
    while not list(kept.glob("*/epoch00001_*.pt")) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(process.pid), "the second process ends with the first"
    assert not (tmp_path / "out").exists()
    resumed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert resumed.returncode == 0, resumed.stderr
    assert "going on after" in resumed.stderr
    pd.testing.assert_frame_equal(log_of(two), log_of(tmp_path / "out"), check_exact=True)
    for name in ("trained_fold0.safetensors", "trained_fold0_predictions.parquet"):
        assert (two / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name


@pytest.mark.slow
def test_when_the_second_process_is_killed_the_first_fails(
    root: Path, screen: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    command = arguments(root, screen, tmp_path, "--epochs", "500", "--batch_size", "46", "--devices", "2")
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 240
    while (
        not (others := [each for each in alive(process.pid) if is_second(each)])
        and time.monotonic() < deadline
    ):
        time.sleep(0.1)
    os.kill(others[0], signal.SIGKILL)
    assert process.wait(120) != 0
    assert not list(tmp_path.iterdir())


def alive(session: int) -> set[int]:
    """Running processes of a session."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[3]) == session and fields[0] != "Z":
            found.add(int(entry.name))
    return found


def is_second(process: int) -> bool:
    """Whether a process is the second of a training."""
    try:
        return b"LOCAL_RANK=1" in Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
