"""Plain words and colours of the deep half: models, metrics, classes, feature sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from morphodose.report.answers import finite
from morphodose.report.inputs import ReportInputs
from morphodose.report.words import dose_words, endpoint_words, hours

#: Model → (words, colour), in the order in which they are shown.
MODELS: dict[str, tuple[str, str]] = {
    "network": ("network", "#1F6F9F"),
    "network_permuted": ("network on permuted labels", "#8C8C8C"),
    "network_random_split": ("network, random split over cells (contrast only)", "#D55E00"),
    "majority": ("majority class", "#8C8C8C"),
    "position": ("position alone (row, column, field)", "#8C8C8C"),
    "intensity": ("intensity alone", "#8C8C8C"),
    "classical_logistic": ("logistic regression on measurements", "#3F7F4F"),
    "classical_boosting": ("gradient boosting on measurements", "#3F7F4F"),
    "probe_trained": ("logistic regression on the trained embedding", "#7A4E9F"),
    "probe_untrained": ("logistic regression on an untrained network", "#7A4E9F"),
    "probe_imagenet": ("logistic regression on an ImageNet network", "#7A4E9F"),
}
#: Metric → (words, whether a higher value is better).
METRICS: dict[str, tuple[str, bool]] = {
    "balanced_accuracy": ("balanced accuracy", True),
    "accuracy": ("accuracy", True),
    "macro_f1": ("macro F1", True),
    "mae_steps": ("mean error (steps)", False),
    "mae_hours": ("mean error (h)", False),
    "ece": ("calibration error", False),
}
#: Feature set → (words, colour).
SETS: dict[str, tuple[str, str]] = {
    "classical": ("measurements", "#3F7F4F"),
    "deep": ("network features", "#1F6F9F"),
    "joint": ("both together", "#C07A00"),
}
#: Parts of the names of measurements → words; what they stand in is joined by underscores.
_PLAIN = (
    (re.compile(r"radialdistribution frac at d"), "stain fraction at radius"),
    (re.compile(r"radialdistribution mean frac"), "stain density at radius"),
    (re.compile(r"radialdistribution radial cv"), "stain unevenness at radius"),
    (re.compile(r"correlation correlation"), "correlation"),
    (re.compile(r"(texture .*) (\d+) \d+ \d+$"), r"\1, scale \2"),
    (re.compile(r"granularity (\d+)"), r"granularity of size \1"),
)
#: What a network of a kind was trained for.
KINDS: dict[str, tuple[str, str]] = {
    "trained": ("trained", "#1F6F9F"),
    "permuted": ("permuted labels", "#8C8C8C"),
    "random_split": ("random split over cells", "#D55E00"),
}
_NETWORK_FEATURE = re.compile(r"(?i)(?:deep|embedding|resnet\d*|network)\D*(\d+)$")


def look(table: Mapping[str, tuple[str, Any]], name: str) -> tuple[str, Any]:
    """Words and colour of a name; one that is not known is shown as it is."""
    return table.get(name, (name.replace("_", " "), "#555555"))


def model_words(name: str) -> str:
    """A model in words."""
    return look(MODELS, name)[0]


def metric_words(name: str) -> str:
    """A metric in words."""
    return METRICS[name][0] if name in METRICS else name.replace("_", " ")


def set_words(name: str) -> str:
    """A feature set in words."""
    return look(SETS, name)[0]


def score_words(metric: str, value: object) -> str:
    """A value of a metric: two decimals, one for hours; a true minus sign."""
    if not finite(value):
        return "–"
    value = round(value, 1 if metric == "mae_hours" else 2) + 0.0  # + 0: no minus before zero
    return f"{value:.{1 if metric == 'mae_hours' else 2}f}".replace("-", "−")


def range_words(metric: str, low: object, high: object) -> str:
    """An interval of a metric: ``(0.37 to 0.45)``, or nothing without one."""
    if not (finite(low) and finite(high)):
        return ""
    return f"({score_words(metric, low)} to {score_words(metric, high)})"


def unit_of(screen: ReportInputs) -> str:
    """Unit of the doses, where all compounds share one."""
    units = {screen.dose_unit(compound) for compound in screen.compounds}
    return units.pop() if len(units) == 1 else ""


def class_words(screen: ReportInputs, label: str, name: object) -> str:
    """A class of dose or time in words: ``0.3`` → ``0.3 µM``, ``48`` → ``48 h``."""
    text = str(name)
    try:
        value = float(text)
    except ValueError:
        return text
    return hours(value) if label.lower() == "time" else dose_words(value, unit_of(screen))


def classes_of(screen: ReportInputs, label: str) -> list[str]:
    """Classes of ``Dose`` or ``Time``, in the order of the labels."""
    entry = screen.deep.labels.get(label.lower())
    return [str(name) for name in entry.get("classes", [])] if isinstance(entry, dict) else []


def is_trained(screen: ReportInputs, label: str) -> bool:
    """Whether there is more than one class to tell apart."""
    return len(classes_of(screen, label)) > 1


def held_out_words(screen: ReportInputs) -> str:
    """What was held out: ``replicates`` or ``wells``."""
    return "wells" if str(screen.deep.labels.get("split", "")).startswith("well") else "replicates"


def feature_words(name: str, units: Mapping[str, str] | None = None) -> str:
    """A feature in words; one of a network has a number and no meaning of its own."""
    if match := _NETWORK_FEATURE.match(name):
        return f"network feature {int(match[1])}"
    words = endpoint_words(re.sub(r"^(?i:classical)[_-]", "", name), units)
    for pattern, plain in _PLAIN:
        words = pattern.sub(plain, words)
    return words


def step_reason(screen: ReportInputs, *steps: str) -> str:
    """Why the first of some steps did not run, else that its table is missing."""
    found = (screen.left_out(step) for step in steps)
    return next((reason for reason in found if reason), f"the table of {steps[0]} was not given (--deep)")
