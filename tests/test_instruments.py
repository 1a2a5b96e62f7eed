"""From a folder as an instrument writes it to the planes: wells, fields, z, channels, pixel size, and the pixels."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from design_tree import Screen
from instrument_files import MADE, WELLS, Made
from morphodose.design.output import Design
from morphodose.reading.pixels import read_plane


def screen_of(root: Path, wells: tuple[str, ...] = WELLS) -> Screen:
    """Samplesheet and plate map of one acquisition in the folder ``images``."""
    root.mkdir(parents=True, exist_ok=True)
    screen = Screen(root)
    screen.sheet.write_text("plate,timepoint_h,replicate,images\nP1,4,1,images\n")
    rows = [
        f"{well},{'Drug' if n else 'DMSO'},{n},uM,{'treated' if n else 'vehicle'}"
        for n, well in enumerate(wells)
    ]
    screen.plate_map.write_text("\n".join(["well,compound,dose,dose_unit,role", *rows]) + "\n")
    return screen


def understood(root: Path, made: Made) -> Design:
    screen = screen_of(root)
    made.make(root / "images")
    return screen.judge(file_pattern="auto", channels=made.channels)


@pytest.mark.parametrize("name", MADE)
def test_a_folder_of_each_instrument_is_understood_by_itself(tmp_path: Path, name: str) -> None:
    made = MADE[name]
    design = understood(tmp_path, made)
    assert not [fault.text() for fault in design.faults]
    assert design.settings["file_pattern"] == made.preset
    assert {plane.well for plane in design.planes} == set(WELLS)
    assert {plane.field for plane in design.planes} == set(made.fields)
    assert {plane.z for plane in design.planes} == set(made.z)
    channels = set(design.channels.names)
    assert len(design.planes) == len(WELLS) * len(made.fields) * len(made.z) * len(channels)
    for size in {plane.pixel_um for plane in design.planes}:
        assert size == (pytest.approx(made.pixel_um) if made.pixel_um else None)
    # every plane is another one, and has its size
    read = [read_plane(plane.path, plane.place, plane.path) for plane in design.planes]
    assert {image.shape for image in read} == {(plane.height, plane.width) for plane in design.planes}
    assert len({image.tobytes() for image in read}) == len(design.planes)


def test_stacks_are_read_plane_by_plane_in_the_right_order(tmp_path: Path) -> None:
    from instrument_files import pixels

    for name in ("imagej", "tiff_axes", "ome_tiff", "ome_plate", "zarr_04"):
        design = understood(tmp_path / name, MADE[name])
        for plane in design.planes:
            channel = list(design.channels.names).index(plane.channel) + 1
            field = plane.field - (name == "zarr_04")
            expected = pixels(plane.well, field, plane.z - 1, channel)
            assert np.array_equal(read_plane(plane.path, plane.place, "x"), expected), (name, plane)


def test_a_stack_without_axes_needs_them_only_where_its_name_leaves_two_open(tmp_path: Path) -> None:
    import tifffile

    screen = screen_of(tmp_path)
    (tmp_path / "images").mkdir()
    for well in WELLS:
        stack = np.ones((3, 8, 8), "uint16")
        tifffile.imwrite(tmp_path / "images" / f"{well}.tif", stack, photometric="minisblack", metadata=None)
    message = screen.message(file_pattern="auto", channels="1:DNA,2:Actin,3:ER")
    assert (
        "holds 3 planes, and neither its name nor its metadata say whether they are z, channels or times"
        in message
    )
    assert "→ say it by --stack_axis z, channel or time" in message
    assert "the input has 2 faults" in message
    assert len({plane.field for plane in planes}) == len(contents(Path(planes[0].path)).series)
    screen = screen_of(tmp_path / "nd2", ("B02",))
    (tmp_path / "nd2" / "images").mkdir()
    shutil.copy(formats / "formats" / "cluster.nd2", tmp_path / "nd2" / "images" / "WellB02.nd2")
    assert "have several timepoints" in screen.message(file_pattern="auto", channels="1:FAM,2:FM")
    screen.sheet.write_text(
        "plate,timepoint_h,replicate,images,timepoint_in_name\nP1,0,1,images,1\nP1,4,1,images,2\nP1,8,1,images,3\n"
    )
    assert len(screen.judge(file_pattern="auto", channels="1:FAM,2:FM").planes) == 60
