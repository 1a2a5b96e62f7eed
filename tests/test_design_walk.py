from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from design_tree import make_nasty_folder
from morphodose.design.filenames import preset_pattern
from morphodose.design.folder import read_folder
from morphodose.design.walk import walk


def test_what_is_no_image_of_the_screen_is_passed_over_and_counted(tmp_path: Path) -> None:
    folder = make_nasty_folder(tmp_path / "images")
    read = read_folder(str(folder), preset_pattern("cq1"))
    assert [path for path, _ in read.named] == ["W0001F0001T0001Z001C1.tif", "sub/W0001F0002T0001Z001C1.tif"]
    assert not read.unparsed
    assert {reason: len(paths) for reason, paths in read.ignored.items()} == {
        "a recycle bin, snapshot or thumbnail folder": 5,
        "a hidden folder": 1,
        "the results of a run": 1,
        "the work folder of a run": 1,
        "a link to a folder that was read already": 2,
        "a dead link": 2,
        "hidden file": 1,
    }


def test_a_folder_without_the_right_to_read_is_passed_over_and_its_neighbours_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("open", "shut"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.tif").write_bytes(b"x")
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may read everything
    listed = walk(str(tmp_path))
    assert listed.files == ["open/a.tif"]
    assert listed.passed == {"shut": "a folder that cannot be read (Permission denied)"}


def test_parts_of_a_results_folder_beside_images_are_passed_over(tmp_path: Path) -> None:
    field = "Time_4hrs_R1_Well_A01_Field_1"
    for name in (
        "B02_DAPI.tif", "results/projected/Time_4hrs_R1/Well_A01/Time_4hrs_R1_Well_A01_Field_1.ome.tiff",
        f"old/P1_{field}_cells.tif", f"old/{field}_nuclei.tif", f"old/{field}_obj7.tif",
        "old/Time_4hrs_R1_flat_field/flatfield_DAPI.tif", "old/Time_0.5hrs_R1.ome.zarr/.zattrs",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    read = read_folder(str(tmp_path), preset_pattern("well_files"))
    assert [path for path, _ in read.named] == ["B02_DAPI.tif"]
    assert not read.unparsed
    assert {reason: len(paths) for reason, paths in read.ignored.items()} == {"an image that a run wrote": 6}
    # the fields of a run by themselves are images like others
    (tmp_path / "B02_DAPI.tif").unlink()
    alone = read_folder(str(tmp_path / "results"), preset_pattern("well_files"))
    assert [name.well for _, name in alone.named] == ["A01"]


def test_a_zarr_is_one_entry_and_the_folder_itself_may_be_one(tmp_path: Path) -> None:
    (tmp_path / "p.zarr" / "0").mkdir(parents=True)
    (tmp_path / "p.zarr" / ".zattrs").write_text("{}")
    assert (walk(str(tmp_path)).files, walk(str(tmp_path)).zarrs) == ([], ["p.zarr"])
    assert walk(str(tmp_path / "p.zarr")).zarrs == [""]
    assert Counter(walk(str(tmp_path)).passed.values()) == {}
