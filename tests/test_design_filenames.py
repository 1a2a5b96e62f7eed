from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphodose.design import filenames
from morphodose.design.faults import Faults
from morphodose.design.filenames import Name, name_pattern, preset_pattern
from morphodose.design.folder import read_folder
from morphodose.design.presets import PRESETS
from morphodose.errors import InputError
from morphodose.names import normalise_well, row_letters

rows = st.integers(1, 8)
cols = st.integers(1, 12)
numbers = st.integers(1, 99)
GUIDS = st.uuids().map(lambda guid: str(guid).upper())


def parsed(preset: str, path: str) -> Name:
    name = preset_pattern(preset).parse(path)
    assert isinstance(name, Name), f"{path}: {name}"
    return name


def well_of(row: int, col: int) -> str:
    return f"{row_letters(row)}{col:02d}"


@given(st.integers(1, 96), numbers, numbers, numbers, st.integers(1, 9), st.integers(1, 999))
def test_cq1_names_read_back(well: int, field: int, z: int, folder: int, channel: int, time: int) -> None:
    name = parsed("cq1", f"{folder}hrs_R1/W{well:04d}F{field:04d}T{time:04d}Z{z:03d}C{channel}.tif")
    assert normalise_well(name.well) == normalise_well(str(well))
    assert name[1:5] == (field, z, str(channel), str(time))


@given(rows, cols, numbers, numbers, st.integers(1, 20), numbers)
def test_opera_phenix_names_read_back(
    row: int, col: int, field: int, z: int, channel: int, time: int
) -> None:
    path = f"Images/r{row:02d}c{col:02d}f{field:02d}p{z:02d}-ch{channel}sk{time}fk1fl1.tiff"
    name = parsed("opera_phenix", path)
    assert normalise_well(name.well) == well_of(row, col)
    assert name[1:5] == (field, z, str(channel), str(time))


@given(
    rows,
    cols,
    numbers,
    st.one_of(st.none(), numbers),
    st.integers(1, 9),
    st.one_of(st.none(), numbers),
    GUIDS,
)
def test_imagexpress_names_read_back(
    row: int, col: int, field: int, z: int | None, channel: int, time: int | None, guid: str
) -> None:
    path = (f"2023/TimePoint_{time}/" if time else "2023/") + (f"ZStep_{z}/" if z else "")
    for name_guid in ("", guid):
        name = parsed(
            "imagexpress", f"{path}My_Plate w9_{well_of(row, col)}_s{field}_w{channel}{name_guid}.TIF"
        )
        assert normalise_well(name.well) == well_of(row, col)
        assert name[1:5] == (field, z, str(channel), str(time) if time else None)


@given(rows, cols, st.integers(1, 999), st.integers(1, 99), st.integers(1, 99), st.integers(1, 9999))
def test_cv8000_names_read_back(row: int, col: int, field: int, z: int, channel: int, time: int) -> None:
    path = f"m/A_B_{well_of(row, col)}_T{time:04d}F{field:03d}L01A02Z{z:02d}C{channel:02d}.tif"
    name = parsed("cv8000", path)
    assert normalise_well(name.well) == well_of(row, col)
    assert name[1:5] == (field, z, str(channel), str(time))


@given(rows, cols, numbers, st.one_of(st.none(), numbers), st.one_of(st.none(), numbers))
def test_incell_names_read_back(row: int, col: int, field: int, z: int | None, time: int | None) -> None:
    end = (f" z {z}" if z else "") + (f" time {time} - 0ms" if time else "")
    name = parsed("incell", f"x/{row_letters(row)} - {col:02d}(fld {field} wv DAPI - DAPI{end}).tif")
    assert normalise_well(name.well) == well_of(row, col)
    assert name[1:5] == (field, z, "DAPI - DAPI", str(time) if time else None)


@given(rows, cols, st.integers(1, 2))
def test_bbbc013_names_read_back(row: int, col: int, channel: int) -> None:
    index = (row - 1) * 12 + col
    name = parsed("bbbc013", f"Channel{channel}-{index:02d}-{row_letters(row)}-{col:02d}.tif")
    assert (normalise_well(name.well), name.field, name.z, name.channel) == (
        well_of(row, col),
        1,
        None,
        str(channel),
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_the_example_of_every_preset_matches_it_and_no_other_preset(preset: str) -> None:
    example = PRESETS[preset].example
    matching = [name for name in PRESETS if not isinstance(preset_pattern(name).parse(example), str)]
    assert matching == [preset]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "folder", ["a b", "it's", 'say "x"', "$(touch pwned)", "ü/日本", "a;b|c&d", "[x]{y}*?", "-rf"]
)
def test_hostile_folder_names_change_nothing(preset: str, folder: str) -> None:
    example = PRESETS[preset].example
    assert parsed(preset, f"{folder}/{example}") == parsed(preset, example)


def test_a_channel_of_incell_does_not_swallow_a_damaged_z_or_time() -> None:
    pattern = preset_pattern("incell")
    for end in (" z8x 3", " z 3 time8 14 - 0ms", " wix 1 z 48 time 8 -0ms"):
        assert isinstance(pattern.parse(f"A - 01(fld 1 wv DAPI - DAPI{end}).tif"), str), end
    assert parsed("incell", "A - 01(fld 1 wv Zeta time z).tif").channel == "Zeta time z"


@pytest.mark.parametrize("preset", PRESETS)
def test_ten_thousand_fuzzed_names_never_crash_a_preset(preset: str) -> None:
    random_ = random.Random(20250)
    example = PRESETS[preset].example
    pattern = preset_pattern(preset)
    letters = string.printable + "äµ日²٣\udc80" + example * 3
    for _ in range(10_000):
        text = list(example)
        for _ in range(random_.randrange(1, 6)):
            at = random_.randrange(len(text) + 1)
            action = random_.random()
            if action < 0.4:
                text[at:at] = random_.choice(letters) * random_.choice((1, 1, 1, 30))
            elif action < 0.7:
                text[at : at + random_.randrange(4)] = []
            else:
                text[at : at + 1] = random_.choice(letters)
        name = pattern.parse("".join(text))
        assert isinstance(name, str) or (name.well and name.channel)
        # a field that is not a number is the text of the name
        assert isinstance(name, str) or (name.field if isinstance(name.field, str) else name.field >= 0)


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("cv8000", "BHH_W47_T0024F017L07A07Z37C08.tif"),
        ("opera_phenix", "r23c47f70p78-ch7sk41fk1fl1.tiff"),
        ("imagexpress", "V_W47_s39_w1.tif"),
        ("incell", "W - 47(fld 48 wv Cy3).tif"),
        ("bbbc013", "Channel10-1060-W-047.tif"),
    ],
)
def test_row_w_of_a_large_plate_is_no_number(preset: str, name: str) -> None:
    assert normalise_well(parsed(preset, name).well, 1536) == "W47"


def test_a_users_expression_reads_wells_by_row_and_column() -> None:
    faults = Faults()
    pattern = name_pattern(r"(?<row>[A-H])_(?<col>\d+)_(?P<channel>\w+)\.tif$", faults)
    assert pattern is not None
    assert not faults.found
    assert pattern.parse("x/B_7_gfp.tif")[:4] == ("B07", 1, None, "gfp")


def test_missing_field_and_z_are_one_and_plate_and_replicate_are_carried() -> None:
    pattern = name_pattern(r"(?P<plate>\w+)/(?P<replicate>\d+)/(?P<well>[A-H]\d\d)-(?P<channel>\d)", Faults())
    assert pattern is not None
    assert pattern.parse("P7/02/C03-1.tif")[:7] == ("C03", 1, None, "1", None, "P7", "2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "cq2",
            "--file_pattern: value 'cq2': is neither a preset nor a regular expression with named groups → did",
        ),
        (r"(?P<well>..", "is not a valid regular expression: missing ), unterminated subpattern"),
        (r"(?P<channel>\d)", "no group gives the well → add (?P<well>…), or (?P<row>…) and (?P<col>…)"),
        (r"(?P<well>\w)(?P<chanel>\d)", "group 'chanel' has no meaning here → did you mean 'channel'?"),
    ],
)
def test_an_unusable_pattern_is_a_fault_with_its_fix(text: str, message: str) -> None:
    faults = Faults()
    assert name_pattern(text, faults) is None
    assert message in "\n".join(fault.text() for fault in faults.found)


def test_a_field_that_is_no_number_is_kept_as_text() -> None:
    pattern = name_pattern(r"(?P<well>\w\d\d)_(?P<field>\w+)_(?P<channel>\d)", Faults())
    assert pattern is not None
    assert pattern.parse("A01_s1_1.tif")[1] == "s1"
    assert (
        preset_pattern("opera_phenix").parse("r00c01f01p01-ch1sk1fk1fl1.tiff")
        == "plate row '00' does not exist: rows start at 1"
    )


def grid_of(folder: Path, preset: str) -> dict[str, set]:
    listed = read_folder(str(folder), preset_pattern(preset))
    assert not listed.unparsed
    names = [name for _, name in listed.named]
    return {
        "planes": len(names),
        "wells": {normalise_well(name.well) for name in names},
        "fields": {name.field for name in names},
        "z": {
            channel: {name.z for name in names if name.channel == channel}
            for channel in {n.channel for n in names}
        },
        "times": {name.timepoint for name in names},
        "ignored": {reason: len(paths) for reason, paths in listed.ignored.items()},
    }


def test_the_real_bbbc013_plate_is_read_whole(shared_data: Path) -> None:
    grid = grid_of(shared_data / "bbbc013", "bbbc013")
    assert len(grid["wells"]) == 96
    assert grid["z"] == {"1": {None}, "2": {None}}
    assert grid["ignored"] == {"not an image by its extension": 3}


def test_the_real_opera_phenix_field_is_read(shared_data: Path) -> None:
    grid = grid_of(shared_data / "brightfield", "opera_phenix")
    assert (grid["wells"], grid["fields"], set(grid["z"])) == ({"C03"}, {3}, set("123456"))


def test_projections_beside_z_steps_are_ignored_and_single_images_kept(shared_data: Path) -> None:
    grid = grid_of(shared_data / "formats" / "imagexpress_projection_mix", "imagexpress")
    assert (grid["wells"], grid["fields"]) == ({"E07", "E08"}, {1, 2})
    steps = set(range(1, 11))
    # channel 3 has no z-steps: its image beside the ZStep folders is the plane; 4 was taken at one step only
    assert grid["z"] == {"1": steps, "2": steps, "3": {None}, "4": {1}}
    assert grid["ignored"] == {"projection beside z-steps": 8}


def test_timepoints_of_a_real_imagexpress_series_are_seen(shared_data: Path) -> None:
    grid = grid_of(shared_data / "formats" / "imagexpress_time_z", "imagexpress")
    assert (grid["wells"], grid["fields"], set(grid["z"])) == ({"C07"}, {1, 2}, {"1", "2", "3"})
    assert grid["times"] == {"1", "2"}


def test_reference_images_of_a_real_cv8000_run_are_ignored(shared_data: Path) -> None:
    grid = grid_of(shared_data / "formats" / "cv8000", "cv8000")
    assert (grid["wells"], grid["fields"]) == ({"D08", "E03", "F08"}, {1, 2, 3, 4})
    assert grid["z"] == {"1": {1, 2, 3, 4}, "2": {1, 2, 3, 4}}
    assert grid["ignored"]["dark or shading reference"] == 6


def test_thumbnails_and_hidden_files_are_ignored(tmp_path: Path) -> None:
    for name in ("P_A01_s1_w1_thumbD5F8F51A.tif", "._P_A01_s1_w1.tif", "P_A01_s1_w1.TIF", "P.HTD"):
        (tmp_path / name).write_bytes(b"")
    listed = read_folder(str(tmp_path), preset_pattern("imagexpress"))
    assert [path for path, _ in listed.named] == ["P_A01_s1_w1.TIF"]
    assert set(listed.ignored) == {"thumbnail", "hidden file", "not an image by its extension"}


def test_an_expression_that_would_take_for_ever_is_named_with_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filenames, "PATIENCE", 0.1)
    pattern = name_pattern(r"^(?P<well>[A-H]\d(?:a|aa)*)_(?P<channel>\d)\.tif$", Faults())
    assert pattern and isinstance(pattern.parse("B2_1.tif"), Name)
    with pytest.raises(
        InputError, match=r"--file_pattern .*takes more than 0\.1 s for the name 'B2aaaa.*repetition"
    ):
        pattern.parse("B2" + "a" * 45 + "_x.tif")


def test_an_expression_that_is_slow_for_every_name_is_told_before_all_were_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filenames, "SLOW", 0.0)
    monkeypatch.setattr(filenames, "PATIENCE_IN_ALL", 0.05)
    pattern = name_pattern(r"^(?P<well>[A-H]\d(?:a|aa)*)_(?P<channel>\d)\.tif$", Faults())
    assert pattern and isinstance(pattern.parse("B2_1.tif"), Name)
    with pytest.raises(InputError, match=r"--file_pattern .*names took .* s, the last one is 'B2aaaa.*_x"):
        for number in range(100_000):
            pattern.parse("B2" + "a" * 16 + f"{number}_x.tif")


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "Channel1-01-A-01.tif").write_bytes(b"")
    assert len(read_folder(str(tmp_path), preset_pattern("bbbc013")).named) == 1
