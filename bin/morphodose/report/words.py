"""Plain words and colours: what an endpoint is called, how a dose is written, what it looks like."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from morphodose.units import unit_words

#: Death states in the order they are stacked, with colours that stay apart in every colour vision
#: (blue against orange and red, wine as the darkest; after Okabe & Ito 2008 and P. Tol) and in grey.
STATES: dict[str, tuple[str, str]] = {
    "Viable": ("viable", "#2F6F93"),
    "EarlyApoptotic": ("early apoptotic", "#F3BD52"),
    "LateApoptotic": ("late apoptotic", "#DE7430"),
    "Necrotic": ("necrotic", "#4F1439"),
}

#: States of a screen with a single death marker.
SINGLE_STATES: dict[str, tuple[str, str]] = {
    "Dead": ("dead", STATES["LateApoptotic"][1]),
    "Dying": ("dying", STATES["EarlyApoptotic"][1]),
}

VEHICLE_COLOUR = "#4D4D4D"

_ENDPOINTS = {
    "Count_Cells": "Cells counted",
    "Count_CellsPerField": "Cells per field",
    "Relative_CellCount": "Cells, relative to vehicle",
    "Relative_ViableCount": "Viable cells, relative to vehicle",
    "Count_NucleiPerField": "Nuclei per field",
    "Relative_NucleiCount": "Nuclei, relative to vehicle",
    "Fraction_Lost": "Cells lost against vehicle",
    "Fraction_Dead": "Dead cells (late apoptotic or necrotic)",
    "Fraction_Dying": "Dying or dead cells (all but viable)",
    "Fraction_Viable": "Viable cells",
    "Fraction_EarlyApoptotic": "Early apoptotic cells",
    "Fraction_LateApoptotic": "Late apoptotic cells",
    "Fraction_Necrotic": "Necrotic cells",
}

_FEATURE = re.compile(r"^(Cells|Nuclei|Cytoplasm)_([A-Za-z]+)_(.+)$")


def endpoint_words(endpoint: str, units: Mapping[str, str] | None = None) -> str:
    """Name of an endpoint as a biologist would say it, with its unit where it has one."""
    if endpoint in _ENDPOINTS:
        return _ENDPOINTS[endpoint]
    unit = unit_words((units or {}).get(endpoint))
    tail = f" ({unit})" if unit else ""
    if endpoint.startswith("Endpoint_"):
        return endpoint.removeprefix("Endpoint_").replace("_", " ") + tail
    viable = ", viable cells" if endpoint.startswith("MedianViable_") else ""
    name = endpoint.removeprefix("MedianViable_").removeprefix("Median_")
    if match := _FEATURE.match(name):
        what = {"Cells": "Cell", "Nuclei": "Nucleus", "Cytoplasm": "Cytoplasm"}[match[1]]
        first, *rest = match[3].split("_")  # what follows the figure is channels and scales
        figure = " ".join([re.sub(r"(?<=[a-z])(?=[A-Z])", " ", first).lower(), *rest])
        group = "" if match[2] in ("AreaShape", "Intensity") else f"{match[2].lower()} "
        return f"{what} {group}{figure}{viable}{tail}"
    return name.replace("_", " ") + tail


def number(value: float, digits: int = 2) -> str:
    """A number with `digits` digits that count, and no exponent in the range of doses."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1e5 or abs(value) < 1e-4:
        return f"{value:.{digits - 1}e}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def minus(value: float) -> str:
    """As `number`, with a true minus sign: for what is read and not computed with."""
    return number(value).replace("-", "−")


def percent(value: float, digits: int = 0) -> str:
    """A fraction as per cent; what is above 0 but rounds to it says so."""
    if value is None or not math.isfinite(value):
        return "–"
    if 0 < value < 0.005 and digits == 0:
        return "<1 %"
    text = f"{100 * value:.{digits}f}"
    return f"{text.lstrip('-') if float(text) == 0 else text} %".replace("-", "−")


def dose_words(dose: float, unit: str | None) -> str:
    """A dose with its unit: ``0.3 µM``; exact to four digits."""
    return f"{number(float(dose), 4)} {unit_words(unit)}".rstrip()


def hours(timepoint: float) -> str:
    """A time: ``48 h``."""
    return f"{float(timepoint):g} h"


def listed(items: Iterable[object], most: int = 6) -> str:
    """``a, b and c``; what is beyond `most` is counted."""
    names = [str(item) for item in items]
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def lower(text: str) -> str:
    """A text that begins a sentence, within one."""
    return text[:1].lower() + text[1:]


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 field``, ``3 fields``, ``1,296 fields``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def ramp(count: int, name: str = "viridis") -> list[str]:
    """`count` colours from light to dark of a perceptually uniform map, its palest end left out."""
    import matplotlib

    colours = matplotlib.colormaps[name]
    places = [0.5] if count == 1 else [0.82 - 0.82 * i / (count - 1) for i in range(count)]
    return [_hex(colours(place)) for place in places]


def _hex(rgba: Sequence[float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgba[:3])


def file_name(text: str) -> str:
    """A text as part of a file name: letters, digits and underscores."""
    return (
        "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in text)
        .strip("_")
        .lower()
    )


def figure_text(text: object) -> str:
    """Text for a label of a Matplotlib figure, where a dollar sign would start a formula."""
    return str(text).replace("$", r"\$").replace("\n", " ")


def duration(value: float) -> str:
    """Seconds in words: ``3.2 s``, ``12 min``, ``4.5 h``."""
    if value != value:
        return "–"
    if value < 90:
        return f"{number(value)} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"
