"""Section: how much was trained, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from morphodose.report.answers import finite
from morphodose.report.deep_words import KINDS, look, step_reason
from morphodose.report.figure import Album, panels
from morphodose.report.html import notice, paragraph, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section, folded_but
from morphodose.report.words import counted, duration, listed, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Below any of these a training shows that the pipeline runs, and not what a network can learn.
FEW_CELLS, FEW_EPOCHS, SMALL_INPUT = 5000, 5, 128
#: Column of the log → its words, in the order of the panels.
CURVES = {
    "Loss_Train": "loss, training cells",
    "Loss_HeldOut": "loss, held-out cells",
    "Accuracy_Dose_HeldOut": "accuracy of dose, held-out cells",
    "Accuracy_Time_HeldOut": "accuracy of time, held-out cells",
}
RATE = {"LR": "learning rate"}


def section(screen: ReportInputs, album: Album) -> Section | None:
    """What was trained, learning curves, the range test; no section where nothing of the deep half is."""
    deep = screen.deep
    if not deep.given:
        return None
    if not deep.networks and deep.logs.empty:
        why = notice(f"Left out: {step_reason(screen, 'train_resnet', 'crop_cells')}.")
        return Section("training", "Training of the network", [Part("Training", why)])
    rate = RATE if "LR" in deep.logs and deep.logs["LR"].notna().any() else {}
    drawn = (
        album.draw("learning_rate", lambda: _figure(deep.logs, rate)).html("Learning rate") if rate else ""
    )
    parts = [Part("What was trained", _extent(screen) + drawn)]
    if not deep.lr_range.empty:
        parts.append(_range_test(screen, album))
    if len(deep.alignment) > 1:
        parts.append(Part("One space for all folds", _alignment(deep.alignment)))
    return Section("training", "Training of the network", folded_but(parts))


def trained(screen: ReportInputs) -> list[dict[str, Any]]:
    """Records of the networks that were trained on true labels with a sound split."""
    return [record for record in screen.deep.networks if record["kind"] == "trained"]


def is_small(record: Mapping[str, Any]) -> bool:
    """Whether a training was a trial of the pipeline: by its own word, or by cells, epochs and input size."""
    if isinstance(record.get("trial"), bool):
        return bool(record["trial"])
    limits = {"n_train": FEW_CELLS, "epochs": FEW_EPOCHS, "input_size": SMALL_INPUT}
    return any(finite(record.get(name)) and record[name] < limit for name, limit in limits.items())


def small_notice(screen: ReportInputs) -> str:
    """A sentence when the networks were trained on little; empty when they were not."""
    records = [record for record in trained(screen) if is_small(record)]
    if not records:
        return ""
    least = min(records, key=lambda r: r.get("n_train") or 0)
    size = least.get("input_size")
    cells = f"{least['n_train']:,} cells" if finite(least.get("n_train")) else "few cells"
    epochs = f"{counted(int(least['epochs']), 'epoch')}" if finite(least.get("epochs")) else "few epochs"
    pixels = f" at {size} × {size} px" if finite(size) else ""
    return (
        f"A trial, not a full training: {cells} per fold, {epochs}{pixels}. This shows that everything runs, "
        "but is far too little to judge what a network can learn from these cells; a full training takes all "
        "cells of the screen, 10 epochs and 224 × 224 px."
    )


def _extent(screen: ReportInputs) -> str:
    small = small_notice(screen)
    lead = f'<div class="md-verdict md-warn">{small}</div>' if small else ""
    columns = {
        "n_train": "Cells trained on",
        "n_held_out": "Held-out cells",
        "epochs": "Epochs",
        "input_size": "Input (px)",
        "network": "Network",
        "head": "Head",
        "preset": "Preset",
        "batch_size": "Batch",
        "learning_rate": "Learning rate",
        "seed": "Seed",
    }
    records = screen.deep.networks
    shown = {key: words for key, words in columns.items() if any(r.get(key) is not None for r in records)}
    rows = [
        [look(KINDS, r["kind"])[0], r["fold"], *(_value(key, r.get(key)) for key in shown)] for r in records
    ]
    held = listed(dict.fromkeys(str(name) for name in screen.deep.labels.get("fold_names", [])), 8)
    folds = f" Held out in turn: {held}." if held else ""
    text = paragraph(
        "A network is trained for each fold on the cells of all others, from random weights. “Permuted "
        "labels” is the same training with labels shuffled between wells, which must end at chance; "
        f"“random split over cells” is the split that the report warns of.{folds}"
    )
    if not records:
        return lead + text
    return lead + text + table(["Training", "Fold", *shown.values()], rows) + _speed(screen)


def _alignment(frame: pd.DataFrame) -> str:
    """How well the networks of the folds agree on what they see."""
    turned = frame.sort_values("Fold").iloc[1:]
    worst = float(turned["R2_HeldOut"].min())
    text = paragraph(
        "Each fold has a network, and so axes, of its own. Their embeddings are turned onto those of the "
        "first fold by a rotation (Procrustes), fitted on cells that all of them look at. How much of the "
        "first network's variance the others then explain, on cells that the rotation was not fitted to, "
        "says whether they learnt the same."
    )
    poor = ""
    if worst < 0.5:
        poor = notice(
            f"The networks agree on only {100 * max(worst, 0):.0f} %: they learnt different things, or "
            "little. Distances between cells of different folds mean little; those within a fold are not "
            "affected."
        )
    rows = [
        [int(fold), float(share)] for fold, share in zip(turned["Fold"], turned["R2_HeldOut"], strict=True)
    ]
    return text + poor + table(["Fold", "Variance explained, cells not fitted to"], rows)


def _value(key: str, value: object) -> object:
    if key == "learning_rate" and finite(value):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value


def _speed(screen: ReportInputs) -> str:
    """Images a second and time of all trainings, where the log has them."""
    logs = screen.deep.logs
    said = []
    if "ImagesPerSecond" in logs and logs["ImagesPerSecond"].notna().any():
        said.append(f"{number(float(logs['ImagesPerSecond'].median()), 3)} images per second (median)")
    devices = {str(r["device"]) for r in screen.deep.networks if r.get("device")}
    if devices:
        said.append(f"on {listed(sorted(devices))}")
    if "Seconds" in logs and logs["Seconds"].notna().any():
        seconds = float(epochs_of(logs, "Seconds")["Seconds"].sum())
        said.append(f"{duration(seconds)} for all of them")
    return paragraph(f"Speed of training: {', '.join(said)}.") if said else ""


def epochs_of(logs: pd.DataFrame, column: str) -> pd.DataFrame:
    """Last value of a column in each epoch of each network: ``Kind``, ``Fold``, ``Epoch``, the column."""
    given = logs[logs[column].notna()]
    return given.groupby(["Kind", "Fold", "Epoch"], as_index=False)[column].last()


def _networks(logs: pd.DataFrame) -> list[tuple[str, int]]:
    order = list(KINDS)
    pairs = logs[["Kind", "Fold"]].drop_duplicates().itertuples(index=False, name=None)
    found = ((str(kind), int(fold)) for kind, fold in pairs)
    return sorted(found, key=lambda pair: (order.index(pair[0]) if pair[0] in order else 9, pair))


def _shown(logs: pd.DataFrame) -> dict[str, str]:
    return {c: words for c, words in CURVES.items() if c in logs and logs[c].notna().any()}


def learning_curves(screen: ReportInputs, album: Album) -> str:
    """Loss and accuracy of all networks over their epochs."""
    logs = screen.deep.logs
    shown = _shown(logs)
    if not shown:
        return notice("Learning curves left out: the training logs hold no figure.")
    drawn = album.draw("learning_curves", lambda: _figure(logs, shown))
    caption = (
        "One line per fold. What matters is whether the held-out cells follow; if their loss rises again, "
        "the network overfits. The last epoch is used, since choosing the best one would mean looking at "
        "the answer."
    )
    return drawn.html("Learning curves of all networks", caption)


def _figure(logs: pd.DataFrame, shown: Mapping[str, str]) -> Figure:
    from matplotlib.ticker import MaxNLocator

    figure, axes = panels(len(shown), 2, 2.9 if len(shown) > 1 else 4.2, 2.1)
    for axis, (column, words) in zip(axes, shown.items(), strict=True):
        frame, named = epochs_of(logs, column), set()
        for kind, fold in _networks(logs):
            name, colour = look(KINDS, kind)
            mine = frame[(frame["Kind"] == kind) & (frame["Fold"] == fold)]
            style = {"color": colour, "linewidth": 1.5, "linestyle": "-" if kind == "trained" else "--"}
            label = None if kind in named else name
            axis.plot(mine["Epoch"], mine[column], marker="o", markersize=3, label=label, **style)
            named.add(kind)
        axis.set_title(words)
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_ylim(bottom=0)
        if column.startswith("Accuracy"):
            axis.set_ylim(0, 1)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=2, title="labels and split")
    return figure


def _range_test(screen: ReportInputs, album: Album) -> Part:
    frame = screen.deep.lr_range
    drawn = album.draw("lr_range", lambda: _range_figure(frame))
    caption = (
        "Loss while the learning rate rises step by step. A good rate lies on the steep fall, well before "
        "the minimum; where the curve shoots up, training breaks."
    )
    return Part("Learning-rate range test", drawn.html("Loss over learning rate", caption))


def _range_figure(frame: pd.DataFrame) -> Figure:
    figure, (axis,) = panels(1, 1, 5.4, 3.1)
    loss = frame["Loss"]
    for kind, fold in _networks(frame):
        mine = frame[(frame["Kind"] == kind) & (frame["Fold"] == fold)]
        name, colour = look(KINDS, kind)
        axis.plot(mine["LR"], mine["Loss"], color=colour, linewidth=1.3, label=f"{name}, fold {fold}")
    axis.set_xscale("log")
    axis.set_ylim(float(loss.min()) * 0.95, min(float(loss.max()), float(loss.quantile(0.5)) * 2.5) * 1.05)
    axis.set_xlabel("learning rate")
    axis.set_ylabel("loss")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure
