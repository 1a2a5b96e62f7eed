"""Embeddings: each cell by the network that is new to it, in memory that does not grow."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import resnet18

import embed_cells
from embedding_tree import RECIPE, arguments, make_screen, run
from morphodose.crops.shard import CropShard
from morphodose.deep import extract as extract_module
from morphodose.deep.embedding_table import ROWS, as_list_array, embedding_writer, read_embeddings
from morphodose.deep.extract import RunBatches
from morphodose.deep.heads import probabilities
from morphodose.deep.network import Network, load_network, prepare
from morphodose.deep.rotation import Alignment, Rotation, write_alignment
from morphodose.errors import InputError
from morphodose.tables import read_table

PARTS = ("crops", "split", "networks")


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_screen(tmp_path_factory.mktemp("screen"))


@pytest.fixture(scope="module")
def trained(screen: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    printed = run(
        embed_cells.main, *arguments(screen, *PARTS), "--kind", "trained", "--out", out, "--batch_size", 3
    )
    assert "well 16 of 16, Time_4hrs_R2_Well_A04: 5 cells" in printed
    return out


def vectors(path: Path) -> np.ndarray:
    return np.concatenate([part for _, part in read_embeddings(path)])


def by_hand(screen: dict[str, Path], shard: str, fold: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Embeddings and probabilities of a shard by the network of one fold, as plainly as can be."""
    stem = screen["networks"] / f"trained_fold{fold}"
    network, recipe = load_network(f"{stem}.safetensors", f"{stem}.json")
    crops = CropShard(screen["crops"] / f"{shard}.arrow")
    with torch.inference_mode():
        pixels = torch.from_numpy(np.stack([crops.read(row) for row in range(len(crops))]))
        embedding, logits = network(prepare(pixels, recipe, "cpu"))
    return embedding.numpy(), {label: each.numpy() for label, each in probabilities(logits, recipe).items()}


@pytest.mark.parametrize("fold", [0, 1])
def test_a_cell_is_embedded_by_the_network_of_the_fold_that_holds_it_out(
    screen: dict[str, Path], trained: Path, fold: int
) -> None:
    shard = f"Time_24hrs_R{fold + 1}_Well_A02"
    path = trained / f"{shard}_embeddings.parquet"
    own, found = by_hand(screen, shard, fold)
    other, _ = by_hand(screen, shard, 1 - fold)
    assert np.allclose(vectors(path), own, atol=2e-3, rtol=2e-3)
    assert not np.allclose(vectors(path), other, atol=2e-2, rtol=2e-2)
    rows = read_table(path, [name for name in pq.read_schema(path).names if name != "Embedding"])
    assert (rows["Fold"] == fold).all()
    assert (rows["True_Dose"] == "1").all() and (rows["True_Time"] == "24").all()
    for label, names in RECIPE.classes.items():
        title = label.capitalize()
        columns = [f"Probability_{title}_{name}" for name in names]
        assert np.allclose(rows[columns], found[label], atol=1e-5)
        assert (rows[f"Predicted_{title}"] == np.array(names)[found[label].argmax(1)]).all()


def test_all_crops_are_embedded_also_those_that_are_not_usable(
    screen: dict[str, Path], trained: Path
) -> None:
    split = read_table(screen["split"])
    rows = read_table(trained, ["Metadata_CellID", "Usable", "True_Dose", "Predicted_Dose"])
    assert sorted(rows["Metadata_CellID"]) == sorted(split["Metadata_CellID"])
    assert int(rows["Usable"].sum()) == int(split["Usable"].sum())
    control = rows[rows["Metadata_CellID"].str.contains("A04")]
    assert control["True_Dose"].isna().all() and control["Predicted_Dose"].notna().all()


def test_embeddings_are_lists_of_float16_and_a_well_without_cells_has_an_empty_table(trained: Path) -> None:
    kind = pa.list_(pa.field("element", pa.float16(), nullable=False), 512)
    for path in trained.glob("*.parquet"):
        schema = pq.read_schema(path)
        assert schema.field("Embedding").type == kind
        assert schema.names[:9] == list(embed_cells.KEYS)
        assert schema.field("Metadata_Timepoint").metadata == {b"unit": b"h"}
    assert pq.read_metadata(trained / "Time_4hrs_R1_Well_H12_embeddings.parquet").num_rows == 0


def test_workers_and_batches_change_nothing(screen: dict[str, Path], trained: Path, tmp_path: Path) -> None:
    run(embed_cells.main, *arguments(screen, *PARTS), "--kind", "trained", "--out", tmp_path, "--workers", 2)
    for path in trained.glob("*.parquet"):
        before, after = read_table(path), read_table(tmp_path / path.name)
        assert before["Metadata_CellID"].equals(after["Metadata_CellID"])
        if len(before):
            assert np.allclose(vectors(path), vectors(tmp_path / path.name), atol=2e-3, rtol=2e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_same(screen: dict[str, Path], trained: Path, tmp_path: Path) -> None:
    run(embed_cells.main, *arguments(screen, *PARTS), "--kind", "trained", "--out", tmp_path, "--use_gpu")
    for path in trained.glob("*.parquet"):
        if len(read_table(path)):
            assert np.allclose(vectors(path), vectors(tmp_path / path.name), atol=2e-2, rtol=2e-2)


def test_a_batch_that_overflows_float16_is_computed_again_in_full(
    screen: dict[str, Path], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def overflowing(
        network: Network, inputs: torch.Tensor, device: torch.device, exact: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        given.append(exact)
        embedding, logits = network(inputs)
        embedding[0, 0] *= 1 if exact or len(given) % 2 else torch.inf
        return embedding, logits

    monkeypatch.setattr(extract_module, "bare_forward", overflowing)
    run(embed_cells.main, *arguments(screen, *PARTS), "--kind", "trained", "--out", tmp_path)
    assert 0 < sum(given) < len(given) / 2
    for path in trained.glob("*.parquet"):
        if len(read_table(path)):
            assert np.allclose(vectors(path), vectors(tmp_path / path.name), atol=2e-3, rtol=2e-3)


def test_an_alignment_turns_the_embeddings_of_the_other_folds(
    screen: dict[str, Path], trained: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    means = rng.normal(size=(2, 512)).astype(np.float32)
    matrix = np.linalg.qr(rng.normal(size=(512, 512)))[0].astype(np.float32)
    turned = Alignment({0: Rotation.identity(means[0]), 1: Rotation(means[1], matrix)}, 0)
    write_alignment(tmp_path / "a.safetensors", turned)
    options = ["--kind", "trained", "--alignment", tmp_path / "a.safetensors", "--out", tmp_path / "out"]
    run(embed_cells.main, *arguments(screen, *PARTS), *options)
    for fold in (0, 1):
        name = f"Time_4hrs_R{fold + 1}_Well_A01_embeddings.parquet"
        expected = turned.apply(fold, vectors(trained / name))
        assert np.allclose(vectors(tmp_path / "out" / name), expected, atol=0.02)


def test_an_untrained_network_is_the_same_for_all_folds_and_each_time(
    screen: dict[str, Path], tmp_path: Path
) -> None:
    for out in ("one", "two"):
        run(embed_cells.main, *arguments(screen, *PARTS), "--kind", "untrained", "--out", tmp_path / out)
    name = "Time_4hrs_R2_Well_A03_embeddings.parquet"
    assert np.array_equal(vectors(tmp_path / "one" / name), vectors(tmp_path / "two" / name))
    names = pq.read_schema(tmp_path / "one" / name).names
    assert names == [*embed_cells.KEYS, "Fold", "Usable", "Embedding"]
    own, _ = by_hand(screen, "Time_4hrs_R2_Well_A03", 0)  # fold 0 of this screen was never trained
    assert np.allclose(vectors(tmp_path / "one" / name), own, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_imagenet_weights_come_from_a_file_of_the_user(
    screen: dict[str, Path], tmp_path: Path, suffix: str
) -> None:
    state = resnet18(weights=None).state_dict()
    path = tmp_path / f"resnet18{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    options = ["--kind", "imagenet", "--imagenet_weights", path, "--out", tmp_path / "out"]
    run(embed_cells.main, *arguments(screen, *PARTS), *options)
    assert vectors(tmp_path / "out" / "Time_4hrs_R2_Well_A03_embeddings.parquet").shape == (5, 512)


def test_imagenet_weights_fit_any_number_of_channels(tmp_path: Path) -> None:
    from morphodose.deep.network import build_network
    from morphodose.deep.network_set import load_imagenet

    state = resnet18(weights=None).state_dict()
    save_file(state, tmp_path / "w.safetensors")
    recipe = replace(RECIPE, channels=("A", "B"), mean=(0.0, 0.0), std=(1.0, 1.0), classes={})
    network = build_network(recipe)
    load_imagenet(network, tmp_path / "w.safetensors", recipe)
    assert torch.allclose(network.trunk.conv1.weight.sum(1), state["conv1.weight"].sum(1), atol=1e-5)


class Sly:
    def __reduce__(self) -> tuple:
        return (print, ("code ran",))


def test_faults_are_told(screen: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from click.testing import CliRunner

    def fault(*given: object) -> str:
        result = CliRunner().invoke(embed_cells.main, [str(each) for each in given])
        assert result.exit_code == 1, result.output
        return result.output

    common = [*arguments(screen, *PARTS), "--out", tmp_path / "out"]
    torch.save({"a": Sly()}, tmp_path / "sly.pth")
    assert "more than tensors" in fault(
        *common, "--kind", "imagenet", "--imagenet_weights", tmp_path / "sly.pth"
    )
    assert "code ran" not in capsys.readouterr().out
    (tmp_path / "torn.pth").write_bytes((tmp_path / "sly.pth").read_bytes()[:200])
    assert "torn.pth" in fault(*common, "--kind", "imagenet", "--imagenet_weights", tmp_path / "torn.pth")
    assert "a file of your own (--imagenet_weights)" in fault(*common, "--kind", "imagenet")
    if not torch.cuda.is_available():
        assert "--use_gpu" in fault(*common, "--kind", "trained", "--use_gpu")

    one = tmp_path / "one_fold"
    one.mkdir()
    for suffix in (".json", ".safetensors"):
        (one / f"trained_fold0{suffix}").symlink_to(screen["networks"] / f"trained_fold0{suffix}")
    given = [
        *arguments(screen, "crops", "split"),
        "--networks",
        one,
        "--kind",
        "trained",
        "--out",
        tmp_path / "out",
    ]
    assert "cells of fold 1 have no network" in fault(*given)

    short = tmp_path / "split.parquet"
    split = read_table(screen["split"])
    pq.write_table(pa.Table.from_pandas(split.iloc[:-1]), short)
    given = [
        *arguments(screen, "crops", "networks"),
        "--split",
        short,
        "--kind",
        "trained",
        "--out",
        tmp_path / "out",
    ]
    assert "5 crops, but 4 rows" in fault(*given)
    assert not list((tmp_path / "out").glob("*A04*"))


def test_a_batch_is_of_one_group() -> None:
    groups = np.array([0, 0, 0, 1, 2, 2, 2, 2, 2])
    batches = [list(rows) for _, rows in RunBatches(groups, 2)]
    assert batches == [[0, 1], [2], [3], [4, 5], [6, 7], [8]]
    assert len(RunBatches(groups, 2)) == 6


def test_embeddings_too_large_for_float16_are_refused() -> None:
    with pytest.raises(InputError, match="not finite, or above 65504"):
        as_list_array(np.full((2, 3), 1e6, np.float32))


def rows_of(start: int, count: int) -> dict[str, list]:
    texts = {name: [f"{name}{i}" for i in range(start, start + count)] for name in embed_cells.KEYS}
    numbers = {name: list(range(count)) for name in ("Metadata_Field", "Metadata_ObjectLabel")}
    return {
        **texts,
        **numbers,
        "Metadata_Timepoint": [4.0] * count,
        "Fold": [0] * count,
        "Usable": [True] * count,
    }


def test_the_writer_never_holds_more_than_a_row_group(tmp_path: Path) -> None:
    def peak(batches: int) -> int:
        pool = pa.default_memory_pool()
        before = pool.bytes_allocated()
        tracemalloc.start()
        most = 0
        with embedding_writer(tmp_path / "e.parquet", 256) as writer:
            for number in range(batches):
                writer.write(rows_of(number * 100, 100), np.full((100, 256), number, np.float32))
                most = max(most, pool.bytes_allocated() - before)
        most += tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few, many = peak(80), peak(400)
    assert pq.read_metadata(tmp_path / "e.parquet").num_rows == 40000
    assert pq.ParquetFile(tmp_path / "e.parquet").num_row_groups == 40000 // (-(-ROWS // 100) * 100) + 1
    # the thread that writes may be a row group behind or not
    assert many < 1.5 * few and many < 40000 * 256 * 2 / 2
    found = np.concatenate([part for _, part in read_embeddings(tmp_path / "e.parquet", rows=333)])
    assert np.array_equal(found, np.repeat(np.arange(400), 100)[:, None] * np.ones(256))


def test_a_table_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), embedding_writer(tmp_path / "e.parquet", 4) as writer:
        writer.write(rows_of(0, 3), np.zeros((3, 4), np.float32))
        raise RuntimeError("the task was killed")
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_embeddings_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pandas(pd.DataFrame({"a": [1]})), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="no column Embedding"):
        next(read_embeddings(tmp_path / "t.parquet"))
