"""Section: is what the network says real? Leaks, baselines, the random split, confusion, calibration."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from morphodose.report.answers import finite
from morphodose.report.claims import MAIN, capital, difference, label_boxes, overstated, score
from morphodose.report.crops import examples
from morphodose.report.deep_words import (
    METRICS,
    MODELS,
    class_words,
    held_out_words,
    is_trained,
    metric_words,
    model_words,
    range_words,
    score_words,
    step_reason,
)
from morphodose.report.figure import Album
from morphodose.report.html import Safe, escape, folded, long_table, notice, paragraph, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.model_plots import (
    confusion_figure,
    confusion_overview,
    reliability_figure,
    score_figure,
)
from morphodose.report.parts import Part, Section, folded_but
from morphodose.report.training import learning_curves, small_notice
from morphodose.report.words import percent

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Is it real?"
LABELS = ("Dose", "Time")
#: Classes up to which a confusion matrix can be read.
MOST_CONFUSED = 40
#: Models with a confusion matrix on the page, as far as they are there.
CONFUSED = ("network", "classical_boosting", "network_permuted", "classical_logistic")
BADGES = {"ok": ("no leak", "md-ok"), "contrast only": ("contrast only", "md-warn")}


def section(screen: ReportInputs, album: Album) -> Section | None:
    """Verdict, leakage, scorecard, random split, confusion, reliability."""
    deep = screen.deep
    if not deep.given:
        return None
    shown, parts = [_verdict(screen)], []
    if overview := _overview(screen, album):
        shown.append(overview)
    if notes := _notes(screen):
        parts.append(notes)
    parts.append(_leakage(screen))
    if deep.scores.empty:
        return Section("honesty", TITLE, [*shown, *folded_but(parts, "Leakage")])
    for label in labels_of(screen):
        parts.append(_scorecard(screen, album, label))
    if random := _random_split(screen):
        parts.append(random)
    for make in (_confusion, _reliability):
        if part := make(screen, album):
            parts.append(part)
    return Section("honesty", TITLE, [*shown, *folded_but(parts)])


def labels_of(screen: ReportInputs) -> list[str]:
    """``Dose`` and ``Time``, where there are scores of them."""
    return [label for label in LABELS if (screen.deep.scores["Label"] == label).any()]


def _verdict(screen: ReportInputs) -> Part:
    html = label_boxes(screen)
    if not html:
        why = step_reason(screen, "score_models", "train_resnet", "crop_cells")
        return Part("", notice(f"Left out, and nothing is claimed: {why}."))
    if small := small_notice(screen):
        html += paragraph(small)
    return Part("", html)


def _notes(screen: ReportInputs) -> Part | None:
    """What the evaluation says of itself."""
    given = [*(screen.deep.verdict.get("notes") or []), *(screen.deep.labels.get("notes") or [])]
    # the random split has a part of its own
    notes = [text for text in dict.fromkeys(map(str, given)) if "random split" not in text]
    if not notes:
        return None
    items = "".join(f"<li>{escape(capital(note))}</li>" for note in notes)
    return Part(f"Remarks on the evaluation ({len(notes)})", f'<ul class="md-key">{items}</ul>')


def _overview(screen: ReportInputs, album: Album) -> Part | None:
    """The main score beside that of the others, learning curves, confusion of the network, some cells."""
    deep, figures = screen.deep, []
    scores, confusion = deep.scores, deep.confusion
    labels = labels_of(screen) if len(scores) else []
    shown = [(label, MAIN) for label in labels if MAIN in _shown(scores[scores["Label"] == label])[1]]
    if shown:
        models = _shown(scores)[0]
        drawn = album.draw("scorecard", partial(score_figure, scores, models, shown))
        caption = (
            f"Every cell is judged by a model that did not see its {held_out_words(screen)[:-1]}; bars are "
            "95 % intervals over wells. The orange diamond comes from a random split over cells and is not "
            "a result. The differences below, paired by well, show which model is better."
        )
        figures.append(drawn.html("Scorecard", caption))
    if not deep.logs.empty:
        figures.append(learning_curves(screen, album))
    read = [
        label
        for label in LABELS
        if len(confusion) and is_trained(screen, label) and 0 < _classes_of(screen, label) <= MOST_CONFUSED
    ]
    if read:
        frame = confusion[confusion["Model"] == CONFUSED[0]]
        drawn = album.draw("confusion", partial(confusion_overview, screen, frame, read))
        caption = "The network: a row is a true class, its cells the shares that were called each class."
        large = [label for label in LABELS if len(confusion) and _classes_of(screen, label) > MOST_CONFUSED]
        for label in large:
            caption += f" {label} has {_classes_of(screen, label)} classes, too many for a matrix: see below."
        figures.append(drawn.html("Confusion of the network", caption))
    cells = examples(screen)
    if not figures and not cells:
        return None
    return Part("", f'<div class="md-trio">{"".join(figures)}</div>{cells}')


def _classes_of(screen: ReportInputs, label: str) -> int:
    """True classes of a label in the confusion of the network."""
    frame = screen.deep.confusion
    return int(frame.loc[(frame["Label"] == label) & (frame["Model"] == CONFUSED[0]), "True"].nunique())


def _leakage(screen: ReportInputs) -> Part:
    frame = screen.deep.leakage
    if frame.empty:
        why = step_reason(screen, "split_cells", "crop_cells", "train_resnet")
        return Part("Leakage check", notice(f"Left out: {why}."))
    text = paragraph(
        "Counted before anything was trained: what training and held-out cells of each fold have in "
        "common, and how many there are (training / held out). A field is on the same side at all its "
        "timepoints; a split that shares a field is refused. The split over cells shares everything and is "
        "only a contrast."
    )
    columns = [str(c) for c in frame if not str(c).startswith("N_")]
    columns.sort(
        key=lambda c: ("Split", "Fold", "Verdict").index(c) if c in ("Split", "Fold", "Verdict") else 9
    )
    sides = [str(c).removeprefix("N_Train") for c in frame if str(c).startswith("N_Train")]
    sides = [side for side in sides if f"N_Test{side}" in frame]
    headers = [c.replace("_", " ").capitalize() for c in columns]
    headers += [side.strip("_") or "Cells" for side in sides]
    rows = [
        [_leak_cell(c, row[c]) for c in columns]
        + [f"{int(row[f'N_Train{side}']):,} / {int(row[f'N_Test{side}']):,}" for side in sides]
        for row in frame.to_dict("records")
    ]
    return Part("Leakage check", text + long_table(headers, rows, "folds", 24))


def _leak_cell(column: str, value: object) -> object:
    if column == "Verdict":
        word, style = BADGES.get(str(value), (str(value), "md-stop"))
        return Safe(f'<span class="md-state {style}">{escape(word)}</span>')
    return f"{value:,.0f}" if finite(value) and column.startswith("Shared") else value


def _shown(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Models and metrics of some scores, in their order."""
    models = [m for m in MODELS if (frame["Model"] == m).any()]
    models += [m for m in dict.fromkeys(frame["Model"].astype(str)) if m not in MODELS]
    metrics = [m for m in METRICS if ((frame["Metric"] == m) & frame["Value"].notna()).any()]
    return models, metrics


def _scorecard(screen: ReportInputs, album: Album, label: str) -> Part:
    frame = screen.deep.scores
    frame = frame[frame["Label"] == label]
    models, metrics = _shown(frame)
    others = [(label, metric) for metric in metrics if metric != MAIN]
    html = ""
    if others:
        drawn = album.draw(f"scorecard_{label.lower()}", partial(score_figure, frame, models, others))
        caption = (
            "Points are over all held-out cells, bars 95 % intervals from resampling wells, since wells and "
            "not cells are the replicates. A model that was trained for some folds only is judged on their "
            "cells alone. Overlapping intervals do not settle which model is better; the differences below, "
            "paired by well, do."
        )
        html = drawn.html(f"Other scores of all models for {label.lower()}", caption)
    rows: list[list[object]] = []
    for model in models:
        cells: list[object] = []
        for metric in metrics:
            row = score(screen, model, label, metric)
            given = row is not None and finite(row["Value"])
            text = score_words(metric, row["Value"]) if given and row else "–"
            low_high = range_words(metric, row["Low"], row["High"]) if given and row else ""
            cells.append(Safe(f"{escape(text)}<br><small>{escape(low_high)}</small>"))
        counts = [row for m in metrics if (row := score(screen, model, label, m)) is not None]
        cells += [
            f"{int(counts[0][n]):,}" if counts and n in counts[0] else None for n in ("N_Wells", "N_Cells")
        ]
        rows.append([model_words(model), *cells])
    figure = table(["Model", *(metric_words(m) for m in metrics), "Wells", "Cells"], rows)
    return Part(
        f"All scores of {label.lower()}",
        html + folded("Scores in figures", figure) + _differences(screen, label),
    )


def _differences(screen: ReportInputs, label: str) -> str:
    """The network against each other model, pair by pair."""
    frame = screen.deep.differences
    if frame.empty:
        return ""
    mine = frame[(frame["Label"] == label) & (frame["Model"] == "network")]
    main = [m for m in ("balanced_accuracy", "mae_steps") if (mine["Metric"] == m).any()]
    rows: list[list[object]] = []
    for model in (m for m in MODELS if (mine["Against"] == m).any() and m != "network_random_split"):
        cells: list[object] = []
        for metric in main:
            row = difference(screen, label, metric, model)
            cells += [Safe(_difference_cell(row, metric))] if row else [None]
        rows.append([model_words(model), *cells])
    if not rows:
        return ""
    headers = ["Network against", *(f"difference in {metric_words(m)}" for m in main)]
    return paragraph(
        "The network's score less that of each other model, with 95 % interval over wells:"
    ) + table(headers, rows)


def _difference_cell(row: dict[str, Any], metric: str) -> str:
    value, low, high = row["Difference"], row["Low"], row["High"]
    if not finite(value):
        return "–"
    sign = 1 if METRICS[metric][1] else -1
    word, style = ("not told apart", "md-warn")
    if finite(low) and finite(high) and (low > 0 or high < 0):
        better = (low > 0) == (sign > 0)
        word, style = ("better", "md-ok") if better else ("worse", "md-stop")
    plus = "+" if value > 0 else ""
    text = f"{plus}{score_words(metric, value)} {range_words(metric, low, high)}"
    return f'{escape(text)} <span class="md-state {style}">{word}</span>'


def _random_split(screen: ReportInputs) -> Part | None:
    """By how much a random split over cells overstates."""
    sentences = [text for label in labels_of(screen) if (text := overstated(screen, label))]
    if not sentences:
        return None
    lead = paragraph(
        "Often the cells of all wells are mixed and split at random. Then the network has seen other cells "
        "of the very well it is tested on, and can recognise the well instead of the dose. This was done "
        "here for comparison only:"
    )
    items = "".join(f"<li>{escape(text)}</li>" for text in sentences)
    return Part("What a random split would have claimed", lead + f'<ul class="md-key">{items}</ul>')


def _confusion(screen: ReportInputs, album: Album) -> Part | None:
    frame = screen.deep.confusion
    if frame.empty:
        return None
    html = ""
    for label in LABELS:
        mine = frame[frame["Label"] == label]
        models = [m for m in CONFUSED if (mine["Model"] == m).any()][:3]
        if not models or not is_trained(screen, label):
            continue
        classes = mine["True"].nunique()
        if classes <= MOST_CONFUSED:
            models = [model for model in models if model != CONFUSED[0]]  # that of the network stands above
        if not models:
            continue
        if classes > MOST_CONFUSED:
            html += _most_confused(screen, label, mine[mine["Model"] == models[0]], classes)
            continue
        drawn = album.draw(
            f"confusion_{label.lower()}", partial(confusion_figure, screen, mine, label, models)
        )
        caption = (
            f"{label}: a row is a true class, its cells are the shares that were called each class, and "
            "add up to 1. Confusing neighbouring classes is a smaller error than confusing distant ones."
        )
        html += drawn.html(f"Confusion of {label.lower()}", caption)
    return Part("More on confusion", html) if html else None


def _most_confused(screen: ReportInputs, label: str, frame: pd.DataFrame, classes: int) -> str:
    """The classes taken for one another most often, where a matrix would be too large to read."""
    wrong = frame[frame["True"].astype(str) != frame["Predicted"].astype(str)]
    wrong = wrong.sort_values(["Fraction", "Count"], ascending=False, kind="stable").head(MOST_CONFUSED)
    rows: list[list[object]] = [
        [
            class_words(screen, label, row["True"]),
            class_words(screen, label, row["Predicted"]),
            percent(float(row["Fraction"])),
            int(row["Count"]),
        ]
        for row in wrong.to_dict("records")
    ]
    text = f"{label} has {classes} classes, too many for a matrix: those taken for one another most often."
    return paragraph(text) + table(["True", "Called", "Share of the true class", "Cells"], rows)


def _reliability(screen: ReportInputs, album: Album) -> Part | None:
    frame = screen.deep.calibration
    frame = frame[frame["Count"] > 0] if not frame.empty else frame
    labels = [label for label in LABELS if len(frame) and (frame["Label"] == label).any()]
    if not labels:
        return None
    drawn = album.draw("reliability", partial(reliability_figure, frame, labels))
    caption = (
        "How often a class was right, against how sure the model was of it; the area of a point grows with "
        "the number of cells. Below the diagonal the model is surer than it should be. A model that is at "
        "chance, with probabilities to match, is well calibrated and still useless."
    )
    return Part(
        "Can its probabilities be trusted?",
        drawn.html("Reliability of probabilities", caption),
    )
