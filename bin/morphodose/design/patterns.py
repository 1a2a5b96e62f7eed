"""Finding the preset that understands a folder, and what to say where none does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from morphodose.design.anyname import SECOND_WELL, is_dye
from morphodose.design.faults import counted
from morphodose.design.filenames import Name, NamePattern, preset_pattern
from morphodose.design.presets import PRESETS, WELL_FILES

#: Names that are tried of a screen, evenly spread over it.
_SAMPLE = 1000
#: What letters before a number mean, in names of any origin.
_MEANINGS = {
    "field": ("f", "s", "fld", "field", "site", "pos", "position", "fov", "p"),
    "z": ("z", "zstep", "slice", "stack", "zstack", "plane"),
    "channel": ("c", "ch", "w", "wv", "channel", "d"),
    "timepoint": ("t", "time", "timepoint", "tp"),
}
_TOKENS = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]+")
_TWO_NUMBERS = re.compile(r"(?<![A-Za-z\d])\d{1,2}[-_]\d{1,2}(?!\d)")
#: Row and well, or column, of it by numbers: Row02_Well03.
_ROW_AND_WELL = re.compile(
    r"(?<![A-Za-z])(?P<row_word>row)(?P<gap>[-_ ]?)\d{1,2}"
    r"(?P<between>[-_ ]*(?:well|col(?:umn)?)[-_ ]?)\d{1,2}(?!\d)",
    re.IGNORECASE,
)
#: Row and column of a tile: r000_c002.
_TILE = re.compile(r"(?<![A-Za-z])r\d+(?P<gap>[_-]?)c\d+(?!\d)")
_WELL_TOKEN = re.compile(r"(?<![A-Za-z\d])[A-Pa-p](?:0[1-9]|[1-4]\d|[1-9])(?!\d)")


def best_preset(paths: Sequence[str]) -> str | None:
    """The preset that understands most of the names, or None where none understands any.

    An instrument's preset comes before the one for any name with a well, unless the latter understands more
    than twice as many, or also says a channel.
    """
    step = max(1, len(paths) // _SAMPLE)
    some = paths[::step]
    read = {name: _understood(preset_pattern(name), some) for name in PRESETS}
    best = max(read, key=lambda name: len(read[name]))
    without_channel = any("channel" in name.unsaid for name in read[best])
    if len(read[best]) == len(some) > 0 and not without_channel:
        return best
    any_name = _understood(preset_pattern("well_files"), some)
    with_channel = [name for name in any_name if "channel" not in name.unsaid | name.doubtful]
    if len(any_name) > 2 * len(read[best]) or (without_channel and 2 * len(with_channel) > len(some)):
        return "well_files"
    return best if read[best] else None


def _understood(pattern: NamePattern, paths: Sequence[str]) -> list[Name]:
    """Names that a preset understands; an instrument's preset has to read more than the well of it."""
    parsed = (pattern.parse(path) for path in paths if not pattern.ignored(path))
    return [
        name for name in parsed if not isinstance(name, str) and (not pattern.regexes or _says_more(name))
    ]


def _says_more(name: Name) -> bool:
    return name.unsaid != {"field", "channel"} or name.z is not None or name.timepoint is not None


def kind_of_name(path: str) -> str:
    """A file name with its numbers and the text that varies taken out: names of one kind are alike."""
    name = path.rpartition("/")[2]
    name = re.sub(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "<guid>", name)
    return re.sub(r"\d+", "#", _WELL_TOKEN.sub("<well>", name))


def kinds_of_names(entries: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """(reason, paths) of each kind of name, the commonest first; entries are (path, reason)."""
    groups: dict[tuple[str, str], list[str]] = {}
    for path, reason in entries:
        groups.setdefault((kind_of_name(path), reason), []).append(path)
    return sorted(
        ((reason, paths) for (_, reason), paths in groups.items()), key=lambda group: -len(group[1])
    )


def nearest_preset(path: str) -> tuple[str, str]:
    """The preset whose example is spelt most like a name, and that example."""
    kind = kind_of_name(path)
    examples = [(name, example) for name, preset in PRESETS.items() for example in preset.examples]
    examples += [("well_files", example) for example in WELL_FILES.examples]
    return max(examples, key=lambda one: SequenceMatcher(None, kind, kind_of_name(one[1])).ratio())


def pattern_to_start_from(path: str) -> str:
    """A regular expression with named groups that reads this name, as far as it can be guessed.

    Row02_Well03 and the first text such as B03 are the well, or two numbers such as 02-03 its row and column;
    a number is what the letters before it commonly mean. Empty where nothing looks like a well.
    """
    name = path.rpartition("/")[2]
    used: Counter[str] = Counter()
    if match := _ROW_AND_WELL.search(name):
        group = f"{match['row_word']}{match['gap']}(?P<row>\\d+){match['between']}(?P<col>\\d+)"
    # c01, d2, f1 and p03 are a channel, a day, a field and a plane rather than wells
    elif match := next((one for one in _WELL_TOKEN.finditer(name) if one[0][0] not in "cdfp"), None):
        group = r"(?P<well>[A-Pa-p]\d{1,2})"
    elif match := _TWO_NUMBERS.search(name):
        group = r"(?P<row>\d+)[-_](?P<col>\d+)"
    else:
        return ""
    end = match.end()
    if second := SECOND_WELL.match(name, end):
        group, end = rf"{group}{_escaped(second['gap'])}[A-P]\d+", second.end()
    before = _described(name[: match.start()], used)
    return before + group + _described(name[end:], used) + "$"


def _described(text: str, used: Counter[str]) -> str:
    if tile := _TILE.search(text):
        group = f"r(?P<tile_row>\\d+){_escaped(tile['gap'])}c(?P<tile_col>\\d+)"
        used["field"] += 1
        return _described(text[: tile.start()], used) + group + _described(text[tile.end() :], used)
    parts, last = [], ""
    for piece in re.split(r"([_ ./-]+)", text):
        if piece.isalnum() and is_dye(piece) and not used["channel"]:
            used["channel"] += 1
            parts.append(r"(?P<channel>[^_ ./-]+)")
            continue
        for token in _TOKENS.findall(piece):
            if token.isdecimal():
                meaning = next((what for what, words in _MEANINGS.items() if last.lower() in words), None)
                if meaning and not used[meaning]:
                    used[meaning] += 1
                    parts.append(rf"(?P<{meaning}>\d+)")
                else:
                    parts.append(r"\d+")
            else:
                parts.append(_escaped(token))
                if token.isalpha():
                    last = token
    return "".join(parts)


def _escaped(text: str) -> str:
    return re.escape(text).replace(r"\ ", " ").replace(r"\_", "_").replace(r"\-", "-")


def names_message(paths: Sequence[str], reason: str) -> str:
    """What is wrong with names of one kind, with three of them."""
    if len(paths) == 1:
        return reason
    names = [path.rpartition("/")[2] for path in paths[:3]]
    # names that are alike in each folder differ by it
    shown = ", ".join(names if len(set(names)) == len(names) else paths[:3])
    return f"{reason} ({counted(len(paths), 'name')} of this kind: {shown}{', …' if len(paths) > 3 else ''})"


def names_fix(path: str, pattern: NamePattern | None) -> str:
    """What to do about a name that is not understood."""
    near, example = nearest_preset(path)
    others = [name for name in PRESETS if pattern is None or name != pattern.name]
    if reader := next(
        (name for name in others if not isinstance(preset_pattern(name).parse(path), str)), None
    ):
        return (
            f"the preset {reader} reads it, but not the other names of the screen: move these away, or "
            f"into a screen of their own (--file_pattern {reader})"
        )
    start = pattern_to_start_from(path)
    start = (
        f"a pattern to start from: --file_pattern '{start}'"
        if start
        else "nothing in it looks like a well: put it into the images' names, or name a folder per well, "
        "such as B03_DAPI.tif or B03/DAPI.tif"
    )
    if r"\d+" in re.sub(r"\(\?P<\w+>\\d\+\)", "", start):
        start += r", with a name for each number that counts: (?P<field>\d+), (?P<z>\d+), (?P<channel>\d+)"
    if pattern is None:
        return f"the nearest preset is {near} ({example}); {start}"
    now = (
        f"now {pattern.name}, such as {pattern.example}"
        if pattern.example
        else f"now {pattern.regexes[0].pattern}"
    )
    return f"rename or remove it, or give another --file_pattern ({now}); {start}"
