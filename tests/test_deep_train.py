"""Training: it learns, it can be killed, and the null model does not learn."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import Result

from deep_screen import write_screen
from faults.tasks import told
from morphodose.crops.shard import CropShard
from morphodose.deep.checkpoint import Checkpoints
from morphodose.deep.heads import THRESHOLD, probabilities
from morphodose.deep.network import build_network, load_network, prepare
from morphodose.deep.optimise import layer_groups, make_optimizer, make_schedule
from morphodose.deep.presets import PRESETS
from morphodose.deep.recipe import Recipe
from morphodose.options import deep
from morphodose.tables import read_table

#: Where there is a GPU, it is tried too.
ON = [
    pytest.param((), id="cpu"),
    pytest.param(
        ("--use_gpu", "--deterministic"),
        id="gpu",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"),
    ),
]
SMALL = ("--network", "resnet18", "--input_size", "32", "--threads", "1")


def arguments(root: Path, screen: tuple[Path, Path, Path], out: Path, *more: str) -> list[str]:
    crops, split, labels = (str(path) for path in screen)
    command = [sys.executable, str(root / "bin" / "train_resnet.py"), crops, "--split", split]
    return [*command, "--labels", labels, "--fold", "0", *SMALL, "--out", str(out), *more]


def train(root: Path, screen: tuple[Path, Path, Path], out: Path, *more: str) -> Result:
    """Train in this process, which has PyTorch already."""
    return told("train_resnet", *arguments(root, screen, out, *more)[2:])


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return write_screen(tmp_path_factory.mktemp("screen"), cells=10)


@pytest.mark.slow
@pytest.mark.parametrize("device", ON)
def test_it_learns_brightness_and_shape_and_writes_what_is_promised(
    root: Path, screen: tuple[Path, Path, Path], tmp_path: Path, device: tuple[str, ...]
) -> None:
    options = ("--epochs", "5", "--batch_size", "10", "--lr_range_test", "--seed", "3", *device)
    done = train(root, screen, tmp_path, *options)
    assert done.exit_code == 0, done.output
    assert "epoch 5 of 5" in done.stderr
    found = read_table(tmp_path / "trained_fold0_predictions.parquet")
    assert len(found) == 60 and set(found["Fold"]) == {0}
    for label, classes in (("Dose", ["vehicle", "1", "10"]), ("Time", ["4", "24"])):
        assert (found[f"True_{label}"] == found[f"Predicted_{label}"]).mean() > 0.8
        chances = found[[f"Probability_{label}_{name}" for name in classes]]
        assert chances.to_numpy().min() >= 0 and chances.to_numpy().max() <= 1
        best = chances.to_numpy().argmax(1)
        assert [classes[number] for number in best] == found[f"Predicted_{label}"].tolist()
    network, recipe = load_network(tmp_path / "trained_fold0.safetensors", tmp_path / "trained_fold0.json")
    split = read_table(screen[1]).set_index("Metadata_CellID").loc[found["Metadata_CellID"]]
    raw = [CropShard(screen[0] / row["Crop_Shard"]).read(row["Crop_Row"]) for _, row in split.iterrows()]
    with torch.inference_mode():
        logits = network(prepare(torch.from_numpy(np.stack(raw)), recipe, "cpu"))[1]
    by_hand = probabilities(logits, recipe)["dose"].numpy()
    columns = [f"Probability_Dose_{name}" for name in recipe.classes["dose"]]
    np.testing.assert_allclose(found[columns], by_hand, atol=2e-2 if device else 1e-4, err_msg="augmented?")
    log = pd.read_csv(tmp_path / "trained_fold0_log.csv")
    assert log["Epoch"].tolist() == [1, 2, 3, 4, 5] and log["Step"].iloc[-1] == 30
    assert log["Loss_HeldOut"].iloc[-1] < log["Loss_HeldOut"].iloc[0]
    assert log["LR"].iloc[-1] < log["LR"].iloc[1]
    # the rates that the last steps of the epochs had
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    schedule = make_schedule(optimizer, 30)
    had = []
    for _ in range(30):
        had.append(schedule.get_last_lr()[-1])
        optimizer.step()
        schedule.step()
    np.testing.assert_allclose(log["LR"], had[5::6], rtol=1e-6)
    assert read_table(tmp_path / "trained_fold0_log.parquet")["Epoch"].tolist() == log["Epoch"].tolist()
    curve = read_table(tmp_path / "trained_fold0_lr_range.parquet")
    assert curve["LR"].is_monotonic_increasing and curve["Loss"].notna().all() and len(curve) > 10
    assert recipe.kind == "trained" and recipe.n_train == recipe.n_held_out == 60 and recipe.trial
    assert recipe.device == (torch.cuda.get_device_name() if device else "CPU")
    assert recipe.mean[0] > 0 and recipe.classes["dose"] == ("vehicle", "1", "10")
    assert network.head.out_features == 5


@pytest.mark.slow
@pytest.mark.parametrize("device", ON)
def test_a_killed_training_goes_on_within_the_epoch_and_ends_with_equal_numbers(
    root: Path, tmp_path: Path, device: tuple[str, ...]
) -> None:
    screen = write_screen(tmp_path / "screen", cells=5)
    options = ("--epochs", "3", "--batch_size", "10", "--checkpoint_minutes", "1e-6", "--head", "ordinal")
    options += device
    undisturbed = train(root, screen, tmp_path / "a", *options)
    assert undisturbed.exit_code == 0, undisturbed.output
    kept = tmp_path / "checkpoints"
    disturbed = arguments(root, screen, tmp_path / "b", *options, "--checkpoints", str(kept))
    process = subprocess.Popen(disturbed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not list(kept.glob("*/epoch00001_batch0000001.pt")) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "b").exists()
    # what it goes on from is in the middle of an epoch; a later file was torn by the disk
    folder = next(kept.iterdir())
    files = sorted(folder.glob("*.pt"))
    if files[-1].name.endswith("_batch0000000.pt"):
        files.pop().unlink()
    torn = folder / "epoch00099_batch0000000.pt"
    torn.write_bytes(files[-1].read_bytes()[:5000])
    resumed = train(root, screen, tmp_path / "b", *options, "--checkpoints", str(kept))
    assert resumed.exit_code == 0, resumed.output
    assert f"{torn}: passed over, not a whole checkpoint" in resumed.stderr
    assert re.search(r"going on after [12] epochs and [12] batches", resumed.stderr)
    assert "epoch 1 of 3" not in resumed.stderr, "the first epoch is not done again"
    first, second = (read_table(tmp_path / name / "trained_fold0_predictions.parquet") for name in "ab")
    # on a GPU within a tolerance
    same = {"rtol": 1e-2, "atol": 1e-2} if device else {"check_exact": True}
    pd.testing.assert_frame_equal(first, second, **same)
    logs = [pd.read_csv(tmp_path / name / "trained_fold0_log.csv") for name in "ab"]
    timing = ["Seconds", "ImagesPerSecond"]
    pd.testing.assert_frame_equal(*(log.drop(columns=timing) for log in logs), **same)
    if not device:
        weights = [(tmp_path / name / "trained_fold0.safetensors").read_bytes() for name in "ab"]
        assert weights[0] == weights[1]
    assert not folder.exists(), "checkpoints go once the results are written"


@pytest.mark.slow
def test_a_network_on_shuffled_labels_does_not_know_the_held_out_wells(root: Path, tmp_path: Path) -> None:
    screen = write_screen(tmp_path / "screen", cells=4, per_dose=3)
    options = ("--kind", "permuted", "--epochs", "3", "--batch_size", "24", "--head", "softmax")
    done = train(root, screen, tmp_path / "out", *options)
    assert done.exit_code == 0, done.output
    found = read_table(tmp_path / "out" / "permuted_fold0_predictions.parquet")
    split = read_table(screen[1])
    truth = split.set_index("Metadata_CellID")["Label_Dose"].loc[found["Metadata_CellID"]]
    assert truth.tolist() == found["True_Dose"].tolist(), "held-out labels stay true"
    assert (found["True_Dose"] == found["Predicted_Dose"]).mean() < 0.6


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_faults_end_with_one_line(root: Path, screen: tuple[Path, Path, Path], tmp_path: Path) -> None:
    done = train(root, screen, tmp_path, "--use_gpu")
    assert done.exit_code == 1 and "none is there" in done.stderr
    assert not list(tmp_path.iterdir()), "nothing is trained on the CPU instead"


def test_a_checkpoint_of_another_run_is_not_taken(tmp_path: Path) -> None:
    said: list[str] = []
    Checkpoints(tmp_path, "a", said.append).save(0, 3, {"value": torch.ones(1)})
    (tmp_path / "a").rename(tmp_path / "b")
    other = Checkpoints(tmp_path, "b", said.append)
    assert other.load() is None and "a checkpoint of another run" in said[0]
    for batch in range(1, 5):
        other.save(1, batch, {"value": torch.ones(1)})
    assert [path.name for path in sorted((tmp_path / "b").iterdir())] == [
        "epoch00001_batch0000003.pt", "epoch00001_batch0000004.pt"
    ]  # fmt: skip
    state = other.load()
    assert state and (state["epoch"], state["batch"]) == (1, 4)


def test_a_checkpoint_that_cannot_be_written_is_said_and_no_fault(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").write_text("in the way")
    Checkpoints(tmp_path / "file", "a", said.append).save(0, 1, {"value": torch.ones(1)})
    assert "not written, the training goes on without it" in said[0]


def test_the_stem_learns_ten_times_slower_than_the_head_in_one_cycle() -> None:
    network = build_network(Recipe(network="resnet18", classes={"dose": ("a", "b")}))
    groups = layer_groups(network)
    assert sum(len(group) for group in groups) == len(list(network.parameters()))
    optimizer = make_optimizer(network, "adam", 3e-5, 0.0)
    assert [group["lr"] for group in optimizer.param_groups][0] == pytest.approx(3e-6)
    schedule = make_schedule(optimizer, 100)
    rates = []
    for _ in range(100):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    heads = [rate[-1] for rate in rates]
    assert max(heads) == pytest.approx(3e-5, rel=1e-3) and heads.index(max(heads)) in (24, 25)
    assert heads[0] < 2e-6 and heads[-1] < 1e-8
    assert all(rate[0] == pytest.approx(rate[-1] / 10) for rate in rates)


def test_the_preset_of_the_reference_workflow_has_its_numbers() -> None:
    preset = PRESETS["reference"]
    assert (preset.optimizer, preset.learning_rate, preset.weight_decay) == ("adam", 3e-5, 0.0)
    assert (preset.epochs, preset.batch_size, preset.clip, preset.weigh_classes) == (10, 16, 0.0, False)
    assert (deep.INPUT_SIZE.default, deep.NETWORK.default, deep.HEAD.default) == (
        224,
        "resnet50",
        "multilabel",
    )
    assert THRESHOLD == 0.5
    # one crop as three channels; an output for each time and each dose
    recipe = Recipe(network="resnet18", classes={"time": tuple("123456"), "dose": tuple("abcdefgh")})
    assert recipe.input_channels == 3
    assert build_network(recipe).eval()(torch.zeros(1, 3, 32, 32))[1].shape == (1, 14)


@pytest.mark.parametrize("steps", range(1, 9))
def test_few_steps_have_a_cycle_too(steps: int) -> None:
    network = build_network(Recipe(network="resnet18", classes={"dose": ("a", "b")}))
    optimizer = make_optimizer(network, "adamw", 1e-3, 0.05)
    schedule = make_schedule(optimizer, steps)
    for _ in range(steps):
        assert 0 < optimizer.param_groups[-1]["lr"] <= 1.001e-3
        optimizer.step()
        schedule.step()
