"""The command: shard, index and single TIFFs of a well-timepoint, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile

from crops_reference import reference_crop
from faults.tasks import completed
from morphodose.crops.shard import CropShard
from morphodose.imaging.images import Field, write_field, write_labels
from morphodose.names import cell_id
from morphodose.tables import column_units, read_table
from one_well import KEYS, WELL

CHANNELS = ("Hoechst", "Brightfield", "PI")


def write(folder: Path, number: int, labels: np.ndarray, kind: type = np.uint16) -> None:
    pixels = np.random.default_rng(number).integers(0, 200, (3, *labels.shape)).astype(kind)
    write_field(folder / WELL / f"{WELL}_Field_{number}.ome.tiff", Field(pixels, CHANNELS, 0.3))
    write_labels(folder / WELL / f"{WELL}_Field_{number}_cells.tif", labels)


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = ["--images", str(folder), "--masks", str(folder), "--keys", json.dumps(KEYS)]
    arguments += ["--out", str(folder / "out")]
    return completed("crop_cells", *arguments, *options)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fields 1, 2 and 11: cells with gaps in their labels, none, and one."""
    folder = tmp_path_factory.mktemp("a well") / "it's here"
    labels = np.zeros((120, 140), np.int32)
    labels[50:70, 60:80], labels[50:66, 80:99], labels[5:20, 7:19] = 4, 9, 2
    write(folder, 1, labels)
    write(folder, 2, np.zeros((120, 140), np.int32))
    labels = np.zeros((120, 140), np.int32)
    labels[3:117, 40:60] = 70_000
    write(folder, 11, labels)
    options = [
        "--crop_channels",
        "Brightfield, PI",
        "--crop_size",
        "80",
        "--export_crops",
    ]
    done = run(folder, *options)
    assert done.returncode == 0, done.stderr
    assert "field 1 of 3: 3 crops" in done.stderr
    assert "field 2 of 3: 0 crops" in done.stderr
    return folder


def test_a_cell_id_leads_from_the_index_to_the_pixels_of_its_mask(cut: Path) -> None:
    pytest.importorskip("cv2")
    index = read_table(cut / "out" / f"{WELL}_crops.parquet")
    assert list(index["Metadata_ObjectLabel"]) == [2, 4, 9, 70_000]
    assert list(index["Metadata_Field"]) == [1, 1, 1, 11]
    assert (index["Crop_Shard"] == f"{WELL}.arrow").all()
    shard = CropShard(cut / "out" / index["Crop_Shard"][0])
    assert (shard.channels, shard.size, len(shard)) == (("Brightfield", "PI"), 80, 4)
    for _, row in index.iterrows():
        image, label = row["Metadata_ImageID"], row["Metadata_ObjectLabel"]
        assert row["Metadata_CellID"] == cell_id(image, label)
        assert shard.cell_ids[row["Crop_Row"]] == row["Metadata_CellID"]
        labels = tifffile.imread(cut / WELL / f"{image}_cells.tif")
        pixels = tifffile.imread(cut / WELL / f"{image}.ome.tiff")
        for channel, found in zip((1, 2), shard.read(row["Crop_Row"]), strict=True):
            np.testing.assert_array_equal(found, reference_crop(pixels[channel], labels, label, 80))
        y, x = np.nonzero(labels == label)
        assert abs(row["Crop_Center_Y"] - y.mean()) <= 0.5
        assert abs(row["Crop_Center_X"] - x.mean()) <= 0.5


def test_the_index_marks_padding_and_truncation(cut: Path) -> None:
    path = cut / "out" / f"{WELL}_crops.parquet"
    index = read_table(path)
    sides = [f"Crop_Pad{side}" for side in ("Top", "Bottom", "Left", "Right")]
    # cell 2: centre 12, 13; cell 4: 60, 70, cell 9: 58, 89; the last: 60, 50 in 120 x 140
    assert index[sides].to_numpy().tolist() == [[28, 0, 27, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert list(index["Crop_Padded"]) == [True, False, False, False]
    assert list(index["Crop_Truncated"]) == [False, False, False, True]
    units = column_units(path)
    assert units["Crop_Center_Y"] == units["Crop_PadTop"] == "px"
    assert units["Metadata_Timepoint"] == "h"


def test_exported_tiffs_have_the_names_and_pixels_of_their_crops(cut: Path) -> None:
    shard = CropShard(cut / "out" / f"{WELL}.arrow")
    assert {path.name for path in (cut / "out" / "tiff" / WELL).iterdir()} == {
        f"{cell}.tif" for cell in shard.cell_ids
    }
    assert (cut / "out" / "tiff" / WELL / f"{WELL}_Field_11_obj70000.tif").exists()
    for row, cell in enumerate(shard.cell_ids):
        with tifffile.TiffFile(cut / "out" / "tiff" / WELL / f"{cell}.tif") as tiff:
            found = tiff.asarray()
            assert tiff.shaped_metadata[0]["channels"] == ["Brightfield", "PI"]
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, shard.read(row))


def test_one_channel_is_exported_as_a_plain_image(cut: Path) -> None:
    done = run(
        cut,
        "--crop_channels",
        "Hoechst",
        "--export_crops",
        "--out",
        str(cut / "plain"),
    )
    assert done.returncode == 0, done.stderr
    assert tifffile.imread(cut / "plain" / "tiff" / WELL / f"{WELL}_Field_1_obj4.tif").shape == (200, 200)


def test_a_well_without_cells_has_a_shard_and_an_index_of_the_same_types(cut: Path, tmp_path: Path) -> None:
    write(tmp_path, 1, np.zeros((60, 60), np.int32))
    done = run(tmp_path, "--crop_channels", "PI")
    assert done.returncode == 0, done.stderr
    assert len(CropShard(tmp_path / "out" / f"{WELL}.arrow")) == 0
    empty, full = (pq.read_schema(folder / "out" / f"{WELL}_crops.parquet") for folder in (tmp_path, cut))
    assert empty.remove_metadata() == full.remove_metadata()
    assert pq.read_metadata(tmp_path / "out" / f"{WELL}_crops.parquet").num_rows == 0


def test_8_bit_fields_are_widened(tmp_path: Path) -> None:
    labels = np.zeros((60, 60), np.int32)
    labels[20:40, 20:40] = 1
    write(tmp_path, 1, labels, np.uint8)
    assert run(tmp_path, "--crop_channels", "PI").returncode == 0
    pixels = tifffile.imread(tmp_path / WELL / f"{WELL}_Field_1.ome.tiff")[2]
    assert CropShard(tmp_path / "out" / f"{WELL}.arrow").read(0)[0, 100, 100] == pixels[30, 30]


def refused(folder: Path, *options: str) -> str:
    done = run(folder, *options)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert not (folder / "out").exists() or not list((folder / "out").iterdir())
    return done.stderr


def test_what_cannot_be_cut_is_refused_by_name_and_leaves_no_file(tmp_path: Path) -> None:
    labels = np.zeros((60, 60), np.int32)
    labels[20:40, 20:40] = 1
    write(tmp_path, 1, labels)
    assert "'DAPI' is not in the image; it has Hoechst, Brightfield, PI" in refused(
        tmp_path, "--crop_channels", "DAPI"
    )
    assert "names a channel twice" in refused(tmp_path, "--crop_channels", "PI,PI")
    assert "--crop_channels is empty" in refused(tmp_path, "--crop_channels", " ,")
    write(tmp_path, 2, labels, np.float32)
    assert "Field_2: the image is float32" in refused(tmp_path, "--crop_channels", "PI")
    write(tmp_path, 2, labels)
    write_labels(tmp_path / WELL / f"{WELL}_Field_2_cells.tif", labels[:50])
    assert "Field_2: the cell mask is (50, 60), the image (60, 60)" in refused(
        tmp_path, "--crop_channels", "PI"
    )
    (tmp_path / WELL / f"{WELL}_Field_2_cells.tif").unlink()
    assert f"{WELL}_Field_2_cells.tif: the mask of the cells" in refused(tmp_path, "--crop_channels", "PI")
