"""An EC50 in words: never a number without its state."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from morphodose.report.html import Safe, escape
from morphodose.report.inputs import ReportInputs
from morphodose.report.words import counted, dose_words, number
from morphodose.responses.endpoints import is_death
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd

NO_REASON = "no reason is recorded"
NO_CELL = "no cell was found in any well"
#: State → (word, class of its badge).
STATES = {
    "fitted": ("fitted", "md-ok"),
    "imprecise": ("imprecise", "md-warn"),
    "unbounded": ("unbounded", "md-warn"),
    "refused": ("refused", "md-stop"),
}


def finite(value: Any) -> TypeGuard[float]:
    """Whether a value of a table is a number."""
    return isinstance(value, int | float) and math.isfinite(value)


def interval(low: Any, high: Any) -> str:
    """``0.9 – 1.6``; an open end is ``below …`` or ``above …``, an open interval ``not bounded``."""
    if finite(low) and finite(high):
        return f"{number(low)} – {number(high)}"
    if finite(low):
        return f"above {number(low)}"
    return f"below {number(high)}" if finite(high) else "not bounded"


def badge(state: Any) -> Safe:
    """The state as a coloured word."""
    word, style = STATES.get(str(state), (str(state), "md-stop"))
    return Safe(f'<span class="md-state {style}">{escape(word)}</span>')


def ec50_name(endpoint: str) -> str:
    """``LC50`` where the endpoint is death, else ``EC50``: the same dose under the name of its field."""
    return "LC50" if is_death(endpoint) else "EC50"


def ec50_words(row: Mapping[str, Any]) -> str:
    """EC50 of one row of `responses`, with its interval: ``1.2 µM (0.9 – 1.6)``, ``> 30 µM``, ``–``.

    An unbounded curve has no EC50 among the doses; what is known is a bound, from one side.
    """
    unit = row.get("Metadata_DoseUnit")
    state, value = str(row.get("State")), row.get("EC50")
    if state in ("fitted", "imprecise") and finite(value):
        limits = interval(row.get("EC50_Low"), row.get("EC50_High"))
        return f"{number(value, 3)} {unit_words(unit)}".rstrip() + f" ({limits})"
    if state == "unbounded":
        low, high, top = row.get("EC50_Low"), row.get("EC50_High"), row.get("Dose_Max")
        if finite(high) and not finite(low):
            return f"< {dose_words(float(number(high)), unit)}"
        bound = low if finite(low) else top
        return f"> {dose_words(float(number(bound)), unit)}" if finite(bound) else "beyond the highest dose"
    return "no EC50"


def ec50_phrase(row: Mapping[str, Any]) -> str:
    """An EC50 within a sentence: ``EC50 1.2 µM (95 % interval 0.9 – 1.6), fitted``; a reason if it is not."""
    answer = ec50_words(row).replace("(", "(95 % interval ")
    answer = answer if answer.startswith("no ") else f"EC50 {answer}"
    state, reason = str(row.get("State")), row.get("Reason")
    why = f": {reason}" if state != "fitted" and isinstance(reason, str) and reason else ""
    turn = f"; {row['Turn']}" if isinstance(row.get("Turn"), str) and row["Turn"] else ""
    return f"{answer}, {state}{why}{turn}"


def refusals(reasons: Iterable[Any]) -> str:
    """The commonest reasons of refused curves, with how often if they have several.

    What stands in brackets (a rate, a P value) differs from curve to curve and is left out.
    """
    plain = (
        re.sub(r"\s*\([^()]*\)", "", str(reason)).strip() for reason in reasons if isinstance(reason, str)
    )
    found = Counter(text for text in plain if text)
    if len(found) == 1:
        return next(iter(found))
    return (
        "; ".join(f"{text} in {counted(count, 'curve')}" for text, count in found.most_common(3)) or NO_REASON
    )


def no_curves(screen: ReportInputs) -> str:
    """Why there is no table of responses."""
    if reason := screen.left_out("fit_responses"):
        return reason
    roles = set(screen.wells["Metadata_Role"])
    if "treated" not in roles:
        return "no well has the role treated, so there is no dose to follow"
    if "vehicle" not in roles:
        return "no well has the role vehicle, so there is nothing to compare with"
    if no_cell(screen.wells):
        return NO_CELL
    if len(screen.responses.columns):
        return "no endpoint has a value in enough wells"
    return "responses.parquet of fit_responses was not given (--responses)"


def no_cell(wells: pd.DataFrame) -> bool:
    """Whether cells were counted in these wells, and none was found."""
    return "Count_Cells" in wells and len(wells) > 0 and not wells["Count_Cells"].fillna(0).any()
