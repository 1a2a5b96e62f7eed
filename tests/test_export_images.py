"""Projected fields and masks as OME-Zarr plates and load_data.csv: valid, opened by the library, the same pixels."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import ngff_zarr
import numpy as np
import pandas as pd
import pytest
import zarr
from ngff_zarr.validate import validate

from faults.tasks import in_process
from morphodose.export.ome_zarr import smaller_labels, smaller_mean
from morphodose.imaging.images import Field, write_field, write_labels
from morphodose.reading.describe import describe
from morphodose.reading.pixels import read_plane

CHANNELS = ("Brightfield", "Hoechst", "PI")
SHAPE = (600, 701)


def field(seed: int, channels: tuple[str, ...] = CHANNELS) -> Field:
    pixels = np.random.default_rng(seed).integers(100, 4000, (len(channels), *SHAPE)).astype("uint16")
    return Field(pixels, channels, 0.65, ("max",) * len(channels))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two acquisitions, two wells, two fields; the earlier time has no PI."""
    folder = tmp_path_factory.mktemp("export")
    rows, seed = [], 0
    for time in (4, 24):
        for well in ("B03", "H12"):
            for number in (1, 5):
                seed += 1
                name = f"Time_{time}hrs_R1_Well_{well}"
                image = f"{name}_Field_{number}"
                write_field(
                    folder / "projected" / name / f"{image}.ome.tiff",
                    field(seed, CHANNELS if time == 24 else CHANNELS[:2]),
                )
                labels = np.zeros(SHAPE, "uint16")
                labels[100:200, 100:200], labels[300:401, 300:401] = 3, 70
                write_labels(folder / "masks" / name / f"{image}_cells.tif", labels)
                write_labels(folder / "masks" / name / f"{image}_nuclei.tif", labels // 2)
                figures = {
                    f"ImageQuality_{figure}_{channel}": value if channel != "PI" or time == 24 else None
                    for channel in CHANNELS
                    for figure, value in (("Background", 100.0 + seed), ("DynamicRange", 1000.0))
                }
                rows.append({
                    "Metadata_Acquisition": f"Time_{time}hrs_R1", "Metadata_Plate": "P1", "Metadata_Timepoint": float(time),
                    "Metadata_Replicate": "1", "Metadata_Well": well, "Metadata_Field": number, "Metadata_ImageID": image,
                    "Metadata_QCVerdict": "keep", "Metadata_Compound": "Taxol" if well == "B03" else "DMSO",
                    "Metadata_Dose": 2.5 if well == "B03" else 0.0, "Metadata_DoseUnit": "uM",
                    "Metadata_Role": "treated" if well == "B03" else "vehicle", **figures,
                })  # fmt: skip
    (folder / "images").mkdir()
    pd.DataFrame(rows).to_parquet(folder / "images" / "images.parquet")
    roles = {"nuclear": "Hoechst", "late_death": "PI", "brightfield": "Brightfield"}
    named = [{"number": str(n), "name": channel} for n, channel in enumerate(CHANNELS, 1)]
    design = {"channels": named, "roles": roles, "plate_format": 96}
    (folder / "design.json").write_text(json.dumps(design))
    in_process(
        "export_images", "--design", folder / "design.json", "--images", folder / "images", "--fields", folder / "projected",
        "--masks", folder / "masks", "--export", "ome_zarr,load_data,gallery", "--out", folder / "out",
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def plate(exported: Path) -> Path:
    return exported / "out" / "Time_24hrs_R1.ome.zarr"


def test_every_group_of_the_plate_is_valid_by_the_schemas_of_ngff(plate: Path) -> None:
    root = zarr.open_group(plate, mode="r")
    validate(dict(root.attrs), "0.4", "plate", strict=True)
    for path in ("B/3", "H/12"):
        validate(dict(root[path].attrs), "0.4", "well", strict=True)
        for number in "01":
            image = root[f"{path}/{number}"]
            validate(dict(image.attrs), "0.4", "image", strict=True)
            assert list(image["labels"].attrs["labels"]) == ["cells", "nuclei"]
            for kind in ("cells", "nuclei"):
                validate(dict(image[f"labels/{kind}"].attrs), "0.4", "label")
                validate(dict(image[f"labels/{kind}"].attrs), "0.4", "image", strict=True)


def test_the_library_opens_the_plate_with_its_pixels_names_and_size(exported: Path, plate: Path) -> None:
    opened = ngff_zarr.from_hcs_zarr(str(plate))
    assert opened.name == "P1" and opened.field_count == 2
    image = opened.get_well("B", "3").get_image(1)
    assert [channel.label for channel in image.metadata.omero.channels] == list(CHANNELS)
    first = image.images[0]
    assert first.scale == {"c": 1.0, "y": 0.65, "x": 0.65}
    assert np.array_equal(np.asarray(first.data), field(6).pixels)
    assert [np.asarray(one.data).shape for one in image.images] == [(3, 600, 701), (3, 300, 350)]
    assert zarr.open_group(plate, mode="r")["B/3"].attrs["morphodose"] == {"fields": [1, 5]}


def test_labels_are_those_of_the_tables_at_every_size(plate: Path) -> None:
    labels = zarr.open_group(plate, mode="r")["H/12/0/labels"]
    for level in "01":
        assert set(np.unique(labels[f"cells/{level}"][:])) == {0, 3, 70}
        assert set(np.unique(labels[f"nuclei/{level}"][:])) == {0, 1, 35}


def test_contrast_and_colours_are_those_of_the_screen(exported: Path, plate: Path) -> None:
    for path in ("B/3/0", "H/12/1"):
        channels = zarr.open_group(plate, mode="r")[path].attrs["omero"]["channels"]
        assert [channel["color"] for channel in channels] == ["FFFFFF", "0000FF", "FF0000"]
        hoechst = channels[1]["window"]
        assert (hoechst["start"], hoechst["end"]) == pytest.approx((104.5, 1107.93))
        assert channels[2]["window"]["start"] == pytest.approx(106.5)
    earlier = zarr.open_group(exported / "out" / "Time_4hrs_R1.ome.zarr", mode="r")["B/3/0"].attrs["omero"][
        "channels"
    ]
    assert [channel["label"] for channel in earlier] == list(CHANNELS[:2])


def test_what_is_exported_is_read_again(exported: Path, plate: Path) -> None:
    found = describe([str(plate)], zarrs=[str(plate)])[0]
    assert not found.fault and len(found.series) == 4
    one = found.series[0]
    assert (one.well, one.channels, one.pixel_um) == ("B03", CHANNELS, 0.65)
    assert np.array_equal(read_plane(one.parts[2].path, one.parts[2].place, "x"), field(5).pixels[2])


def test_load_data_names_each_channel_as_a_page_and_each_mask(exported: Path) -> None:
    rows = []
    for time in (4, 24):
        with (exported / "out" / f"Time_{time}hrs_R1_load_data.csv").open(newline="") as stream:
            rows += list(csv.DictReader(stream))
    assert len(rows) == 8
    last = rows[-1]
    assert (last["Metadata_Well"], last["Metadata_Site"]) == ("H12", "5")
    assert (last["Image_FileName_PI"], last["Image_Frame_PI"]) == (
        "Time_24hrs_R1_Well_H12_Field_5.ome.tiff",
        "2",
    )
    assert last["Image_PathName_PI"] == "projected/Time_24hrs_R1/Well_H12"
    assert last["Image_ObjectsPathName_Nuclei"] == "segmented/Time_24hrs_R1/Well_H12"
    assert last["Image_ObjectsFileName_Cells"] == "Time_24hrs_R1_Well_H12_Field_5_cells.tif"
    assert "Image_FileName_PI" not in rows[0] and rows[0]["Image_FileName_Hoechst"]


def test_the_gallery_has_its_folders_names_and_plate_maps(exported: Path) -> None:
    workspace = exported / "out" / "workspace"
    with (workspace / "load_data_csv" / "batch1" / "Time_24hrs_R1" / "load_data.csv").open(
        newline=""
    ) as stream:
        row = next(csv.DictReader(stream))
    assert (row["Metadata_Plate"], row["Metadata_Well"], row["Metadata_Site"]) == (
        "Time_24hrs_R1",
        "B03",
        "1",
    )
    assert row["FileName_OrigHoechst"] == "Time_24hrs_R1_Well_B03_Field_1.ome.tiff"
    assert (row["PathName_OrigHoechst"], row["Frame_OrigHoechst"]) == (
        "projected/Time_24hrs_R1/Well_B03",
        "1",
    )
    assert row["ObjectsFileName_Cells"] == "Time_24hrs_R1_Well_B03_Field_1_cells.tif"
    maps = workspace / "metadata" / "platemaps" / "batch1"
    assert (maps / "barcode_platemap.csv").read_text().replace('"', "").split() == [
        "Assay_Plate_Barcode,Plate_Map_Name", "Time_4hrs_R1,P1", "Time_24hrs_R1,P1",
    ]  # fmt: skip
    lines = [line.split("\t") for line in (maps / "platemap" / "P1.txt").read_text().splitlines()]
    assert lines == [
        ["plate_map_name", "well_position", "broad_sample", "mg_per_ml", "mmoles_per_liter", "solvent", "role"],
        ["P1", "B03", "Taxol", "", "0.0025", "", "treated"], ["P1", "H12", "", "", "", "DMSO", "vehicle"],
    ]  # fmt: skip


def test_smaller_images_have_the_same_size_and_labels_are_never_mixed() -> None:
    pixels = np.arange(35, dtype="uint16").reshape(1, 5, 7)
    assert smaller_mean(pixels).tolist() == [[[4, 6, 8], [18, 20, 22]]]
    assert smaller_labels(pixels).tolist() == [[[0, 2, 4], [14, 16, 18]]]
    with pytest.raises(Exception, match="--export 'x'"):
        in_process(
            "export_images",
            "--design",
            __file__,
            "--images",
            __file__,
            "--fields",
            ".",
            "--export",
            "x",
            "--out",
            "o",
        )
