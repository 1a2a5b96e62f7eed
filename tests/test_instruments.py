"""From a folder as an instrument writes it to the planes: wells, fields, z, channels, pixel size, and the pixels."""

from __future__ import annotations

import gc
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from design_tree import Screen
from instrument_files import MADE, WELLS, Made
from morphodose.design.output import CheckedDesign
from morphodose.reading.contents import Contents
from morphodose.reading.describe import describe
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


def understood(root: Path, made: Made) -> CheckedDesign:
    screen = screen_of(root)
    made.make(root / "images")
    return screen.judge(file_pattern="auto", channels=made.channels, plate_format=made.plate_format)


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
    images = [plane.image for plane in design.planes]
    if made.timed:
        assert sorted({image.x_um for image in images if image}) == pytest.approx(
            [100 * f for f in made.fields]
        )
        hours = sorted(image.hours for image in images if image and image.hours is not None)
        assert hours == pytest.approx([number / 60 for number in range(len(design.planes))])
    # every plane is another one, and has its size
    read = [read_plane(plane.path, plane.place, plane.path) for plane in design.planes]
    assert {image.shape for image in read} == {(plane.height, plane.width) for plane in design.planes}
    assert len({image.tobytes() for image in read}) == len(design.planes)


def test_stacks_are_read_plane_by_plane_in_the_right_order(tmp_path: Path) -> None:
    from instrument_files import pixels

    for name in ("imagej", "tiff_axes", "ome_tiff", "ome_wells", "ome_plate", "lif", "zarr_04"):
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
        "holds 3 planes, and neither its name nor its metadata says whether they are z, channels or times"
        in message
    )
    assert "→ say which with --stack_axis: z, channel or time" in message
    assert "the input has 2 faults" in message
    assert (
        len(screen.judge(file_pattern="auto", channels="1:DNA,2:Actin,3:ER", stack_axis="channel").planes)
        == 6
    )
    assert {plane.z for plane in screen.judge(file_pattern="auto", channels="1:DNA").planes} == {1, 2, 3}


@pytest.fixture
def formats(root: Path) -> Path:
    folder = root.parent / "shared" / "cases" / "images"
    if not folder.is_dir():
        pytest.skip("the cases are not beside the repository (../shared/cases)")
    return folder


def contents(path: Path) -> Contents:
    return describe([str(path)])[0]


@pytest.mark.parametrize(
    ("name", "sizes", "shape", "pixel_um"),
    [
        ("cluster.nd2", (2, 10, 3), (31, 38), 0.1678),
        ("xyz__multiple_images.czi", (1, 2, 1), (251, 251), 0.1956),
        ("xyc_16bit__nuclei_golgi.tif", (2, 1, 1), (220, 204), 0.5158),
        ("xyzc_16bit__spots.tif", (2, 17, 1), (88, 89), 0.0941),
        ("ome.tiff", (2, 1, 1), (6, 6), None),
        ("12bit.cropped.tif", (1, 1, 1), (100, 100), None),
        ("leica_stack_Series014_z000_ch00.tif", (1, 1, 1), (256, 256), None),
    ],
)
def test_real_files_are_read(
    formats: Path, name: str, sizes: tuple[int, int, int], shape: tuple[int, int], pixel_um: float | None
) -> None:
    found = contents(formats / "formats" / name)
    assert not found.fault
    for series in found.series:
        assert series.sizes() == sizes
        assert series.pixel_um == (pytest.approx(pixel_um, abs=1e-4) if pixel_um else None)
        image = read_plane(series.parts[-1].path, series.parts[-1].place, name)
        assert (image.shape, str(image.dtype)) == (shape, series.dtype)


def test_a_czi_with_scenes_and_an_nd2_go_to_planes_by_their_file_names(formats: Path, tmp_path: Path) -> None:
    screen = screen_of(tmp_path / "czi", ("B02",))
    (tmp_path / "czi" / "images").mkdir()
    shutil.copy(formats / "formats" / "xyz__multiple_images.czi", tmp_path / "czi" / "images" / "B02.czi")
    planes = screen.judge(file_pattern="auto", channels="1:DNA").planes
    assert {(plane.field, plane.z) for plane in planes} == {
        (f, z) for f in {p.field for p in planes} for z in (1, 2)
    }
    assert len({plane.field for plane in planes}) == len(contents(Path(planes[0].path)).series)
    screen = screen_of(tmp_path / "nd2", ("B02",))
    (tmp_path / "nd2" / "images").mkdir()
    shutil.copy(formats / "formats" / "cluster.nd2", tmp_path / "nd2" / "images" / "WellB02.nd2")
    assert "have several timepoints" in screen.message(file_pattern="auto", channels="1:FAM,2:FM")
    screen.sheet.write_text(
        "plate,timepoint_h,replicate,images,timepoint_in_name\nP1,0,1,images,1\nP1,4,1,images,2\nP1,8,1,images,3\n"
    )
    assert len(screen.judge(file_pattern="auto", channels="1:FAM,2:FM").planes) == 60


@pytest.mark.parametrize(
    ("text", "well"),
    [
        ("A1", "A01"), ("Well A01", "A01"), ("A01_0003", "A01"), ("TileScan 1/A/1/R1", "A01"), ("B2-P1", "B02"),
        ("P2-B03", "B03"), ("P1-B2", "B02"), ("P1", "P01"), ("Plate A/Well B/2", "B02"), ("WellB02_PointB02_0000", "B02"),
        ("#1", None), ("R2/C3", None), ("r2c3", None), ("Series001", None), ("Scan B", None),
    ],
)  # fmt: skip
def test_the_well_in_the_name_of_a_position_is_found(text: str, well: str | None) -> None:
    from morphodose.reading.vendor import well_in

    assert well_in(text) == well


def test_an_nd2_is_closed_without_a_warning_of_its_library(formats: Path) -> None:
    from morphodose.reading.vendor import Nd2

    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        reader = Nd2(str(formats / "formats" / "cluster.nd2"))
        file = reader.file
        assert reader.read(series=0, c=0, z=0, t=0).ndim == 2
        del reader
        gc.collect()
        assert file.closed
        del file
        gc.collect()
    assert not [one for one in given if "not closed" in str(one.message)]


def test_an_nd2_keeps_as_many_frames_as_its_memory_allows(
    formats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from morphodose.reading import vendor

    path = str(formats / "formats" / "cluster.nd2")
    planes = [(c, z) for c in (0, 1) for z in range(10)]
    wide = vendor.Nd2(path)
    monkeypatch.setattr(vendor, "_KEPT_BYTES", 3 * 31 * 38 * 2 * 2 + 1)
    narrow = vendor.Nd2(path)
    for c, z in planes:
        assert np.array_equal(wide.read(0, c, z, 0), narrow.read(0, c, z, 0))
    assert (wide.frame.cache_info().misses, wide.frame.cache_info().hits) == (10, 10)
    assert narrow.frame.cache_info().maxsize == narrow.frame.cache_info().currsize == 3


#: Presets and containers that are tried on real files, too (`test_check_design`, `test_design_filenames`, here).
REAL = {"cv8000", "opera_phenix", "imagexpress", "imagej", "ome_tiff"}


def table() -> str:
    """The table of docs/usage.md, as it follows from what is tested here."""
    rows = [
        f"| {made.instrument} | `{made.names}` | {made.metadata or '–'} | {'real and made' if name in REAL else 'made'} |"
        for name, made in MADE.items()
    ]
    rows += [
        "| Zeiss CZI | `B02.czi` | fields, channels and names, z, pixel size | real |",
        "| Nikon ND2 | `WellB02.nd2` | fields, channels and names, z, times, pixel size | real |",
    ]
    return "\n".join(["| instrument | names | from metadata | tried on |", "|---|---|---|---|", *rows])


def test_the_table_of_instruments_in_the_documentation_is_that_of_these_tests(root: Path) -> None:
    assert table() in (root / "docs" / "usage.md").read_text(encoding="utf-8")
