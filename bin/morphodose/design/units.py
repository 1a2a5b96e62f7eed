"""Units of doses: how they are written, and what converts into what."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_PREFIX = {"": 0, "k": 3, "d": -1, "m": -3, "u": -6, "mc": -6, "n": -9, "p": -12, "f": -15}
_WORD = {"milli": "m", "micro": "u", "nano": "n", "pico": "p", "femto": "f", "": ""}

_MOLAR = re.compile(r"([munpf]?)M")
_SMALL_MOLAR = re.compile(r"([munpf])m|([UNPF])M")  # a dose is not a length: um is uM; MM may be M or mM
_MOLAR_WORD = re.compile(r"(milli|micro|nano|pico|femto|)molar", re.IGNORECASE)
_MOLES = re.compile(r"([munpf]?)mol(?:es?)?/[lL]")
_MASS = re.compile(r"(k|m|u|mc|n|p|f|)g/(d|m|u|n|)[lL]")
_PERCENT = re.compile(r"(?:%|percent|pct)\s*\(?\s*(?:([vwm])\s*/\s*([vwm]))?\s*\)?", re.IGNORECASE)


@dataclass(frozen=True)
class Unit:
    """A unit: its one name, what it measures, and the power of ten to the base unit of that."""

    name: str
    measures: str = ""
    power: int = 0


def read_unit(text: str) -> Unit:
    """The unit that a text names; one that is not known stands as written, and converts into none.

    Known are M, mM, uM, nM, pM, fM (also as mol/L and in words), masses a volume such as mg/mL, and %.
    """
    plain = unicodedata.normalize("NFKC", text).replace("μ", "u").strip()
    compact = re.sub(r"\s*(?:/|\bper\b)\s*", "/", plain)
    if match := _MOLAR.fullmatch(compact) or _MOLES.fullmatch(compact):
        return _molar(match[1])
    if match := _SMALL_MOLAR.fullmatch(compact):
        return _molar((match[1] or match[2]).lower())
    if match := _MOLAR_WORD.fullmatch(compact):
        return _molar(_WORD[match[1].lower()])
    if match := _MASS.fullmatch(compact):
        mass = "u" if match[1] == "mc" else match[1]
        return Unit(f"{mass}g/{match[2]}L", "mass", _PREFIX[mass] - _PREFIX[match[2]])
    if match := _PERCENT.fullmatch(compact):
        # of volume and of weight are different things
        name = f"% {match[1]}/{match[2]}".lower() if match[1] else "%"
        return Unit(name, name)
    return Unit(text.replace("µ", "u").replace("μ", "u"))


def _molar(prefix: str) -> Unit:
    return Unit(f"{prefix}M", "molar", _PREFIX[prefix])


def convert(value: float, unit: Unit, other: Unit) -> float:
    """A value in another unit of what it measures, to 12 digits: 0.3 nM is 0.0003 uM and nothing beside.

    Raises
    ------
    ValueError
        If the units do not measure the same.
    """
    if unit.name == other.name:
        return value
    if not unit.measures or unit.measures != other.measures:
        raise ValueError(f"{unit.name} cannot be converted into {other.name}")
    power = unit.power - other.power
    exact = value * 10**power if power > 0 else value / 10**-power
    return float(f"{exact:.12g}")


def unit_in(label: str) -> str:
    """The unit that a heading such as ``dose (µM)`` or ``conc_nM`` ends with; empty where it has none."""
    match = re.search(
        r"(?:[(\[]\s*([^()\[\]]+?)\s*[)\]]|[\s_]+in[\s_]+(\S+)|[\s_,]+([^\s_,()\[\]]+))\s*$", label
    )
    unit = next((text for text in match.groups() if text), "") if match else ""
    return unit if read_unit(unit).measures else ""
