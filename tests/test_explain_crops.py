"""The gallery: which cells it shows, on one scale, and whether Grad-CAM finds what speaks for a class."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import embed_cells
import explain_crops
from embedding_tree import DOSES, RECIPE, TIMES, arguments, disc, make_screen, run
from morphodose.deep.centres import Near, _spread, class_centres, nearest_cells
from morphodose.deep.embedding_table import embedding_writer
from morphodose.deep.extract import forward
from morphodose.deep.gallery import with_unit, wrapped
from morphodose.deep.gradcam import choose_stage, class_score, grad_cam
from morphodose.deep.greyscale import central, fit_greyscale, legend, window_edge
from morphodose.deep.network import build_network
from morphodose.deep.network_set import NetworkSet
from morphodose.errors import InputError
from morphodose.evaluation.split_files import read_labels_json
from morphodose.tables import read_table
from morphodose.units import unit_words

PARTS = ("crops", "split", "labels", "networks")


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = make_screen(tmp_path_factory.mktemp("screen"))
    made["embeddings"] = made["crops"].parent / "embeddings"
    run(
        embed_cells.main,
        *arguments(made, "crops", "split", "networks"),
        "--kind",
        "trained",
        "--out",
        made["embeddings"],
    )
    return made


def gallery(screen: dict[str, Path], out: Path, *options: object) -> str:
    given = [
        *arguments(screen, *PARTS, "embeddings"),
        "--out",
        out / "gallery",
        "--table_out",
        out / "gallery.parquet",
    ]
    return run(explain_crops.main, *given, *options)


def test_the_gallery_has_a_picture_of_each_class_and_examples_with_their_cells(
    screen: dict[str, Path], tmp_path: Path
) -> None:
    printed = gallery(screen, tmp_path, "--count", 6, "--examples", 2)
    assert "dose 3 of 3, 10: 6 crops" in printed
    rows = read_table(tmp_path / "gallery.parquet").set_index("File")
    files = ["examples_1.png", *(f"dose_{i}.png" for i in range(3)), *(f"time_{i}.png" for i in range(2))]
    assert rows.index.tolist() == files
    assert sorted(path.name for path in (tmp_path / "gallery").iterdir()) == sorted(files)
    split = read_table(screen["split"]).set_index("Metadata_CellID")
    for file, row in rows.iterrows():
        cells = split.loc[row["CellIDs"].split("; ")]
        assert cells["Usable"].all() and not cells.index.duplicated().any()
        if row["Kind"] == "nearest":
            assert (cells[f"Label_{row['Label']}"] == row["Class"]).all()
        picture = np.asarray(Image.open(tmp_path / "gallery" / str(file)).convert("RGB"))
        assert picture.shape[0] > 200 and picture.std() > 20
    examples = split.loc[rows.loc["examples_1.png", "CellIDs"].split("; ")]
    assert (examples.groupby(["Label_Dose", "Label_Time"]).size() == 2).all()
    assert set(examples["Label_Dose"]) == set(DOSES) and set(examples["Label_Time"]) == set(TIMES)


def test_the_same_seed_shows_the_same_cells(screen: dict[str, Path], tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        gallery(screen, tmp_path / name, "--seed", seed, "--count", 1, "--examples", 1)
    cells = [read_table(tmp_path / name / "gallery.parquet")["CellIDs"].tolist() for name in "abc"]
    assert cells[0] == cells[1]
    assert cells[0][0] != cells[2][0] and cells[0][1:] == cells[2][1:]


def test_the_cells_nearest_the_centre_are_found_over_all_tables(tmp_path: Path) -> None:
    networks = NetworkSet({0: (build_network(RECIPE), RECIPE)})
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3, 40, 6)).astype(np.float16)
    usable = rng.random((3, 40)) < 0.8
    for place in range(3):
        keys = {name: [f"{name}{i}" for i in range(40)] for name in embed_cells.KEYS}
        keys |= {
            "Metadata_Timepoint": [4.0] * 40,
            "Metadata_Field": [1] * 40,
            "Metadata_ObjectLabel": list(range(40)),
        }
        keys |= {"Metadata_Acquisition": ["T"] * 40, "Metadata_Well": [f"A0{place}"] * 40}
        keys |= {
            "Metadata_CellID": [f"{place}_{i:02d}" for i in range(40)],
            "Fold": [place] * 40,
            "Usable": usable[place],
        }
        keys |= {"True_Dose": ["a" if i % 2 else "b" for i in range(40)]}
        extra = [name for name in embed_cells.extra_columns(networks) if name in keys]
        with embedding_writer(tmp_path / f"{place}_embeddings.parquet", 6, extra) as writer:
            writer.write(keys, vectors[place])
    tables = sorted(tmp_path.glob("*.parquet"))
    centres = class_centres(tables, "Dose", ["a", "b", "none"])
    odd = np.arange(40) % 2 == 1
    mine = usable & odd
    assert centres["a"] == pytest.approx(vectors[mine].astype(float).mean(axis=0)) and set(centres) == {
        "a",
        "b",
    }
    near = nearest_cells(tables, "Dose", centres, 3)["a"]
    distances = np.where(mine, np.linalg.norm(vectors.astype(float) - centres["a"], axis=-1), np.inf)
    best = sorted(
        (distances[place].min(), f"{place}_{distances[place].argmin():02d}", place) for place in range(3)
    )
    assert [(cell.distance, cell.cell_id, cell.fold) for cell in near] == [
        (pytest.approx(d), c, p) for d, c, p in best
    ]


def test_no_well_shows_a_second_cell_before_every_well_shows_one() -> None:
    cells = [Near(f"{place}{number}", 0, place, distance) for place, number, distance in
             [("a", 1, 0.1), ("a", 2, 0.2), ("b", 1, 5.0), ("c", 1, 3.0), ("a", 3, 0.3)]]  # fmt: skip
    assert [cell.cell_id for cell in _spread(cells, 4)] == ["a1", "c1", "b1", "a2"]


def test_all_crops_are_shown_on_the_scale_of_vehicle() -> None:
    rng = np.random.default_rng(0)
    vehicle = [disc(rng, 18, 1000, 1) for _ in range(20)]
    scale = fit_greyscale(vehicle)
    assert 500 < scale.low[0] < 900 and 1100 < scale.high[0] < 1500
    dim, bright = (scale.show(disc(rng, 18, light, 1)) for light in (900, 1100))
    middle = np.s_[20:28, 20:28]
    assert dim[middle].mean() < scale.show(vehicle[0])[middle].mean() < bright[middle].mean()
    assert scale.show(np.zeros((1, 48, 48), np.uint16)).max() == 0
    with pytest.raises(ValueError, match="no crop"):
        fit_greyscale([np.zeros((1, 48, 48), np.uint16)])


def test_several_channels_are_added_up_in_colours_that_the_legend_names() -> None:
    rng = np.random.default_rng(0)
    crops = [disc(rng, 18, 1000, 2) for _ in range(5)]
    picture = fit_greyscale(crops).show(np.stack([crops[0][0], 0 * crops[0][1]]))
    assert picture[24, 24, 0] == picture[24, 24, 2] > picture[24, 24, 1] == 0
    assert legend(["A", "B"]) == "A magenta, B green"
    assert legend(["A", "B", "C", "D"]).endswith("C yellow (not shown: D)")


def test_the_window_holds_the_cells_and_is_never_larger_than_the_crop() -> None:
    crops = [disc(np.random.default_rng(0), radius, 1000, 1) for radius in (10, 12)]
    edge = window_edge(crops)
    assert edge == 24
    for crop in crops:
        assert (central(crop, edge) > 0).sum() == (crop > 0).sum()
    assert window_edge([np.ones((1, 48, 48), np.uint16)]) == 48


@pytest.mark.parametrize("head", ["softmax", "multilabel", "ordinal"])
def test_grad_cam_lies_where_a_change_raises_the_score(head: str) -> None:
    recipe = replace(RECIPE, head=head, input_size=64, crop_size=64, mean=(0.0,), std=(1000.0,))
    network = build_network(recipe).eval().requires_grad_(False)
    crops = np.zeros((2, 1, 64, 64), np.uint16)
    crops[0, :, 4:20, 4:20] = 3000
    crops[1, :, 44:60, 44:60] = 3000
    found = grad_cam(network, recipe, torch.from_numpy(crops), "dose", 1, torch.device("cpu"))
    assert found.shape == (2, 64, 64) and found.dtype == np.float32
    assert found.min() >= 0 and np.isin(found.max(axis=(1, 2)), [0, 1]).all()
    assert not any(parameter.grad is not None for parameter in network.parameters())
    _, logits = forward(network, torch.from_numpy(crops), recipe, torch.device("cpu"))
    assert class_score(logits, recipe, "dose", 1).shape == (2,)


def test_grad_cam_finds_the_half_that_a_network_was_made_to_look_at() -> None:
    """The score is the mean of one map of the stage, which an image with light in one half raises there."""
    recipe = replace(RECIPE, input_size=64, crop_size=64, mean=(0.0,), std=(1000.0,))
    network = build_network(recipe).eval().requires_grad_(False)

    class Trunk(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer2 = torch.nn.AvgPool2d(8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer2(x).mean(dim=(2, 3))

    network.trunk = Trunk()
    network.head = torch.nn.Linear(3, 5)
    with torch.no_grad():
        network.head.weight.fill_(1.0)
    crops = np.zeros((2, 1, 64, 64), np.uint16)
    crops[0, :, :16, :16] = 3000
    found = grad_cam(network, recipe, torch.from_numpy(crops), "dose", 0, torch.device("cpu"))
    assert found[0, :16, :16].mean() > 0.7 and found[0, 32:, 32:].max() < 0.05
    assert found[1].max() == 0


def test_pixel_by_pixel_is_the_published_grad_cam_for_the_last_stage() -> None:
    recipe = replace(RECIPE, input_size=224, mean=(0.0,), std=(1000.0,))
    network = build_network(recipe).eval().requires_grad_(False)
    crops = torch.from_numpy(np.stack([disc(np.random.default_rng(0), 20, 1000, 1)] * 2))
    maps: list[torch.Tensor] = []
    network.trunk.layer4.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    found = grad_cam(network, recipe, crops, "time", 1, torch.device("cpu"))
    # the gradient of a logit with respect to a map is its weight over the number of pixels
    weights = network.head.weight[len(DOSES) + 1]
    expected = torch.relu((weights[:, None, None] * maps[0][0]).sum(0))
    coarse = torch.nn.functional.interpolate(expected[None, None], (48, 48), mode="bicubic")[0, 0].clamp(
        min=0
    )
    assert np.allclose(found[0], coarse / coarse.max(), atol=1e-3)


@pytest.mark.parametrize(
    ("size", "stage"), [(224, "layer4"), (112, "layer3"), (64, "layer2"), (32, "layer1"), (8, "layer1")]
)
def test_a_stage_is_taken_whose_map_shows_a_place(size: int, stage: str) -> None:
    assert choose_stage(replace(RECIPE, input_size=size)) == stage


def test_long_names_are_broken_into_lines() -> None:
    assert wrapped("vehicle") == "vehicle"
    assert wrapped("Staurosporine 0.5") == "Staurosporine\n0.5"
    assert wrapped("Time_24hrs_R1 A01", 14) == "Time_24hrs_R1\nA01"


def test_a_file_that_is_no_labels_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text("[]")
    with pytest.raises(InputError, match=r"labels.json: not the labels.json of split_cells"):
        read_labels_json(tmp_path / "labels.json")


def test_classes_are_shown_with_their_units(tmp_path: Path) -> None:
    labels = {
        "dose": {"classes": ["vehicle", "0.12"], "values": [0, 0.12], "ordinal": True, "unit": "uM"},
        "time": {"classes": ["24"], "values": [24], "ordinal": True, "unit": "h"},
        "split": "replicate",
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    known = read_labels_json(tmp_path / "labels.json").classes
    shown = {
        label: [with_unit(name, unit_words(one.unit)) for name in one.names] for label, one in known.items()
    }
    assert shown == {"dose": ["vehicle", "0.12 µM"], "time": ["24 h"]}


def test_doses_of_several_units_are_shown_without() -> None:
    assert with_unit("Nocodazole 3", "") == "Nocodazole 3"
