"""What may be said of the network, and what not: its verdict, its scores, in sentences."""

from __future__ import annotations

import re
from typing import Any

from morphodose.report.answers import finite
from morphodose.report.deep_words import held_out_words, metric_words, model_words, range_words, score_words
from morphodose.report.html import escape
from morphodose.report.inputs import ReportInputs
from morphodose.report.words import listed

#: The metric of sentences: chance is the same for it whatever the number of cells in a class.
MAIN = "balanced_accuracy"
#: Models on the measurements, with which the network is compared.
MEASURED = ("classical_boosting", "classical_logistic")
LABELS = ("dose", "time")


def score(screen: ReportInputs, model: str, label: str, metric: str) -> dict[str, Any] | None:
    """Row of the scores, or None."""
    frame = screen.deep.scores
    if frame.empty:
        return None
    return _first(
        frame[
            (frame["Model"] == model)
            & (frame["Label"].str.lower() == label.lower())
            & (frame["Metric"] == metric)
        ]
    )


def difference(
    screen: ReportInputs, label: str, metric: str, against: str, model: str = "network"
) -> dict[str, Any] | None:
    """Row of the differences, or None."""
    frame = screen.deep.differences
    if frame.empty:
        return None
    return _first(
        frame[
            (frame["Model"] == model)
            & (frame["Against"] == against)
            & (frame["Label"].str.lower() == label.lower())
            & (frame["Metric"] == metric)
        ]
    )


def _first(frame: Any) -> dict[str, Any] | None:
    return {str(k): v for k, v in frame.iloc[0].items()} if len(frame) else None


def verdict_of(screen: ReportInputs, label: str) -> tuple[bool, str] | None:
    """Whether a claim about a label stands, and why; None where the label was not judged."""
    entry = screen.deep.verdict.get(label)
    if not isinstance(entry, dict):
        return None
    return entry.get("claim") is True, _plain(entry.get("why"))


def marks(screen: ReportInputs) -> list[str]:
    """What makes the evaluation itself doubtful, such as permuted labels that are told apart."""
    return [_plain(mark) for mark in screen.deep.verdict.get("marked") or []]


def reading(screen: ReportInputs, label: str) -> str:
    """``balanced accuracy 0.41 (0.37 to 0.45), chance 0.12``; empty without scores."""
    own, base = score(screen, "network", label, MAIN), score(screen, "majority", label, MAIN)
    if own is None or not finite(own["Value"]):
        return ""
    text = f"{metric_words(MAIN)} {score_words(MAIN, own['Value'])}"
    text = f"{text} {range_words(MAIN, own['Low'], own['High'])}".rstrip()
    if base is not None and finite(base["Value"]):
        text += f"; the majority class has {score_words(MAIN, base['Value'])}"
    return text


def added(screen: ReportInputs, label: str) -> str:
    """What the network adds to the measurements, in words; empty where the two were not compared."""
    found = [(m, row) for m in MEASURED if (row := difference(screen, label, MAIN, m)) is not None]
    found = [(m, row) for m, row in found if finite(row["Low"]) and finite(row["High"])]
    if not found:
        return ""
    model, row = min(found, key=lambda pair: float(pair[1]["Difference"]))  # the better of the others
    low, high, name = row["Low"], row["High"], model_words(model)
    if float((score(screen, model, label, MAIN) or {}).get("N_Unconverged") or 0) > 0:
        name += " (whose training stopped before it had converged)"
    if high < 0:
        size = f"{score_words(MAIN, -row['Difference'])} {range_words(MAIN, -high, -low)}"
        return f"{name} does better without it, by {size}"
    size = f"{score_words(MAIN, row['Difference'])} {range_words(MAIN, low, high)}"
    if low > 0:
        return f"beside {name} it adds {size}"
    return f"it is not told apart from {name}: difference {size}"


def sentences(screen: ReportInputs) -> list[str]:
    """Lines for the head of the report: what the network adds, or that nothing is claimed."""
    lines = []
    for label in LABELS:
        verdict = verdict_of(screen, label)
        if verdict is None:
            continue
        claim, why = verdict
        if claim:
            told = reading(screen, label)
            kept = held_out_words(screen)
            text = f"Network: it tells the {label} of cells from {kept} that it has not seen"
            text += f": {told}" if told else ""
            extra = added(screen, label)
            lines.append(f"{text}; {extra}." if extra else f"{text}.")
        else:
            lines.append(f"Network: nothing is claimed about {label}: {why or 'no reason was recorded'}.")
    return lines


def label_boxes(screen: ReportInputs) -> str:
    """A box for what is marked, then one for each label; empty where nothing was judged."""
    html = ""
    if found := marks(screen):
        html += _box("stop", "The evaluation is marked", f"{listed(found)}. Do not rely on anything below.")
    for label in LABELS:
        verdict = verdict_of(screen, label)
        if verdict is None:
            continue
        claim, why = verdict
        title = f"The network tells {label}" if claim else f"Nothing is claimed about {label}"
        text = [why or reading(screen, label)]
        if claim:
            text.append(added(screen, label))
        html += _box("ok" if claim else "warn", title, " ".join(f"{capital(t)}." for t in text if t))
    return html


def _plain(text: object) -> str:
    """A text of the verdict with true minus signs, without its full stop."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", str(text or "").strip().rstrip("."))


def capital(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def _box(state: str, title: str, text: str) -> str:
    return f'<div class="md-verdict md-{state}"><strong>{escape(title)}</strong>{escape(text)}</div>'


def overstated(screen: ReportInputs, label: str) -> str:
    """By how much a random split over cells overstates a label; empty where none was trained."""
    own = score(screen, "network", label, MAIN)
    mixed = score(screen, "network_random_split", label, MAIN)
    if own is None or mixed is None or not (finite(own["Value"]) and finite(mixed["Value"])):
        return ""
    text = (
        f"{label}: with a random split over cells the {metric_words(MAIN)} is "
        f"{score_words(MAIN, mixed['Value'])}, on held-out {held_out_words(screen)} "
        f"{score_words(MAIN, own['Value'])}"
    )
    row = difference(screen, label, MAIN, "network", "network_random_split")
    if row is None and (turned := difference(screen, label, MAIN, "network_random_split")):
        row = {"Difference": -turned["Difference"], "Low": -turned["High"], "High": -turned["Low"]}
    if row is None:
        row = {"Difference": mixed["Value"] - own["Value"], "Low": None, "High": None}
    size = score_words(MAIN, abs(row["Difference"]))
    if not (finite(row["Low"]) and finite(row["High"])):
        return f"{text}: {size} {'more' if row['Difference'] > 0 else 'less'}, without an interval."
    limits = f"(95 % interval {score_words(MAIN, row['Low'])} to {score_words(MAIN, row['High'])})"
    if row["Low"] > 0:
        return f"{text}: it overstates by {size} {limits}."
    signed = score_words(MAIN, row["Difference"])
    return f"{text}: a difference of {signed} {limits}, which shows no overstatement."
