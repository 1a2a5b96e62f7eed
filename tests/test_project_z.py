from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile

from faults.tasks import completed
from morphodose.imaging.images import read_field
from morphodose.tables import read_table

WELL = "Time_4hrs_R1_Well_A01"
KEYS = json.dumps(
    {
        "id": WELL,
        "plate": "P 'one'",
        "timepoint_h": 4,
        "replicate": "1",
        "acquisition": "Time_4hrs_R1",
        "well": "A01",
    }
)
CHANNELS = ("Brightfield", "Hoechst")


@pytest.fixture
def planes(tmp_path: Path) -> Path:
    """Two fields of two channels and three planes, in a folder with a space and a quote."""
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = ["id\tfile\tfield\tz\tchannel\tsource"]
    number = 0
    for field in (2, 10):
        for channel in CHANNELS:
            for z in (10, 9, 1):
                number += 1
                name = f"plane{number:05d}.tif"
                tifffile.imwrite(folder / name, rng.integers(0, 4000, (32, 40), dtype=np.uint16))
                lines.append(f"{WELL}\t{name}\t{field}\t{z}\t{channel}\t/scope/f{field} z{z} {channel}.tif")
    (folder / "planes.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = [
        *("--planes", str(folder / "planes.tsv"), "--planes_dir", str(folder)),
        *("--keys", KEYS, "--out", str(folder / "out"), *options),
    ]
    return completed("project_z", *arguments)


def test_a_file_of_several_planes_is_opened_once_however_fields_and_channels_lie_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import project_z
    from morphodose.reading import pixels

    lines = ["id\tfile\tfield\tz\tchannel\tplace"]
    stack = np.arange(6 * 8 * 8, dtype=np.uint16).reshape(6, 8, 8)
    for channel in range(9):  # a file for each channel, with the z-stacks of three fields
        tifffile.imwrite(tmp_path / f"c{channel}.tif", stack + channel, photometric="minisblack")
        for page in range(6):
            lines.append(f"{WELL}\tc{channel}.tif\t{page // 2 + 1}\t{page % 2 + 1}\tC{channel}\tpage={page}")
    (tmp_path / "planes.tsv").write_text("\n".join(lines) + "\n")
    opened: list[str] = []

    class Counting(tifffile.TiffFile):
        def __init__(self, path: str, *args: object, **options: object) -> None:
            opened.append(Path(path).name)
            super().__init__(path, *args, **options)

    monkeypatch.setattr(pixels.tifffile, "TiffFile", Counting)
    found = project_z.read_planes(tmp_path / "planes.tsv", tmp_path)[WELL]
    for field, stacks in sorted(found.fields.items()):
        for number, channel in enumerate(found.channels):
            read = [plane.read() for plane in stacks[channel]]
            assert np.array_equal(read, stack[2 * field - 2 : 2 * field] + number)
    assert sorted(opened) == [f"c{channel}.tif" for channel in range(9)]


def plane(folder: Path, number: int) -> np.ndarray:
    return tifffile.imread(folder / f"plane{number:05d}.tif")


def test_each_field_becomes_one_ome_tiff_with_names_pixel_size_and_projection(planes: Path) -> None:
    done = run(planes, "--brightfield_channel", "Brightfield", "--pixel_size_um", "0.65")
    assert done.returncode == 0, done.stderr
    assert "field 2 of 2" in done.stdout
    field = read_field(planes / "out" / WELL / f"{WELL}_Field_10.ome.tiff")
    assert field.channels == CHANNELS
    assert field.pixel_size_um == pytest.approx(0.65)
    assert field.projection[0].startswith("best_focus:")
    assert field.projection[1] == "max"
    stack = np.stack([plane(planes, number) for number in (10, 11, 12)])
    np.testing.assert_array_equal(field.pixels[1], stack.max(axis=0))
    assert field.pixels.dtype == np.uint16


def test_the_focus_table_has_a_row_a_plane_with_z_in_numeric_order(planes: Path) -> None:
    assert run(planes, "--projection", "default=max,Brightfield=plane:9").returncode == 0
    table = read_table(planes / "out" / WELL / "focus.parquet")
    assert len(table) == 2 * 2 * 3
    assert list(table["Metadata_Field"].unique()) == [2, 10]
    bright = table[(table["Channel"] == "Brightfield") & (table["Metadata_Field"] == 2)]
    assert list(bright["Z"]) == [1, 9, 10]
    assert list(bright["Chosen"]) == [False, True, False]
    assert bright["Peak"].sum() == 1
    assert set(table["Metadata_ImageID"]) == {f"{WELL}_Field_2", f"{WELL}_Field_10"}
    assert table["Metadata_Plate"].iloc[0] == "P 'one'"


def damage(folder: Path, number: int, kind: str) -> None:
    path = folder / f"plane{number:05d}.tif"
    if kind == "not a TIFF":
        path.write_bytes(b"no image at all")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "gone":
        path.unlink()
    elif kind == "8 bit":
        tifffile.imwrite(path, np.zeros((32, 40), np.uint8))
    elif kind == "not finite":
        tifffile.imwrite(path, np.full((32, 40), np.nan, np.float32), photometric="minisblack")


@pytest.mark.parametrize("kind", ["not a TIFF", "truncated", "empty", "gone", "8 bit", "not finite"])
def test_a_damaged_plane_is_named_by_its_original_path_without_a_traceback(planes: Path, kind: str) -> None:
    damage(planes, 5, kind)
    done = run(planes)
    assert done.returncode == 1
    assert "/scope/f2 z9 Hoechst.tif (staged as plane00005.tif)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (planes / "out" / WELL / f"{WELL}_Field_2.ome.tiff").exists()


@pytest.mark.parametrize("kind", ["strip", "not finite"])
def test_tolerant_drops_a_field_that_cannot_be_read_and_names_the_file(planes: Path, kind: str) -> None:
    if kind == "strip":  # damaged in the middle of good compressed data
        path = planes / "plane00005.tif"
        tifffile.imwrite(
            path, np.random.default_rng(0).integers(0, 4000, (32, 40), dtype=np.uint16), compression="zlib"
        )
        data = bytearray(path.read_bytes())
        with tifffile.TiffFile(path) as tiff:
            start, length = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
        data[start + length // 2 : start + length // 2 + 40] = b"\xff" * 40
        path.write_bytes(data)
    else:
        damage(planes, 5, kind)
    done = run(planes, "--on_fault", "tolerant")
    assert done.returncode == 0, done.stderr
    broken = read_field(planes / "out" / WELL / f"{WELL}_Field_2.ome.tiff")
    whole = read_field(planes / "out" / WELL / f"{WELL}_Field_10.ome.tiff")
    assert "/scope/f2 z9 Hoechst.tif" in broken.fault
    assert not broken.pixels.any()
    assert broken.pixels.shape == whole.pixels.shape
    assert not whole.fault
    qc = completed("qc_images", "--images", planes / "out", "--keys", KEYS, "--out", planes)
    assert qc.returncode == 0, qc.stderr
    table = read_table(planes / f"{WELL}_qc.parquet").set_index("Metadata_ImageID")
    assert table.loc[f"{WELL}_Field_2", "Metadata_QCVerdict"] == "drop"
    assert "/scope/f2 z9 Hoechst.tif" in table.loc[f"{WELL}_Field_2", "Metadata_QCReason"]
    assert not table.loc[f"{WELL}_Field_10", "Metadata_QCReason"].startswith("unreadable")


def test_a_channel_of_half_the_size_is_enlarged_and_depths_are_joined(planes: Path) -> None:
    small = np.arange(16 * 20, dtype=np.uint8).reshape(16, 20)
    for number in (1, 2, 3, 7, 8, 9):
        tifffile.imwrite(planes / f"plane{number:05d}.tif", small)
    done = run(planes)
    assert done.returncode == 0, done.stderr
    field = read_field(planes / "out" / WELL / f"{WELL}_Field_2.ome.tiff")
    assert (field.pixels.shape, field.pixels.dtype) == ((2, 32, 40), np.dtype("uint16"))
    assert np.array_equal(field.channel("Brightfield")[::2, 1::2], small)


def test_a_field_without_one_of_the_channels_is_named(planes: Path) -> None:
    table = planes / "planes.tsv"
    lines = [line for line in table.read_text().splitlines() if "\t10\t" not in line or "Hoechst" not in line]
    # field 2 has its plane z=10, whose line holds \t10\t too
    table.write_text("\n".join(lines) + "\n")
    done = run(planes)
    assert done.returncode == 1
    assert "field 10 has no plane of channel Hoechst" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--projection", "sum"), "'sum' is not one of max, mean"),
        (("--projection", "Hoechts=max"), "'Hoechts', which is not there"),
        (("--pixel_size_um", "-1"), "-1.0 is not in the range x>0"),
        (("--keys", '{"plate": 1}'), "--keys lacks id, timepoint_h"),
        (
            ("--keys", KEYS.replace('"A01"', '"A02"').replace("_A01", "_A02")),
            "planes.tsv: it lists no plane of",
        ),
        (("--keys", "[]"), "--keys is not a list with one object per well-timepoint"),
        (("--keys", f"[{KEYS}, {KEYS}]"), f"--keys names {WELL} twice"),
        (("--keys", "nothing.json"), "neither JSON nor a readable file"),
    ],
)
def test_a_wrong_option_is_said_in_one_line(planes: Path, options: tuple[str, ...], said: str) -> None:
    done = run(planes, *options)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
