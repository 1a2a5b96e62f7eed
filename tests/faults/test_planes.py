"""Planes that are torn, empty, of another format, missing, there twice, or of mixed depth."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from design_tree import Screen, make_screen
from faults.screens import assert_complete, faults_of, kinds, write_plane
from faults.tasks import in_process
from morphodose.errors import InputError
from morphodose.imaging.images import read_field
from morphodose.tables import read_table


def torn(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))  # what a copy leaves that broke off after the file was made


def png(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))


def text(path: Path) -> None:
    path.write_text("<html>404 not found</html>")


def colour(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((8, 8, 3), np.uint8), photometric="rgb")


def stack(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((3, 8, 8), np.uint16), photometric="minisblack")


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = (torn, empty, zeros, png, text, colour, stack)


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    """400 planes: 2 times x 2 replicates x 12 wells x 2 fields x 2 z x 2 channels, and one more well."""
    return make_screen(tmp_path / "screen", wells=12)


def damage(screen: Screen, share: float, seed: int) -> dict[Path, str]:
    """Damage a share of the planes, each in a way of its own; gives what was done to which."""
    random_ = random.Random(seed)
    planes = sorted(screen.root.rglob("*.tif"))
    chosen = random_.sample(planes, max(len(DAMAGES), round(share * len(planes))))
    done = {}
    for plane, how in zip(chosen, DAMAGES * 9, strict=False):
        how(plane)
        done[plane] = how.__name__
    return done


@pytest.mark.parametrize("seed", range(3))
def test_strict_names_every_damaged_plane_of_one_per_cent(screen: Screen, seed: int) -> None:
    done = damage(screen, 0.01, seed)
    faults = faults_of(screen)
    assert_complete(faults)
    assert kinds(faults) == {"unreadable_image": len(done)}
    assert {fault.file for fault in faults} == {str(path) for path in done}
    message = screen.message(show=100)
    assert f"the input has {len(done)} faults" in message
    for path in done:
        assert str(path) in message


@pytest.mark.parametrize("seed", range(3))
def test_tolerant_leaves_out_exactly_the_damaged_fields(screen: Screen, seed: int) -> None:
    whole = screen.judge()
    done = damage(screen, 0.01, seed)
    lost = {plane.key for plane in whole.planes if Path(plane.path) in done}
    design = screen.judge(tolerant=True)
    assert {plane.key for plane in design.planes} == {plane.key for plane in whole.planes} - lost
    assert set(design.excluded) == lost
    assert {fault.file for fault in design.faults} == {str(path) for path in done}
    assert_complete(design.faults)


def test_a_dead_link_is_passed_over_and_said_and_a_plane_it_stood_for_is_missing(screen: Screen) -> None:
    folder = screen.plane().parent
    (folder / "notes.tif").symlink_to(folder / "moved away.tif")
    (screen.root / "8hrs_R1" / "W0001F0009T0001Z001C1.tif").symlink_to("gone.tif")
    design = screen.judge()
    assert len(design.planes) == 4 * 12 * 8
    assert design.settings["ignored_files"] == {"a dead link": 2}
    texts = [fault.text() for fault in design.faults]
    assert [text.startswith("warning: ") and " passed over → mount or restore" in text for text in texts] == [
        True
    ] * 2
    assert "W0001F0009T0001Z001C1.tif to gone.tif" in texts[1]
    screen.plane().unlink()
    screen.plane().symlink_to("gone.tif")
    faults = faults_of(screen)
    assert kinds(faults) == {"missing_planes": 1, "dead_link": 2}


def test_a_folder_with_the_name_of_a_plane_is_a_missing_plane(screen: Screen) -> None:
    directory(screen.plane())
    faults = faults_of(screen)
    assert_complete(faults)
    assert kinds(faults) == {"missing_planes": 1}


@pytest.mark.parametrize("tolerant", [False, True])
def test_missing_wells_and_planes_there_twice_are_told_apart(screen: Screen, tolerant: bool) -> None:
    for plane in (screen.root / "4hrs_R1").glob("W0005*"):
        plane.unlink()
    again = screen.plane(8, 2, 3).parent / "copy"
    again.mkdir()
    (again / screen.plane(8, 2, 3).name).write_bytes(screen.plane(8, 2, 3).read_bytes())
    faults = faults_of(screen, tolerant=tolerant)
    assert_complete(faults)
    assert kinds(faults) == {"duplicate_planes": 1, "missing_wells": 1}
    if tolerant:
        design = screen.judge(tolerant=True)
        assert len(design.wells()) == 47
        assert design.excluded[3, "A03", 1] == ["duplicate_planes"]


DEPTHS = {
    "8 bit": ("uint8", 255.0), "12 of 16 bit": ("uint16", 4095.0), "16 bit": ("uint16", 65535.0),
    "float": ("float32", 1.0),
}  # fmt: skip


def test_depths_mixed_in_one_screen_are_faults_that_name_the_usual_one(tmp_path: Path) -> None:
    screen = make_screen(tmp_path / "screen", wells=12)
    for name, (dtype, ceiling) in list(DEPTHS.items()):
        well = 3 + list(DEPTHS).index(name)
        write_plane(screen.plane(4, 1, well), dtype, ceiling, (8, 8))
    faults = faults_of(screen)
    assert_complete(faults)
    # 12 bit in 16 cannot be told from a dim 16 bit image, and is not a fault
    assert kinds(faults) == {"image_size": 2}
    said = " ".join(fault.message for fault in faults)
    assert "8 x 8 uint8" in said and "8 x 8 float32" in said and "expected 8 x 8 uint16" in said
    design = screen.judge(tolerant=True)
    assert sorted(design.excluded) == [(0, "A03", 1), (0, "A06", 1)]


def well_of(folder: Path, write: Callable[[Path, int], None]) -> tuple[str, list[str]]:
    """Planes of one well with two channels and two z; gives its id and the options of project_z."""
    rows = ["id\tfile\tfield\tz\tchannel"]
    well = "Time_4hrs_R1_Well_B07"
    for number, (channel, z) in enumerate([(c, z) for c in ("Stain", "Nuclei") for z in (1, 2)]):
        write(folder / f"plane{number}.tif", number)
        rows.append(f"{well}\tplane{number}.tif\t1\t{z}\t{channel}")
    (folder / "planes.tsv").write_text("\n".join(rows) + "\n")
    keys = json.dumps(
        {
            "id": well,
            "plate": "P1",
            "timepoint_h": 4,
            "replicate": "1",
            "acquisition": "Time_4hrs_R1",
            "well": "B07",
        }
    )
    return well, ["--keys", keys]


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_screen_of_any_depth_goes_from_planes_to_measurements(depth: str, tmp_path: Path) -> None:
    dtype, ceiling = DEPTHS[depth]
    well, common = well_of(tmp_path, lambda path, seed: write_plane(path, dtype, ceiling, seed=seed))
    in_process(
        "project_z", *common, "--planes", tmp_path / "planes.tsv", "--planes_dir", tmp_path, "--out", tmp_path
    )
    images = tmp_path / well
    field = read_field(images / f"{well}_Field_1.ome.tiff")
    assert field.pixels.dtype == dtype and 0.5 * ceiling < field.pixels.max() <= ceiling
    in_process(
        "qc_images",
        *common,
        "--images",
        tmp_path,
        "--nuclear_channel",
        "Nuclei",
        "--out",
        tmp_path,
    )
    assert read_table(tmp_path / f"{well}_qc.parquet")["Metadata_QCVerdict"].isin(["keep", "flag"]).all()
    masks = np.zeros((48, 48), np.uint16)
    masks[8:20, 8:20], masks[24:36, 28:40] = 1, 2
    tifffile.imwrite(images / f"{well}_Field_1_cells.tif", masks)
    tifffile.imwrite(images / f"{well}_Field_1_nuclei.tif", masks)
    in_process("measure_cells", *common, "--images", tmp_path, "--masks", tmp_path, "--out", tmp_path)
    cells = read_table(tmp_path / f"{well}.parquet")
    assert len(cells) == 2
    stain = cells["Cells_Intensity_MeanIntensity_Stain"]
    assert (stain > 0.05 * ceiling).all() and (stain < ceiling).all()


def test_depths_mixed_in_one_field_are_named_by_project_z(tmp_path: Path) -> None:
    depths = list(DEPTHS.values())
    _, common = well_of(tmp_path, lambda path, seed: write_plane(path, *depths[seed], seed=seed))
    with pytest.raises(Exception) as fault:
        in_process(
            "project_z",
            *common,
            "--planes",
            tmp_path / "planes.tsv",
            "--planes_dir",
            tmp_path,
            "--out",
            tmp_path,
        )
    assert "uint16, but " in str(fault.value.__cause__) and isinstance(fault.value.__cause__, InputError)
    assert not list(tmp_path.rglob("*.ome.tiff"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_float_planes_with_values_that_are_no_numbers_are_refused_by_name(
    value: float, tmp_path: Path
) -> None:
    def write(path: Path, seed: int) -> None:
        write_plane(path, "float32", 1.0, seed=seed)
        if seed == 2:
            image = tifffile.imread(path)
            image[5, 5] = value
            tifffile.imwrite(path, image, photometric="minisblack")

    _, common = well_of(tmp_path, write)
    with pytest.raises(Exception, match=r"plane2\.tif.*not finite"):
        in_process(
            "project_z",
            *common,
            "--planes",
            tmp_path / "planes.tsv",
            "--planes_dir",
            tmp_path,
            "--out",
            tmp_path,
        )
    assert not list(tmp_path.rglob("*.ome.tiff"))
