"""A model of one's own, as docs/own_model.md has it: fields picked, masks that come back, training, use."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from click.testing import CliRunner

from morphodose.errors import InputError
from morphodose.imaging.images import Field, read_labels, write_field, write_labels
from morphodose.segmentation.correction import (
    Corrected,
    hold_out,
    inside,
    pick_fields,
    read_corrected,
    severity,
)
from morphodose.segmentation.weights import stage
from morphodose.simulate.field import render_field
from morphodose.tables import write_table

torch = pytest.importorskip("torch")
pick_for_correction = pytest.importorskip("pick_for_correction")
train_cells = pytest.importorskip("train_cells")

PAGE = Path(__file__).resolve().parents[1] / "docs" / "own_model.md"


def rows(**losses: int) -> pd.DataFrame:
    """One field per name ``<well>_<dose>``, with so many nuclei in no cell, of 100."""
    return pd.DataFrame(
        [
            {
                "Metadata_ImageID": f"Time_4hrs_R1_Well_{name.partition('_')[0]}_Field_1",
                "Metadata_Compound": "Drug",
                "Metadata_Dose": float(name.partition("_")[2]),
                "Metadata_Timepoint": 4.0,
                "Metadata_QCVerdict": "keep",
                "Count_Cells": 100 - lost,
                "Count_Nuclei": 100 - lost,
                "Count_NucleiWithoutCell": lost,
                "Count_CellsWithoutNucleus": 0,
            }
            for name, lost in losses.items()
        ]
    )


def wells(table: pd.DataFrame) -> list[str]:
    return [re.search(r"Well_(\w+?)_", name)[1] for name in table["Metadata_ImageID"]]


def test_the_worst_field_of_every_dose_is_picked_before_the_second_of_any() -> None:
    images = rows(A01_0=2, A02_0=9, B01_1=50, B02_1=40, C01_10=1, C02_10=3)
    assert wells(pick_fields(images, 3)) == ["A02", "B01", "C02"]
    assert wells(pick_fields(images, 4)) == ["A01", "A02", "B01", "C02"]
    # fewer fields than doses: the first and the last
    assert wells(pick_fields(images, 2)) == ["A02", "C02"]
    images.loc[images["Metadata_ImageID"].str.contains("B01"), "Metadata_QCVerdict"] = "drop"
    assert wells(pick_fields(images, 3)) == ["A02", "B02", "C02"]
    with pytest.raises(InputError, match="nothing to correct"):
        pick_fields(images.assign(Metadata_QCVerdict="drop"), 3)


@pytest.mark.parametrize("column", ["Count_NucleiWithoutCellBefore", "Count_CellsSplit"])
def test_what_was_completed_counts_for_the_choice_of_fields(column: str) -> None:
    images = rows(A01_1=0, A02_1=0, B01_2=0, B02_2=0)
    images[column] = [0, 30, 40, 0]
    assert wells(pick_fields(images, 2)) == ["A02", "B01"]
    assert list(severity(images)) == pytest.approx([0, 0.15, 0.2, 0]), "of 100 nuclei and 100 cells"


def nuclear_stain(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A stain that stays in the nuclei, (Y, X), in which the shipped model finds no cells; and the true cells."""
    field = render_field(np.random.default_rng(seed), size=220, n_cells=26, cell_diameter=32)
    return field.planes.max(axis=0)[1], field.cells


def results(folder: Path, number: int) -> Path:
    """Results of a run on that stain whose masks are empty."""
    table = rows(**{f"A{i + 1:02d}_{i % 3}": 10 for i in range(number)})
    write_table(table, folder / "tables" / "images" / "images.parquet")
    (folder / "design").mkdir()
    (folder / "design" / "design.json").write_text(json.dumps({"roles": {"cell": "Dye", "nuclear": ""}}))
    for i in range(number):
        well, name = f"Well_A{i + 1:02d}", f"Time_4hrs_R1_Well_A{i + 1:02d}_Field_1"
        pixels = nuclear_stain(i)[0][None]
        write_field(
            folder / "projected" / "Time_4hrs_R1" / well / f"{name}.ome.tiff", Field(pixels, ("Dye",), None)
        )
        write_labels(
            folder / "segmented" / "Time_4hrs_R1" / well / f"{name}_cells.tif",
            np.zeros((220, 220), np.uint16),
        )
    return folder


def called(command: object, *options: object) -> str:
    done = CliRunner().invoke(command.main, [*map(str, options)], catch_exceptions=False)  # type: ignore[attr-defined]
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow
def test_a_model_of_ones_own_finds_cells_that_the_shipped_one_does_not(tmp_path: Path) -> None:
    made, corrected = results(tmp_path / "results", 4), tmp_path / "corrected"
    called(pick_for_correction, made, "--number", 4, "--out", corrected)
    assert len(pd.read_csv(corrected / "fields.csv")) == 4
    for i in range(4):
        image = corrected / f"Time_4hrs_R1_Well_A{i + 1:02d}_Field_1.tif"
        pixels = tifffile.imread(image)
        assert np.array_equal(pixels[..., 1], nuclear_stain(i)[0])
        assert not pixels[..., [0, 2]].any()
        assert not read_labels(image.with_name(f"{image.stem}_masks.tif")).any()
        # what Cellpose's graphical program saves by Ctrl+N
        import cv2

        cv2.imwrite(str(image.with_name(f"{image.stem}_cp_masks.png")), nuclear_stain(i)[1].astype(np.uint16))
    out = tmp_path / "my_cells.npz"
    said = called(
        train_cells, corrected, "--out", out, "--threads", 1,
        "--steps", 24, "--batch", 3, "--rate", 0.004,
    )  # fmt: skip
    before, after = (
        float(value) for value in re.search(r"IoU 0.5 .*: (\S+) before, (\S+) after", said).groups()
    )
    assert before < 0.2
    assert after > 0.4
    about = stage(str(out), tmp_path / "staged")
    assert about["start"] == "morphodose.npz"
    assert (about["f1_before"][0], about["f1_after"][0]) == (
        pytest.approx(before, abs=1e-3),
        pytest.approx(after, abs=1e-3),
    )
    card = out.with_suffix(".md").read_text()
    assert about["sha256"] in card
    assert all(name in card for name in about["held_out"])


def test_every_command_of_the_page_is_one() -> None:
    for command, program in (("pick_for_correction", pick_for_correction), ("train_cells", train_cells)):
        lines = re.findall(rf"^bin/{command}\.py (.*)$", PAGE.read_text(encoding="utf-8"), re.M)
        known = {option for parameter in program.main.params for option in parameter.opts}
        assert lines
        assert {word for line in lines for word in re.findall(r"--\w+", line)} <= known


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "W1_Field_1.tif", np.zeros((40, 50), np.uint16))
    return tmp_path


def test_a_correction_that_was_saved_as_a_pickle_is_not_passed_over(folder: Path) -> None:
    with pytest.raises(InputError, match=r"no mask that Cellpose saved .* any of its 1 images"):
        read_corrected(folder)
    mask = folder / "W1_Field_1_cp_masks.tif"
    write_labels(mask, np.ones((40, 50), np.uint16))
    assert [field.name for field in read_corrected(folder)] == ["W1_Field_1"]
    newer = folder / "W1_Field_1_seg.npy"
    newer.write_bytes(b"not read")
    os.utime(newer, (mask.stat().st_mtime + 60,) * 2)
    with pytest.raises(InputError, match=r"pickle.*save the mask as PNG \(Ctrl\+N\)"):
        read_corrected(folder)


def test_a_mask_of_another_size_is_named(folder: Path) -> None:
    write_labels(folder / "W1_Field_1_cp_masks.tif", np.ones((40, 40), np.uint16))
    with pytest.raises(InputError, match=r"its size is \(40, 40\), that of the image \(40, 50\)"):
        read_corrected(folder)


def test_the_margin_goes_only_where_no_cell_at_the_border_is_marked() -> None:
    labels = np.zeros((100, 100), np.int32)
    labels[45:55, 45:55] = 1
    image = np.zeros((100, 100, 2), np.float32)
    assert inside(Corrected("a", image, labels), 10).labels.shape == (80, 80)
    labels[0:9, 20:30] = 2
    assert inside(Corrected("a", image, labels), 10).labels.shape == (100, 100)


def test_masks_without_a_cell_are_left_out_with_a_word_and_nothing_but_them_is_a_fault(folder: Path) -> None:
    write_labels(folder / "W1_Field_1_cp_masks.tif", np.zeros((40, 50), np.uint16))
    done = CliRunner().invoke(train_cells.main, [str(folder), "--out", str(folder / "a.npz")])
    assert "no cell is marked in any of the 1 masks" in done.output
    marked = np.zeros((40, 50), np.uint16)
    marked[15:25, 15:25] = 1
    tifffile.imwrite(folder / "W2_Field_1.tif", np.zeros((40, 50), np.uint16))
    write_labels(folder / "W2_Field_1_cp_masks.tif", marked)
    done = CliRunner().invoke(train_cells.main, [str(folder), "--out", str(folder / "a.npz")])
    assert "left out, no cell away from the border is marked: W1_Field_1" in done.output
    assert "fields of one well only" in done.output


def test_fields_of_a_well_stay_on_one_side() -> None:
    empty = np.zeros((2, 2), np.int32)
    fields = [
        Corrected(f"T_Well_{well}_Field_{i}", np.zeros((2, 2, 2), np.float32), empty)
        for well in ("A01", "A02", "A03", "A04") for i in (1, 2)
    ]  # fmt: skip
    learnt, judged = hold_out(fields, 0.25)
    assert (len(learnt), len(judged)) == (6, 2)
    assert not {field.well for field in learnt} & {field.well for field in judged}
    with pytest.raises(InputError, match="one well only"):
        hold_out(fields[:2], 0.25)


def test_the_methods_name_the_card_of_the_model() -> None:
    from morphodose.report.inputs import ReportInputs
    from morphodose.report.methods import _model

    about = {"file": "my_cells.npz", "start": "cyto3", "cells": 310, "fields": ["a", "b"], "held_out": ["c"]}
    about |= {"f1_before": [0.41, 0.2], "f1_after": [0.88, 0.6]}
    run = {"weights": {"cell_model": about}}
    screen = ReportInputs(
        *[pd.DataFrame()] * 12, params={"cell_model": "x/my_cells.npz", "diameter": 40}, run=run
    )
    words, size = _model(screen, "cell_model", "diameter")
    assert words == (
        "model my_cells.npz, trained on from cyto3 with 310 corrected cells of 2 fields; F1 on 1 held-out field "
        "0.41 before and 0.88 after"
    )
    assert size == "diameter 40 px"
