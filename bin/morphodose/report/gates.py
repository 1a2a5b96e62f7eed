"""Check: are the death gates sound? Gates that could not be set, failed stains, acquisitions that differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from morphodose.report.checks import Check, State, not_checked, worst
from morphodose.report.inputs import ReportInputs
from morphodose.report.words import counted, listed, percent
from morphodose.responses.groups import GROUP

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "Are the death gates sound?"
#: Vehicle cells above the gate.
GATE_POSITIVE = 0.2
#: Unstained cells of an acquisition lie elsewhere than those of the others: standard deviations of the
#: centre, and times of the spread.
MOST_SHIFT, MOST_RATIO = 3.0, 2.0
#: Share of the gates with a doubt above which it is a fault.
DOUBTED = 0.5
#: Change of a fraction of treated cells as the gate is moved by 0.1 of a decade.
MOVED = 0.1


def gate_checks(screen: ReportInputs) -> list[Check]:
    """Gates that are not set or call many vehicle cells stained; doubts; acquisitions that differ."""
    gates = screen.gates
    if gates.empty or "Threshold" not in gates:
        if screen.has("Fraction_Viable"):
            return [not_checked(QUESTION, "the table of gates was not given (--gates)")]
        return []  # no death marker: no gate
    states: list[State] = []
    lines = []
    unset = gates["Threshold"].isna()
    if unset.any():
        reasons = sorted({str(r) for r in gates.loc[unset, "Reason"].dropna()}) if "Reason" in gates else []
        states.append("stop" if unset.all() else "warn")
        text = f"{int(unset.sum())} of {counted(len(gates), 'gate')} could not be set"
        lines.append(text + (f": {listed(reasons, 2)}" if reasons else ""))
    if "Fraction_VehiclePositive" in gates:
        high = gates["Fraction_VehiclePositive"] > GATE_POSITIVE
        if high.any():
            states.append("warn")
            lines.append(
                f"{int(high.sum())} of {counted(len(gates), 'gate')} call more than {percent(GATE_POSITIVE)} "
                "of the vehicle cells stained"
            )
    doubted = gates[gates["Doubt"].notna()] if "Doubt" in gates else gates.iloc[:0]
    if len(doubted):
        states.append("stop" if len(doubted) > DOUBTED * len(gates) else "warn")
        lines.append(
            f"states are doubtful because of {len(doubted)} of {counted(len(gates), 'gate')}: "
            f"{_doubts(doubted)}"
        )
    if found := differing(gates):
        states.append("warn")
        lines.append(f"unstained cells differ between acquisitions: {listed(found, 3)}")
    if found := movable(gates):
        states.append("warn")
        lines.append(
            f"fractions change by more than {MOVED:g} as the gate moves by 0.1 of a decade: "
            f"{listed(found, 3)}"
        )
    if not lines:
        return [Check("ok", QUESTION, f"{counted(len(gates), 'gate')}, all set on control wells.")]
    text = "; ".join(lines)
    return [Check(worst(states), QUESTION, f"{text[:1].upper()}{text[1:]}.")]


def _doubts(gates: pd.DataFrame) -> str:
    """Each doubt once, with the channels and acquisitions it holds for."""
    where: dict[str, list[str]] = {}
    for gate in gates.to_dict("records"):
        name = f"{gate.get('Channel')} {acquisition_of(gate)}".strip()
        where.setdefault(str(gate["Doubt"]), []).append(name)
    return listed([f"{text} ({listed(dict.fromkeys(names), 3)})" for text, names in where.items()], 3)


def differing(gates: pd.DataFrame) -> list[str]:
    """Acquisitions whose unstained cells (of a group) lie elsewhere, or are wider, than in the others."""
    found: list[str] = []
    if not {"Column", "Centre", "Spread", "Metadata_Acquisition"} <= set(gates):
        return found
    by = ["Column", GROUP] if GROUP in gates else ["Column"]
    for _column, mine in gates[gates["Spread"] > 0].groupby(by, sort=False, dropna=False):
        if len(mine) < 2:
            continue
        centre, spread = float(mine["Centre"].median()), float(mine["Spread"].median())
        for gate in mine.to_dict("records"):
            # of two, neither is the odd one: the difference is of both
            shift = abs(gate["Centre"] - centre) * (2 if len(mine) == 2 else 1)
            ratio = abs(math.log(gate["Spread"] / spread)) * (2 if len(mine) == 2 else 1)
            if shift > MOST_SHIFT * max(spread, gate["Spread"]) or ratio > math.log(MOST_RATIO):
                found.append(
                    f"{gate['Channel']} of {acquisition_of(gate)} ({gate['Centre']:,.0f} ± "
                    f"{gate['Spread']:,.0f} counts, all {centre:,.0f} ± {spread:,.0f})"
                )
    return list(dict.fromkeys(found))


def movable(gates: pd.DataFrame) -> list[str]:
    """Gates on which the fraction of treated cells hangs, with what it is at lower and higher gates."""
    names = [f"Fraction_Stained_treated{end}" for end in ("", "_GateLower", "_GateHigher")]
    if not set(names) <= set(gates):
        return []
    found = []
    # PI of whole cells is read of the few without nucleus alone
    one = [name for name in ("Metadata_Acquisition", GROUP, "Channel") if name in gates]
    main = gates.drop_duplicates(one)
    for gate in main.to_dict("records"):
        at, low, high = (float(gate[name]) for name in names)
        if max(abs(low - at), abs(high - at)) > MOVED:
            found.append(
                f"{gate.get('Channel')} of {acquisition_of(gate)} ({percent(high)} to {percent(low)})"
            )
    return list(dict.fromkeys(found))


def acquisition_of(gate: Mapping[Any, Any]) -> str:
    """Acquisition of a gate, with its group where groups have gates of their own."""
    name, group = str(gate.get("Metadata_Acquisition") or ""), gate.get(GROUP)
    return f"{name}, {group}" if isinstance(group, str) and group else name


def moved_words(gate: dict[str, object]) -> str | None:
    """Fraction of treated cells above the gate, and above gates 0.1 of a decade higher and lower."""
    values = [gate.get(f"Fraction_Stained_treated{end}") for end in ("", "_GateHigher", "_GateLower")]
    if not all(isinstance(value, float) and math.isfinite(value) for value in values):
        return None
    at, high, low = (percent(float(str(value)), 1) for value in values)
    return f"{at} ({high} – {low})"
