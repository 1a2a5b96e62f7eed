from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile

from faults.tasks import completed
from morphodose.imaging.images import Field, read_field, write_field
from morphodose.tables import read_table
from test_illumination import OFFSET, images, lamp

ACQUISITION = "Time_4hrs_R1"
CHANNELS = ("Brightfield", "Hoechst")


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve wells of two fields; brightfield and Hoechst under the same lamp."""
    folder = tmp_path_factory.mktemp("a plate")
    stains = images(24, 0.4)
    for index, stain in enumerate(stains):
        well = f"{ACQUISITION}_Well_A{index // 2 + 1:02d}"
        bright = np.random.default_rng(index).poisson(9000 * lamp(0.4)).astype(np.uint16)
        field = Field(np.stack([bright, stain]), CHANNELS, 0.65, ("best_focus:2", "max"))
        write_field(folder / well / f"{well}_Field_{index % 2 + 1}.ome.tiff", field)
    return folder


def keys_of(well: str) -> str:
    keys = {"plate": "P", "timepoint_h": 4, "replicate": "1", "acquisition": ACQUISITION, "well": well[-3:]}
    return json.dumps({"id": well, **keys})


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return completed("correct_illumination", *arguments)


def test_estimate_and_apply_even_out_a_well_and_keep_names_and_depth(plate: Path, tmp_path: Path) -> None:
    flats = tmp_path / "flats"
    options = ("--acquisition", ACQUISITION, "--dark", str(OFFSET), "--brightfield_channel", "Brightfield")
    done = run("estimate", str(plate), *options, "--out", str(flats))
    assert done.returncode == 0, done.stderr
    table = read_table(flats / "illumination.parquet").set_index("Channel")
    assert table["Applied"].to_dict() == {"Brightfield": False, "Hoechst": True}
    assert table.loc["Brightfield", "Reason"] == "brightfield is left as it is"
    assert table.loc["Hoechst", "ShadingAfter"] < table.loc["Hoechst", "ShadingBefore"]
    np.testing.assert_allclose(tifffile.imread(flats / "flatfield_Hoechst.tif"), lamp(0.4), atol=0.06)
    np.testing.assert_array_equal(tifffile.imread(flats / "flatfield_Brightfield.tif"), 1)

    well = f"{ACQUISITION}_Well_A03"
    done = run(
        *("apply", "--keys", keys_of(well), "--images", str(plate), "--flatfields", str(flats)),
        *("--out", str(tmp_path / "even")),
    )
    assert done.returncode == 0, done.stderr
    before = read_field(plate / well / f"{well}_Field_2.ome.tiff")
    after = read_field(tmp_path / "even" / well / f"{well}_Field_2.ome.tiff")
    assert (after.channels, after.projection) == (before.channels, before.projection)
    assert after.pixel_size_um == pytest.approx(0.65)
    assert after.pixels.dtype == np.uint16
    np.testing.assert_array_equal(after.pixels[0], before.pixels[0])
    expected = OFFSET + (before.pixels[1] - OFFSET) / lamp(0.4)
    assert np.abs(after.pixels[1] / expected - 1).max() < 0.08


def test_brightfield_is_corrected_where_it_is_asked_for(plate: Path, tmp_path: Path) -> None:
    options = ("--acquisition", ACQUISITION, "--brightfield_channel", "Brightfield", "--correct_brightfield")
    assert run("estimate", str(plate), *options, "--out", str(tmp_path)).returncode == 0
    np.testing.assert_allclose(tifffile.imread(tmp_path / "flatfield_Brightfield.tif"), lamp(0.4), atol=0.03)


def test_an_acquisition_without_images_is_an_error(plate: Path, tmp_path: Path) -> None:
    done = run("estimate", str(plate), "--acquisition", "Time_9hrs_R1", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "no image of Time_9hrs_R1" in done.stderr


def test_a_flat_field_and_a_dark_image_of_ones_own_are_used_as_they_are(plate: Path, tmp_path: Path) -> None:
    flats, darks, out = tmp_path / "flats", tmp_path / "darks", tmp_path / "out"
    flats.mkdir(), darks.mkdir()
    light = lamp(0.4)
    dark = np.full(light.shape, OFFSET) + np.linspace(-5, 5, light.shape[1])
    tifffile.imwrite(flats / "Hoechst.tif", np.rint(dark + 9000 * light).astype(np.uint16))
    tifffile.imwrite(darks / f"{ACQUISITION}_Hoechst.tiff", dark.astype(np.float32))
    options = ("--acquisition", ACQUISITION, "--flat_fields", str(flats), "--dark_images", str(darks))
    options = (*options, "--illumination", "given", "--max_images", "4", "--out", str(out))
    done = run("estimate", str(plate), *options)
    assert done.returncode == 0, done.stderr
    table = read_table(out / "illumination.parquet").set_index("Channel")
    assert table["Applied"].to_dict() == {"Brightfield": False, "Hoechst": True}
    assert table.loc["Hoechst", "Reason"].startswith("given in Hoechst.tif: shading")
    assert table.loc["Hoechst", "ShadingAfter"] < table.loc["Hoechst", "ShadingBefore"]
    np.testing.assert_allclose(tifffile.imread(out / "flatfield_Hoechst.tif"), light, rtol=1e-3)
    well = f"{ACQUISITION}_Well_A03"
    done = run(
        "apply",
        "--keys",
        keys_of(well),
        "--images",
        str(plate),
        "--flatfields",
        str(out),
        "--out",
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    before, after = (read_field(folder / well / f"{well}_Field_1.ome.tiff") for folder in (plate, tmp_path))
    expected = OFFSET + (before.pixels[1] - dark) / light
    assert np.abs(after.pixels[1] - expected).max() < 0.02 * expected.max()
    np.testing.assert_array_equal(after.pixels[0], before.pixels[0])


@pytest.mark.parametrize(
    ("name", "pixels", "words"),
    [
        (
            "Hoechst.tif",
            np.ones((10, 10), np.float32),
            "this flat field is (10, 10) px, the images are (360, 432)",
        ),
        ("Hoechst.tif", np.zeros((360, 432), np.float32), "the flat field is 0 at row 0, column 0"),
        ("Hoechst.tif", np.full((360, 432), np.nan, np.float32), "not finite"),
        ("DAPI.tif", np.ones((360, 432), np.float32), "DAPI.tif, but the channels are Brightfield, Hoechst"),
    ],
)
def test_a_flat_field_that_is_none_is_refused(
    plate: Path, tmp_path: Path, name: str, pixels: np.ndarray, words: str
) -> None:
    (tmp_path / "flats").mkdir()
    tifffile.imwrite(tmp_path / "flats" / name, pixels)
    options = ("--acquisition", ACQUISITION, "--max_images", "2", "--out", str(tmp_path))
    done = run("estimate", str(plate), *options, "--flat_fields", str(tmp_path / "flats"))
    assert done.returncode == 1 and words in done.stderr
