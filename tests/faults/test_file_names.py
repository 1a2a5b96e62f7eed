"""Ten thousand names a preset: what was built is read back, what is broken is a fault and never a wrong place."""

from __future__ import annotations

import random
import re
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from morphodose.design.filenames import Name, preset_pattern
from morphodose.design.presets import PRESETS
from morphodose.names import PLATE_FORMATS, normalise_well, row_letters, row_number

COUNT = 10_000
LETTERS = string.ascii_letters + string.digits + "_-() .~é日²"


@dataclass(frozen=True)
class Place:
    """What a name is built from; None where this name does not say it."""

    row: int
    col: int
    columns: int
    field: int | None
    z: int | None
    channel: str
    timepoint: int | None
    prefix: str

    @property
    def well(self) -> str:
        return f"{row_letters(self.row)}{self.col:02d}"


def random_place(random_: random.Random) -> Place:
    rows, columns = random_.choice(list(PLATE_FORMATS.values()))
    large = random_.random() < 0.1
    number = random_.randint(1, 99_999 if large else 99)
    prefix = "".join(random_.choices(LETTERS, k=random_.randint(1, 12))).strip(" .") or "x"
    return Place(
        random_.randint(1, rows), random_.randint(1, columns), columns, number, random_.randint(1, 120),
        str(random_.randint(1, 12)), random_.randint(1, 99), prefix,
    )  # fmt: skip


def extension(random_: random.Random) -> str:
    return random_.choice([".tif", ".tiff", ".TIF", ".Tiff"])


def cq1(place: Place, random_: random.Random) -> tuple[str, Place]:
    number = (place.row - 1) * place.columns + place.col
    name = f"W{number:04d}F{place.field:04d}T{place.timepoint:04d}Z{place.z:03d}C{place.channel}"
    return name + extension(random_), place


def cv8000(place: Place, random_: random.Random) -> tuple[str, Place]:
    line = random_.randint(1, 9)
    name = f"{place.prefix}_{place.well}_T{place.timepoint:04d}F{place.field:03d}L{line:02d}A{line:02d}"
    return f"{name}Z{place.z:02d}C{int(place.channel):02d}{extension(random_)}", place


def opera_phenix(place: Place, random_: random.Random) -> tuple[str, Place]:
    name = f"r{place.row:02d}c{place.col:02d}f{place.field:02d}p{place.z:02d}-ch{place.channel}"
    tail = random_.choice(["", "fk1", "fk1fl1", "fl1"])
    return f"{name}sk{place.timepoint}{tail}{extension(random_)}", place


def imagexpress(place: Place, random_: random.Random) -> tuple[str, Place]:
    said = replace(
        place,
        z=place.z if random_.random() < 0.7 else None,
        timepoint=place.timepoint if random_.random() < 0.7 else None,
        field=place.field if random_.random() < 0.7 else None,
    )
    folders = (f"TimePoint_{said.timepoint}/" if said.timepoint else "") + (
        f"ZStep_{said.z}/" if said.z else ""
    )
    guid = random_.choice(["", str(uuid.UUID(int=random_.getrandbits(128))).upper()])
    site = f"_s{said.field}" if said.field else ""
    prefix = place.prefix.replace("_thumb", "")
    return f"{folders}{prefix}_{place.well}{site}_w{place.channel}{guid}{extension(random_)}", said


def incell(place: Place, random_: random.Random) -> tuple[str, Place]:
    said = replace(
        place,
        channel=random_.choice(
            ["DAPI - DAPI", "FITC - FITC", "Cy3", "dsRed - dsRed", "Brightfield - TL 10%", "1"]
        ),
        z=place.z if random_.random() < 0.7 else None,
        timepoint=place.timepoint if random_.random() < 0.7 else None,
    )
    tail = (f" z {said.z}" if said.z else "") + (f" time {said.timepoint} - 0ms" if said.timepoint else "")
    wix = random_.choice(["", " wix 1"])
    place_ = f"{row_letters(place.row)} - {place.col:02d}(fld {place.field} wv {said.channel}{wix}{tail})"
    return place_ + extension(random_), said


def bbbc013(place: Place, random_: random.Random) -> tuple[str, Place]:
    said = replace(place, row=min(place.row, 26), field=None, z=None, timepoint=None)
    number = (said.row - 1) * place.columns + place.col
    return (
        f"Channel{place.channel}-{number:02d}-{row_letters(said.row)}-{place.col:02d}{extension(random_)}",
        said,
    )


BUILDERS: dict[str, Callable[[Place, random.Random], tuple[str, Place]]] = {
    "cq1": cq1, "cv8000": cv8000, "opera_phenix": opera_phenix, "imagexpress": imagexpress,
    "incell": incell, "bbbc013": bbbc013,
}  # fmt: skip


def imagexpress_new(place: Place, random_: random.Random) -> tuple[str, Place]:
    name = f"{place.prefix}_t{place.timepoint}_{place.well}_s{place.field}_w{place.channel}_z{place.z}"
    return name + extension(random_), place


def arrayscan(place: Place, random_: random.Random) -> tuple[str, Place]:
    said = replace(place, z=None, timepoint=place.timepoint if random_.random() < 0.5 else None)
    time = f"t{said.timepoint:02d}" if said.timepoint else ""
    return f"AS_1_{place.well}{time}f{place.field:02d}d{place.channel}{extension(random_)}", said


def scanr(place: Place, random_: random.Random) -> tuple[str, Place]:
    number = (place.row - 1) * place.columns + place.col
    said = replace(place, channel=random_.choice(["dapi", "cherry", "GFP long"]))
    text = random_.choice([f"{row_letters(place.row)}{place.col}", ""])
    name = f"{text}--W{number:05d}--P{place.field:05d}--Z{place.z:05d}--T{place.timepoint:05d}"
    return f"{name}--{said.channel}{extension(random_)}", said


def cytation(place: Place, random_: random.Random) -> tuple[str, Place]:
    said = replace(
        place, channel=random_.choice(["DAPI", "GFP 469,525", "Bright Field", "Tsf[Bright Field]"])
    )
    well = f"{row_letters(place.row)}{place.col}"
    if random_.random() < 0.5:
        said = replace(said, z=None)
        return f"{well}_02_1_{place.field}_{said.channel}_{place.timepoint:03d}{extension(random_)}", said
    name = f"{well}_02_SP{place.field}Z{place.z}_C1_{said.channel}_T{place.timepoint:03d}"
    return name + extension(random_), said


def incucyte(place: Place, random_: random.Random) -> tuple[str, Place]:
    said = replace(place, z=None, channel=random_.choice(["Phase", "Green"]), timepoint="03d06h00m")  # type: ignore[arg-type]
    # the channel, or the number of the vessel in a folder of the channel
    start = random_.choice([said.channel, f"{said.channel}/VID12"])
    name = f"{start}_{row_letters(place.row)}{place.col}_{place.field}_03d06h00m"
    return name + extension(random_), said


def columbus(place: Place, random_: random.Random) -> tuple[str, Place]:
    name = f"{place.row:03d}{place.col:03d}-{place.field}-{place.z:03d}{place.timepoint:03d}"
    return f"{name}{int(place.channel):03d}{extension(random_)}", place


def leica_matrix(place: Place, random_: random.Random) -> tuple[str, Place]:
    said = replace(place, field=f"r{place.field % 7:02d}_c01")  # type: ignore[arg-type]
    name = f"image--L0000--S00--U{place.col - 1:02d}--V{place.row - 1:02d}--J07--E00--O00--X01"
    name += f"--Y{place.field % 7:02d}--T{place.timepoint:04d}--Z{place.z:02d}--C{int(place.channel):02d}"
    return f"{name}.ome.tif", said


def micromanager(place: Place, random_: random.Random) -> tuple[str, Place]:
    folder = f"{row_letters(place.row)}{place.col}-Site_{place.field}"
    if random_.random() < 0.5:
        name = f"img_channel{int(place.channel):03d}_position007_time{place.timepoint:09d}_z{place.z:03d}"
        return f"{folder}/{name}{extension(random_)}", place
    said = replace(place, channel=random_.choice(["DAPI", "Cy5", "GFP_long"]))
    return f"{folder}/img_{place.timepoint:09d}_{said.channel}_{place.z:03d}{extension(random_)}", said


#: Presets whose valid names are tried, beside those of `BUILDERS`, whose broken names are tried, too.
FURTHER: dict[str, Callable[[Place, random.Random], tuple[str, Place]]] = {
    "imagexpress_new": imagexpress_new, "arrayscan": arrayscan, "scanr": scanr, "cytation": cytation,
    "incucyte": incucyte, "leica_matrix": leica_matrix, "micromanager": micromanager, "columbus": columbus,
}  # fmt: skip


def format_of(place: Place) -> int:
    return next(wells for wells, (_, columns) in PLATE_FORMATS.items() if columns == place.columns)


def expected(place: Place) -> tuple[str, int, int | None, str, str | None]:
    timepoint = str(place.timepoint) if place.timepoint else None
    return place.well, 1 if place.field is None else place.field, place.z, place.channel, timepoint


def said(name: Name, plate_format: int) -> tuple[str, int, int | None, str, str | None]:
    return normalise_well(name.well, plate_format), name.field, name.z, name.channel, name.timepoint


def test_every_preset_is_fuzzed() -> None:
    assert sorted(BUILDERS | FURTHER) == sorted(PRESETS)


@pytest.mark.parametrize("preset", FURTHER)
def test_names_of_further_instruments_are_read_as_they_were_built(preset: str) -> None:
    random_ = random.Random(f"valid {preset}")
    pattern = preset_pattern(preset)
    for _ in range(COUNT // 10):
        text, place = FURTHER[preset](random_place(random_), random_)
        name = pattern.parse(random_.choice(["", "images/", "24hrs_R1/"]) + text)
        assert isinstance(name, Name), (text, name)
        assert said(name, format_of(place)) == expected(place), text


@pytest.mark.parametrize("preset", BUILDERS)
def test_ten_thousand_valid_names_are_read_as_they_were_built(preset: str) -> None:
    random_ = random.Random(f"valid {preset}")
    pattern = preset_pattern(preset)
    for _ in range(COUNT):
        text, place = BUILDERS[preset](random_place(random_), random_)
        folder = random_.choice(["", "images/", "24hrs_R1/", f"{place.prefix}/"])
        name = pattern.parse(folder + text)
        assert isinstance(name, Name), (text, name)
        assert said(name, format_of(place)) == expected(place), text


def broken(text: str, random_: random.Random) -> str:
    """A name with one to three edits, as slips of the hand and of copy programs make them."""
    letters = list(text)
    for _ in range(random_.randint(1, 3)):
        at = random_.randrange(len(letters) + 1)
        action = random_.randrange(6)
        if action == 0:
            letters[at:at] = random_.choice(LETTERS)
        elif action == 1:
            letters[at : at + random_.randint(1, 3)] = []
        elif action == 2:
            letters[at : at + 1] = random_.choice(LETTERS)
        elif action == 3:
            letters = letters[:at] + letters[at : at + 4] * 2 + letters[at + 4 :]
        elif action == 4:
            letters[-5:] = random_.choice(
                [" (1).tif", " - Copy.tif", ".tif.part", ".tif~", "_1.tif", ".tif "]
            )
        else:
            letters = list("".join(letters).swapcase())
    return "".join(letters)


#: The parts of a name that say the place, in the order in which an instrument writes them.
SHAPES: dict[str, str] = {
    "cq1": r"W{well}F{field}T{timepoint}Z{z}C{channel}",
    "cv8000": r"{well}_T{timepoint}F{field}L\d+A\d+Z{z}C{channel}",
    "opera_phenix": r"r{row}c{col}f{field}p{z}-ch{channel}(sk|t){timepoint}(fk\d+)?(fl\d+)?",
    "imagexpress": r"{well}(_s{field})?(_w{channel})?([0-9A-Fa-f]{{8}}(-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}})?",
    "incell": r"{row} - {col}\(fld {field} wv {channel}( wix \d+)?( z {z})?( time {timepoint} - \d+ ?ms)?\)",
    "bbbc013": r"Channel{channel}-\d+-{row}-{col}",
}


def assert_the_name_says_this(preset: str, text: str, name: Name) -> None:
    """Write the parsed parts into the shape of the preset: the file name has to end with exactly that."""
    number = r"0*{}".format
    row, col = re.fullmatch(r"([A-Za-z]*)(\d+)", name.well).groups() if preset != "cq1" else ("", name.well)  # type: ignore[union-attr]
    parts = {
        "well": number(int(name.well)) if preset == "cq1" else re.escape(name.well),
        "row": number(row_number(row)) if preset == "opera_phenix" else re.escape(row),
        "col": number(int(col)),
        "field": number(name.field),
        "z": number(name.z if name.z is not None else r"(?!)"),
        "channel": number(name.channel)
        if name.channel.isdecimal()
        else r"\s*" + re.escape(name.channel) + r"\s*",
        "timepoint": number(name.timepoint if name.timepoint is not None else r"(?!)"),
    }
    shape = SHAPES[preset].format(**parts)
    start = "" if preset in ("cq1", "opera_phenix", "bbbc013") else "([^/]*_)?"
    file = text.rpartition("/")[2]
    assert re.fullmatch(
        rf"{start}{shape}(\.ome)?\.(tiff?|btf|tf[28]|zarr|czi|nd2|lif)", file, re.IGNORECASE
    ), (
        text,
        name,
        shape,
    )


@pytest.mark.parametrize("preset", BUILDERS)
def test_ten_thousand_broken_names_are_faults_or_say_what_was_read(preset: str) -> None:
    random_ = random.Random(f"broken {preset}")
    pattern = preset_pattern(preset)
    refused = 0
    for _ in range(COUNT):
        text, _ = BUILDERS[preset](random_place(random_), random_)
        text = broken(text, random_)
        name = pattern.parse(text)
        if isinstance(name, str):
            assert name
            refused += 1
        else:
            assert_the_name_says_this(preset, text, name)
    assert refused > COUNT // 3
