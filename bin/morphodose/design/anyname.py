"""Names that no instrument's software gave: well, field, z, channel and time by what people write.

The well is what looks most like one; a number is what the letters before it commonly mean (``f2``, ``z03``,
``ch1``, ``t4``, ``24h``); other words are the channel. A number behind the well that means nothing known
leaves the name not understood: nothing is guessed from the order of bare numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from morphodose.design.times import DATE

#: Dyes, fluorescent proteins and contrasts: a word that is known as a channel wherever it stands.
_DYE = re.compile(
    r"dapi|hoechst(?: ?33342| ?33258)?|h33342|draq ?\d?|nuc(?:lei|leus|lear|blue|green|red)?|dna|fitc|"
    r"[a-z]*[gycrb]fp|m?cherry|tdtomato|tritc|rhodamine|txred|texas ?red|cy ?[2357](?:\.5)?|"
    r"(?:alexa(?:fluor)?|af|atto|dylight)? ?\d{3}(?: ?nm)?|alexa|sytox|syto ?\d*|annexin ?v?|"
    r"propidium(?: iodide)?|pi|7-?aad|tmrm|tmre|mito(?:tracker)?|calcein|cell ?mask|cell ?tracker|actin|"
    r"phalloidin|tubulin|wga|"
    r"con ?a|bodipy|lyso(?:tracker)?|edu|brdu|bright[ -]?field|bf|phase(?: ?contrast)?|ph ?[123l]|dic|trans|"
    r"tl|far-?red|red|green|blue",
    re.IGNORECASE,
)
_POSITION = re.compile(r"(?:[ _-]+(?:site|pos|position|field|fov|f|s)[ _-]?\d+)?", re.IGNORECASE)
_NUMBER_END = r"(?!\d|[.,]\d)"


def _counted(words: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![A-Za-z])(?:{words})[ _=-]?(?P<value>\d+){_NUMBER_END}", re.IGNORECASE | re.ASCII
    )


#: What the letters before a number mean.
_TOKENS = {
    "z": _counted(r"z[ _-]?(?:step|stack|slice|plane|pos)|z|slice|stack|plane"),
    "field": _counted(
        r"(?<!bright)(?<!bright[ _-])field(?: of view)?|fld|fov|site|pos(?:ition)?|point|scene|tile|f|s|p|xy"
    ),
    "channel": _counted(r"channel|chan|ch|wave(?:length)?|wv|w|c"),
    "timepoint": _counted(r"time[ _-]?(?:point|step)?|tp|t|frame"),
    "replicate": _counted(r"replicate|rep|r"),
}
# P1 before the well is a plate, not a position
_TOKENS_BEFORE = _TOKENS | {"field": _counted(r"field|fld|fov|site|pos(?:ition)?|point|scene|tile|f|s|xy")}
_PLATE = re.compile(
    r"(?<![A-Za-z])(?:plate|barcode)[ _-]?(?P<value>[A-Za-z]{0,3}\d+|[A-Za-z])(?![A-Za-z0-9])", re.IGNORECASE
)
_TILE = re.compile(r"(?<![A-Za-z])r(?P<row>\d+)[ _-]?c(?P<col>\d+)(?!\d)", re.IGNORECASE | re.ASCII)
#: A number in brackets, as Windows writes it when files are renamed together.
_BRACKETED = re.compile(r"\((?P<value>\d+)\)", re.ASCII)
#: Times that a name writes out: a date, or a number with its unit.
_TIMES = (
    re.compile(rf"(?P<value>{DATE})", re.ASCII),
    re.compile(r"(?<![A-Za-z0-9])(?P<value>days?[ _-]?\d+)(?![A-Za-z0-9])", re.IGNORECASE | re.ASCII),
    re.compile(
        r"(?<![A-Za-z0-9.])(?:t(?:ime)?[ _-]?)?"
        r"(?P<value>\d+(?:[.,]\d+)?[ _]?(?:hours?|hrs?|h|minutes?|mins?|days?))(?![A-Za-z0-9])",
        re.IGNORECASE | re.ASCII,
    ),
)
#: A projection of the z-planes, by the instrument or by a person (ImageJ writes MAX_ before the name).
_PROJECTED = re.compile(
    r"(?<![A-Za-z0-9])(?:mip|max[ _-]?(?:ip|proj(?:ection)?)|z?proj(?:ect(?:ed|ion))?|edf)(?![A-Za-z0-9])"
    r"|^(?:max|avg|sum|med|std|min)_",
    re.IGNORECASE,
)
_FREE = r"(?<![A-Za-z0-9])"
# what begins another token may follow the well: B02f01
_END = r"(?![A-Za-z0-9])|(?=(?:[fstzcdpw]|ch)\d)"
_ROWS = "[A-P]|A[A-F]"
#: Forms of a well, those that are hardest to take for anything else first.
_WELLS = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"{_FREE}(?i:well)[ _-]*(?P<row>(?i:[A-Z]|A[A-F]))[ _-]?(?P<col>\d{{1,3}})(?!\d)",
        rf"{_FREE}(?P<row>{_ROWS})(?P<col>\d\d|0\d\d)(?:{_END})",
        rf"{_FREE}(?i:r|row[ _-]?)(?P<row>\d{{1,2}})[ _-]?(?i:c|col(?:umn)?[ _-]?)(?P<col>\d{{1,2}})(?!\d)",
        rf"{_FREE}(?i:row)[ _-]?(?P<row>[A-Pa-p])[ _-]*(?i:col(?:umn)?)[ _-]?(?P<col>\d{{1,2}})(?!\d)",
        rf"{_FREE}(?P<row>{_ROWS})(?P<col>[1-9])(?:{_END})",
        rf"{_FREE}(?P<row>{_ROWS})(?: - |[ _-])(?P<col>\d{{1,3}})(?![A-Za-z0-9])",
        rf"{_FREE}(?P<row>[abdeg-o])(?P<col>\d\d)(?:{_END})",
        rf"{_FREE}(?P<row>[A-Z])(?P<col>\d\d)(?:{_END})",
        rf"^(?P<row>[a-p]|a[a-f])(?P<col>\d{{1,2}})(?:{_END})",
    )
)
#: A second well behind the first, as of two wells in one image; C, D, F, P, S, T, W, Z may begin other parts.
SECOND_WELL = re.compile(
    r"(?P<gap> ?(?:[-_+&]| to | and ) ?)(?P<row>[ABEGHI-OQRUVXY])(?P<col>\d\d)(?![A-Za-z0-9])"
)
#: Words that say nothing of what is in a file, and count files where a number is with them.
_SERIAL = re.compile(
    r"(?P<word>image|img|im|file|pic(?:ture)?|series|no|nr|n|id|exp|export(?:ed)?)(?P<number>[ -]?\d+)?",
    re.IGNORECASE,
)
# NIS-Elements: a running number of files, the well again as a point, and a list of the channels in a file
_COUNTER = re.compile(r"(?<![A-Za-z])(?:seq[ _-]?\d+|point[A-P]\d\d)", re.IGNORECASE | re.ASCII)
_SEVERAL = re.compile(r"(?<![A-Za-z])channel[A-Za-z0-9 -]+(?:,[A-Za-z][A-Za-z0-9 -]*)+", re.IGNORECASE)
# BD Pathway: a channel and the number of its frame, Hoechst - n000001
_FRAME = re.compile(r"(.*\S) - n(\d{6})")
#: Bare numbers that may be a field, or the wavelength of a laser or filter.
_WAVELENGTHS = range(350, 851)


class _Text:
    """A text whose understood parts are taken out one after the other."""

    def __init__(self, text: str, tokens: Mapping[str, re.Pattern[str]] = _TOKENS) -> None:
        self.found: dict[str, str] = {}
        self.text = _COUNTER.sub("\0", text)
        for pattern in _TIMES:
            self._take("timepoint", pattern)
        if match := _PROJECTED.search(self.text):
            self._out(match)
        if match := _TILE.search(self.text):
            self._out(match)
            self.found |= {"tile_row": match["row"], "tile_col": match["col"]}
        self._take("plate", _PLATE)
        for meaning, pattern in tokens.items():
            self._take(meaning, pattern)
        if "tile_row" not in self.found:
            self._take("field", _BRACKETED)

    def _take(self, meaning: str, pattern: re.Pattern[str]) -> None:
        if meaning not in self.found and (match := pattern.search(self.text)):
            self._out(match)
            self.found[meaning] = match["value"]

    def _out(self, match: re.Match[str]) -> None:
        self.text = f"{self.text[: match.start()]}\0{self.text[match.end() :]}"

    def words(self) -> list[str]:
        """What is left, in pieces; a bare number is a piece of its own."""
        pieces: list[str] = []
        for piece in re.split(r"[\0_/]+|,(?!\d)", _SEVERAL.sub("\0", self.text)):
            piece = piece.strip().strip(" -.,").lstrip(" )]}").rstrip(" ([{")
            if piece[:1] in ("(", "[", "{") and piece[-1:] in (")", "]", "}"):
                piece = piece[1:-1].strip()
            bare = re.sub(r"^(?:channel|ch)[ -]?(?=[A-Za-z])", "", piece, flags=re.IGNORECASE)
            piece = bare if is_dye(bare) else piece
            if _DYE.fullmatch(piece):
                pieces.append(piece)
            elif frame := _FRAME.fullmatch(piece):
                pieces += frame.groups()
            elif match := re.fullmatch(r"(\d+)[ -]+(\D.*)|(.*\S)[ -]+(0\d*|\d{1,2})", piece):
                pieces += [part for part in match.groups() if part]
            elif piece:
                pieces.append(piece)
        return pieces


def parse_any(stem: str, folders: Sequence[str]) -> dict[str, str] | str:
    """What a name says, as the groups of a file pattern, or why it is not understood.

    `prefix` is the text before the well, such as a plate's or an experiment's; `word` is text that may be a
    channel's.

    Parameters
    ----------
    stem : str
        The file's name without its extension.
    folders : sequence of str
        The folders below the acquisition's in which it lies.

    Examples
    --------
    >>> parse_any("B-02_DAPI_f1_z03", [])
    {'row': 'B', 'col': '02', 'field': '1', 'z': '03', 'channel': 'DAPI'}
    """
    well = next((match for pattern in _WELLS if (match := pattern.search(stem))), None)
    above = len(folders)  # of the folders, those above the well's
    if well is not None and well["row"] == "P":  # of P1-B2, P1 is the plate
        others = (other for other in well.re.finditer(stem, well.end()) if other["row"] in "ABEGHI")
        well = next(others, well)
    if well is not None:
        second = SECOND_WELL.match(stem, well.end())
        if second and (second["row"], int(second["col"])) != (well["row"].upper(), int(well["col"])):
            return "the name has two wells"
        before, after = _Text(stem[: well.start()], _TOKENS_BEFORE), _Text(stem[well.end() :])
    else:
        wells = [match for name in reversed(folders) if (match := _well_folder(name))]
        if not wells:
            return "the name has no well"
        # P1 beside the folder of another well is a position, or a plate
        well = next((match for match in wells if match["row"] != "P"), wells[0])
        before, after = _Text(""), _Text(stem)
        above = folders.index(well.string)
        rest = f"{well.string[: well.start()]} {well.string[well.end() :]}"
        folders = [rest if name == well.string else name for name in folders]
    said = dict(after.found)
    words, fault = _words_of_channel(after.words(), said)
    if fault:
        return fault
    prefix = before.words()
    dyes = [word for word in words if is_dye(word)] or [word for word in prefix if is_dye(word)]
    said = before.found | said
    number = said.pop("channel", "")
    channel = " ".join([str(int(number)), *dyes]) if number else "_".join(dyes)
    for at, name in reversed(list(enumerate(folders))):
        outer = _Text(name, _TOKENS_BEFORE if at < above else _TOKENS)
        said = outer.found | said
        channel = channel or said.pop("channel", "") or (name if is_dye(name) else "")
    said.pop("channel", None)
    # words that are not dyes may be a channel's, or anything
    said |= {"channel": channel} if channel else {"word": "_".join(words)}
    said["prefix"] = "_".join(word for word in prefix if not is_dye(word))
    place = {"row": well["row"].upper(), "col": well["col"]}
    return place | {key: value for key, value in said.items() if value}


def _well_folder(name: str) -> re.Match[str] | None:
    """The well that a folder is named for, alone or with a position (``B02-Site_1``)."""
    matches = (pattern.search(name) for pattern in _WELLS)
    return next((match for match in matches if match and _POSITION.fullmatch(name, match.end())), None)


def _words_of_channel(pieces: Sequence[str], said: dict[str, str]) -> tuple[list[str], str]:
    """Words of the channel, and why the name is not understood or ''; a lone bare number is the field."""
    words: list[str] = []
    for piece in pieces:
        if piece.isdecimal() and piece.isascii():
            if words and is_dye(words[-1]) and len(piece) > 2 and piece[0] != "0":
                words[-1] += f" {piece}"  # Alexa_647
            elif "field" in said or "tile_row" in said:
                return [], "a bare number of the name, beside its field, has no known meaning"
            elif int(piece[:9]) in _WAVELENGTHS and piece[0] != "0":
                return [], "a bare number of the name may be a field or a wavelength"
            else:
                said["field"] = piece
        elif match := _SERIAL.fullmatch(piece):
            if match["number"]:
                return [], f"the number behind '{match['word']}' in the name has no known meaning"
        else:
            words.append(piece)
    return words, ""


def is_dye(text: str) -> bool:
    """Whether a text, or a word of it, is a channel's."""
    words = (text, *re.split(r"[ .-]+", text))
    return not text.isdecimal() and any(_DYE.fullmatch(word) for word in words if not word.isdecimal())
