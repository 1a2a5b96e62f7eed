"""Names that people gave: what is read of them, and what is not guessed."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from morphodose.design.filenames import Name, preset_pattern
from morphodose.design.folder import read_folder
from morphodose.design.patterns import best_preset
from morphodose.names import normalise_well

ANY = preset_pattern("well_files")


def said(path: str, plate_format: int = 96) -> dict[str, object]:
    name = ANY.parse(path)
    assert isinstance(name, Name), f"{path}: {name}"
    parts = name._asdict() | {"well": normalise_well(name.well, plate_format)}
    drop = {"unsaid", "doubtful", *name.unsaid}
    return {key: value for key, value in parts.items() if value is not None and key not in drop}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("B02_DAPI.tif", {"well": "B02", "channel": "DAPI"}),
        ("Well_B02.tif", {"well": "B02"}),
        ("well-b2_dapi.TIFF", {"well": "B02", "channel": "dapi"}),
        ("A-01_DAPI.tif", {"well": "A01", "channel": "DAPI"}),
        ("A 02 GFP.tif", {"well": "A02", "channel": "GFP"}),
        ("A_01_f1_c2.tif", {"well": "A01", "field": 1, "channel": "2"}),
        ("a1.tif", {"well": "A01"}),
        ("A001_DAPI.tif", {"well": "A01", "channel": "DAPI"}),
        ("r02c03_ch1.tif", {"well": "B03", "channel": "1"}),
        ("R2C3_DAPI.TIF", {"well": "B03", "channel": "DAPI"}),
        ("Row2_Col3_DAPI.tif", {"well": "B03", "channel": "DAPI"}),
        ("B02_r000_c002_ch1.tif", {"well": "B02", "field": "r000_c002", "channel": "1"}),
        ("B02f01z03c1.tif", {"well": "B02", "field": 1, "z": 3, "channel": "1"}),
        ("B02_F01_T01_Z03_C01.tif", {"well": "B02", "field": 1, "z": 3, "channel": "1", "timepoint": "1"}),
        ("exp_w1DAPI_B02_s3.tif", {"well": "B02", "field": 3, "channel": "1 DAPI", "plate": "exp"}),
        ("B02_Hoechst 33342_f1.tif", {"well": "B02", "field": 1, "channel": "Hoechst 33342"}),
        ("B02_Alexa_647_z1.tif", {"well": "B02", "z": 1, "channel": "Alexa 647"}),
        ("B02_Bright Field_001.tif", {"well": "B02", "field": 1, "channel": "Bright Field"}),
        ("B02_GFP 469,525.tif", {"well": "B02", "channel": "GFP 469,525"}),
        ("B02_Drug_10uM_DAPI.tif", {"well": "B02", "channel": "DAPI"}),
        ("B02 (12)[GFP].tif", {"well": "B02", "field": 12, "channel": "GFP"}),
        ("Übung B02, DAPI [z=1].tif", {"well": "B02", "z": 1, "channel": "DAPI", "plate": "Übung"}),
        ("Zellkörper [B02], 1, DAPI.tif", {"well": "B02", "field": 1, "channel": "DAPI", "plate": "Zellkörper"}),
        ("DAPI_B02.tif", {"well": "B02", "channel": "DAPI"}),
        ("DAPI/B02_export.tif", {"well": "B02", "channel": "DAPI"}),
        ("B02/1.tif", {"well": "B02", "field": 1}),
        ("B02/img_001_DAPI.tif", {"well": "B02", "field": 1, "channel": "DAPI"}),
        ("B02-Site_1/DAPI_z1.tif", {"well": "B02", "field": 1, "z": 1, "channel": "DAPI"}),
        ("exp_1_MMStack_B2-Site_0.ome.tif", {"well": "B02", "field": 0, "plate": "exp_1_MMStack"}),
        ("WellB02_PointB02_0003_ChannelDAPI_Seq0000.nd2", {"well": "B02", "field": 3, "channel": "DAPI"}),
        ("WellB02_PointB02_0003_ChannelDAPI,GFP_Seq0000.nd2", {"well": "B02", "field": 3}),
        ("B02 DAPI 1.tif", {"well": "B02", "field": 1, "channel": "DAPI"}),
        ("RowB_Col02_Cy5 2.tif", {"well": "B02", "field": 2, "channel": "Cy5"}),
        ("Well B02/Field 3/DAPI_z1.tif", {"well": "B02", "field": 3, "z": 1, "channel": "DAPI"}),
        ("Plate1_B02_DAPI.tif", {"well": "B02", "channel": "DAPI", "plate": "1"}),
        ("p1_B02_DAPI.tif", {"well": "B02", "channel": "DAPI", "plate": "p1"}),
        ("B02_24h_DAPI.tif", {"well": "B02", "channel": "DAPI", "timepoint": "24h"}),
        ("day3/B02_DAPI.tif", {"well": "B02", "channel": "DAPI", "timepoint": "day3"}),
        ("Timepoint_2/B02_DAPI.tif", {"well": "B02", "channel": "DAPI", "timepoint": "2"}),
        ("20240301_B02_DAPI.tif", {"well": "B02", "channel": "DAPI", "timepoint": "20240301"}),
        ("Well B02/Hoechst - n000001.tif", {"well": "B02", "field": 1, "channel": "Hoechst"}),
        ("Exp-Scene-02-P1-B2_c1.tif", {"well": "B02", "field": 2, "channel": "1", "plate": "Exp_P1"}),
        ("B02_DAPI_MIP.tif", {"well": "B02", "channel": "DAPI"}),
        ("MAX_B02_DAPI.tif", {"well": "B02", "channel": "DAPI"}),
    ],
)  # fmt: skip
def test_what_people_write_is_read(path: str, expected: dict[str, object]) -> None:
    assert said(path) == expected
    assert best_preset([path]) == "well_files"


def test_wells_of_the_largest_plates_are_read() -> None:
    assert said("P1_c1.tif", 384) == {"well": "P01", "channel": "1"}
    assert said("AF48_z0_c1.tif", 1536) == {"well": "AF48", "z": 0, "channel": "1"}
    assert said("Well_AA01_DAPI.tif", 1536) == {"well": "AA01", "channel": "DAPI"}
    assert said("X_Q24_DAPI.tif", 1536) == {"well": "Q24", "channel": "DAPI", "plate": "X"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("B02_405.tif", "a bare number of the name may be a field or a wavelength"),
        ("B02_1_2.tif", "a bare number of the name, beside its field, has no known meaning"),
        ("exp-B01-image0-ch0.tif", "the number behind 'image' in the name has no known meaning"),
        ("02-03_DAPI.tif", "the name has no well"),
        ("1.tif", "the name has no well"),
    ],
)
def test_a_number_of_unknown_meaning_is_not_guessed(path: str, reason: str) -> None:
    assert ANY.parse(path) == reason


def folder(root: Path, *names: str) -> dict[str, Name]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    listed = read_folder(str(root), ANY)
    assert not listed.unparsed
    return dict(listed.named)


def test_text_before_the_well_is_a_plate_only_where_it_tells_images_apart(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", "run7_B02_DAPI.tif", "run8_C03_DAPI.tif")
    assert {name.plate for name in one.values()} == {None}
    two = folder(tmp_path / "two", "BC7_B02_DAPI.tif", "BC8_B02_DAPI.tif")
    assert {name.plate for name in two.values()} == {"BC7", "BC8"}


def test_a_word_is_a_channel_only_where_it_tells_images_apart(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", "B02_DMSO.tif", "C03_Drug.tif")
    assert {name.channel for name in one.values()} == {"1"}
    two = folder(tmp_path / "two", "B02_AGP.tif", "B02_ER.tif", "C03_AGP.tif", "C03_ER.tif")
    assert {name.channel for name in two.values()} == {"AGP", "ER"}


def test_a_date_is_a_time_only_where_it_tells_images_apart(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", "B02_DAPI_2024-03-01_12-30.tif", "C03_DAPI_2024-03-01_12-31.tif")
    assert {name.timepoint for name in one.values()} == {None}
    two = folder(tmp_path / "two", "2024-03-01/B02_DAPI.tif", "2024-03-02/B02_DAPI.tif")
    assert {name.timepoint for name in two.values()} == {"2024-03-01", "2024-03-02"}


def test_projections_overlays_and_masks_are_passed_over_and_z_from_0_is_none(tmp_path: Path) -> None:
    names = folder(
        tmp_path, "B02_DAPI_z0.tif", "B02_DAPI_z1.tif", "B02_DAPI_MIP.tif", "B02_overlay.tif", "masks/B02.tif"
    )
    assert {name.z for name in names.values()} == {0, 1}
    ignored = read_folder(str(tmp_path), ANY).ignored
    assert {reason: len(paths) for reason, paths in ignored.items()} == {
        "projection beside z-steps": 1, "thumbnail, overlay or mask": 2,
    }  # fmt: skip


def test_a_copy_that_the_system_made_is_passed_over_where_it_is_one(tmp_path: Path) -> None:
    for name, content in (
        ("B02_DAPI.tif", b"1"), ("B02_DAPI - Copy.tif", b"1"), ("B02_DAPI (1).tif", b"1"), ("Kopie von B02_DAPI.tif", b"1"),
        ("C03 (1).tif", b"3"), ("C03 (2).tif", b"4"), ("D04.tif", b"5"), ("D04 (2).tif", b"6"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
    listed = read_folder(str(tmp_path), ANY)
    assert len(listed.ignored["a copy of a file beside it"]) == 3
    assert {path: name.field for path, name in listed.named} == {
        "B02_DAPI.tif": 1, "C03 (1).tif": 1, "C03 (2).tif": 2, "D04.tif": 1, "D04 (2).tif": 2,
    }  # fmt: skip


def test_an_instruments_preset_gives_way_where_it_understands_the_fewest() -> None:
    others = [f"B{well:02d}_{channel}.tif" for well in range(1, 10) for channel in ("DAPI", "GFP")]
    assert best_preset([*others, "P_B02_s1_w1.tif"]) == "well_files"
    assert best_preset([f"P_B{well:02d}_s1_w1.tif" for well in range(1, 10)] + others[:4]) == "imagexpress"


def test_ten_thousand_fuzzed_names_end_in_parts_or_a_reason() -> None:
    random_ = random.Random(7)
    letters = string.printable + "äµ日²٣\udc80" + "B02_f1z2c3" * 3
    for _ in range(10_000):
        name = ANY.parse("".join(random_.choices(letters, k=random_.randrange(25))) + ".tif")
        assert isinstance(name, str) or (name.well and name.channel)
