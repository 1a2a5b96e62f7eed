"""Batches of crops: what is read, in which order, with which changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from deep_screen import DOSES, TIMES, write_screen
from morphodose.crops.shard import Crop, CropShard
from morphodose.deep.augment import draw, paste
from morphodose.deep.data import CropDataset, EpochBatches, crop_loader, shard_paths
from morphodose.deep.normalise import channel_statistics
from morphodose.deep.recipe import Recipe
from morphodose.deep.rows import COLUMNS
from morphodose.errors import InputError
from morphodose.evaluation.split_files import split_rows

RECIPE = Recipe(crop_size=32, classes={"time": TIMES, "dose": DOSES})


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], pd.DataFrame]:
    crops, split, _ = write_screen(tmp_path_factory.mktemp("screen"), cells=5)
    return shard_paths([crops]), split_rows(split, COLUMNS)


def test_a_box_is_pasted_as_the_whole_crop_is_flipped_turned_and_shifted() -> None:
    random = np.random.default_rng(0)
    crop = Crop("a", 3, 20, random.integers(1, 9, (2, 40, 25)).astype(np.uint16))
    whole = np.zeros((2, 50, 50), np.uint16)
    paste(crop, whole)
    for mirrored in (0, 1):
        for turns in range(4):
            for down, right in ((0, 0), (7, -9), (-8, 4)):
                found = np.zeros_like(whole)
                paste(crop, found, np.array([mirrored, turns, down, right]))
                expected = np.rot90(whole[:, :, ::-1] if mirrored else whole, turns, axes=(1, 2))
                padded = np.pad(expected, ((0, 0), (10, 10), (10, 10)))
                assert (found == padded[:, 10 - down : 60 - down, 10 - right : 60 - right]).all()


def test_changes_depend_on_seed_epoch_and_index_alone_and_are_even() -> None:
    found = draw(3, 1, np.arange(4000), 5)
    assert (draw(3, 1, np.array([17, 3999]), 5) == found[[17, 3999]]).all()
    assert (draw(3, 2, np.arange(4000), 5) != found).any(0).all()
    assert (draw(4, 1, np.arange(4000), 5) != found).any(0).all()
    assert found.min(0).tolist() == [0, 0, -5, -5] and found.max(0).tolist() == [1, 3, 5, 5]
    assert np.abs(np.corrcoef(found.T) - np.eye(4)).max() < 0.06
    assert np.allclose(found.mean(0), [0.5, 1.5, 0, 0], atol=0.2)


def test_crops_and_targets_are_those_of_the_rows(screen: tuple[dict[str, Path], pd.DataFrame]) -> None:
    paths, frame = screen
    data = CropDataset(frame, paths, RECIPE, augment=True, shift=3)
    rows = np.array([7, 0, 58, 7])
    batch = data.read(0, rows, augment=False)
    for place, row in enumerate(rows):
        entry = frame.iloc[row]
        assert (batch.crops[place].numpy() == CropShard(paths[entry.Crop_Shard]).read(entry.Crop_Row)).all()
        assert batch.targets[place].tolist() == [TIMES.index(entry.Label_Time), DOSES.index(entry.Label_Dose)]


def test_workers_and_a_later_start_change_nothing(screen: tuple[dict[str, Path], pd.DataFrame]) -> None:
    paths, frame = screen
    data = CropDataset(frame, paths, RECIPE, seed=1, shift=3, augment=True)
    batches = EpochBatches(len(data), 16, 1, True)
    loader = crop_loader(data, batches, workers=2)
    passes = []
    for epoch in range(2):
        batches.epoch = epoch
        passes.append(list(loader))
    batches.start = 2
    assert len(passes[0]) == 3 and not torch.equal(passes[0][0].crops, passes[1][0].crops)
    for found, expected in zip(crop_loader(data, batches), passes[1][2:], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_several_processes_share_the_batches_of_one() -> None:
    whole = list(EpochBatches(50, 12, 1, True))
    parts = [list(EpochBatches(50, 4, 1, True, rank, 3)) for rank in range(3)]
    assert [len(part) for part in parts] == [len(whole)] * 3 == [4] * 3
    for number, (_, rows) in enumerate(whole):
        assert set(rows) == {row for part in parts for row in part[number][1]}
    held = np.concatenate([rows for _, rows in EpochBatches(50, 12)])
    assert held.tolist() == list(range(50)), "without shuffling every row comes once"


def test_the_screens_mean_and_deviation_are_those_of_vehicle_pixels(
    screen: tuple[dict[str, Path], pd.DataFrame],
) -> None:
    paths, frame = screen
    mean, std = channel_statistics(frame, paths, seed=0)
    vehicle = frame[frame["Metadata_Role"] == "vehicle"]
    pixels = np.stack([CropShard(paths[e.Crop_Shard]).read(e.Crop_Row) for e in vehicle.itertuples()])
    assert mean[0] == pytest.approx(pixels.mean()) and std[0] == pytest.approx(pixels.std())


def test_what_does_not_fit_is_refused_with_names(screen: tuple[dict[str, Path], pd.DataFrame]) -> None:
    paths, frame = screen
    some = dict(list(paths.items())[1:])
    with pytest.raises(
        InputError, match=r"shard Time_24hrs_R1_Well_A01\.arrow .* is not among the 11 shards"
    ):
        CropDataset(frame, some, RECIPE)
    with pytest.raises(InputError, match="crops of 32 px with channels Brightfield, but 64 px"):
        CropDataset(frame, paths, Recipe(crop_size=64, classes=RECIPE.classes))
    other = frame.assign(Metadata_CellID=frame["Metadata_CellID"].iloc[::-1].to_numpy())
    with pytest.raises(InputError, match=r"row 0: .*_obj1, but the split table has .*split the cells again"):
        CropDataset(other, paths, RECIPE)
    with pytest.raises(InputError, match="dose classes that labels.json does not: 3"):
        CropDataset(frame.assign(Label_Dose="3"), paths, RECIPE)
