"""Figures of how good the models are: scores with intervals, confusion, reliability."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from morphodose.report.answers import finite
from morphodose.report.deep_words import (
    METRICS,
    MODELS,
    class_words,
    classes_of,
    look,
    metric_words,
    model_words,
)
from morphodose.report.figure import panels
from morphodose.report.inputs import ReportInputs
from morphodose.report.words import figure_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Models whose reliability is drawn, as far as they have probabilities.
RELIABLE = ("network", "classical_logistic", "classical_boosting", "network_permuted")
#: Classes of all labels up to which their confusion matrices stand beside one another.
MOST_ACROSS = 9
DASHES = {"network": "-", "classical_logistic": "--", "classical_boosting": ":", "network_permuted": "-."}


def score_figure(frame: pd.DataFrame, models: Sequence[str], shown: Sequence[tuple[str, str]]) -> Figure:
    """A panel for each label and metric, one row per model: its value with the interval over wells."""
    figure, axes = panels(len(shown), 3, 3.6, 0.27 * len(models) + 1.0, sharey=True)
    several = len({label for label, _ in shown}) > 1
    for axis, (label, metric) in zip(axes, shown, strict=True):
        mine = frame[(frame["Metric"] == metric) & (frame["Label"] == label)]
        mine = mine.drop_duplicates("Model").set_index("Model")
        for place, model in enumerate(models):
            if model not in mine.index:
                continue
            value, low, high = mine.loc[model, ["Value", "Low", "High"]]
            colour, mixed = look(MODELS, model)[1], model == "network_random_split"
            if finite(low) and finite(high):
                axis.hlines(place, low, high, color=colour, linewidth=2.2, alpha=0.75)
            mark = "D" if mixed else "o"
            face = "white" if mixed else colour
            axis.plot(value, place, mark, color=colour, markersize=6 if mixed else 5.5, markerfacecolor=face)
        arrow = "→ better" if METRICS.get(metric, ("", True))[1] else "← better"
        words = f"{metric_words(metric)}  ({arrow})"
        axis.set_title(label.lower() if several else words, fontsize=9.5)
        if several:
            axis.set_xlabel(words, fontsize=8.5)
        axis.set_xlim(left=min(0.0, axis.get_xlim()[0]))
        axis.grid(False, axis="y")
        if "network" in models:
            place = models.index("network")
            axis.axhspan(place - 0.5, place + 0.5, color="#EAF2F7", zorder=0)
    names = ["\n".join(textwrap.wrap(figure_text(model_words(m)), 44)) for m in models]
    axes[0].set_yticks(range(len(models)), names)
    axes[0].set_ylim(len(models) - 0.4, -0.6)
    return figure


def confusion_figure(screen: ReportInputs, frame: pd.DataFrame, label: str, models: Sequence[str]) -> Figure:
    """One panel for each model: shares of each true class that were called each class."""
    side = 0.36 * len(_classes(screen, frame, label)[1]) + 1.3
    figure, axes = panels(len(models), 3, max(side, 3.2), max(side, 2.9), sharey=True)
    for axis, model in zip(axes, models, strict=True):
        _confused(axis, screen, frame[frame["Model"] == model], label, _classes(screen, frame, label))
        axis.set_title("\n".join(textwrap.wrap(figure_text(model_words(model)), 34)), fontsize=9.5)
        axis.set_ylabel(f"true {label.lower()}" if axis is axes[0] else "")
    return figure


def confusion_overview(screen: ReportInputs, frame: pd.DataFrame, labels: Sequence[str]) -> Figure:
    """One panel for each label, of one model; stacked where they are too wide for a third of a page."""
    import matplotlib.pyplot as plt

    classes = [_classes(screen, frame[frame["Label"] == label], label) for label in labels]
    sizes = [len(columns) for _, columns in classes]
    across = sum(sizes) <= MOST_ACROSS
    wide, tall = (sum, max) if across else (max, sum)
    rows, columns = (1, len(labels)) if across else (len(labels), 1)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(0.34 * wide(sizes) + 1.3 * columns, 0.34 * tall(sizes) + 1.2 * rows),
        squeeze=False,
        layout="constrained",
        gridspec_kw={"width_ratios": sizes} if across else {"height_ratios": sizes},
    )
    for axis, label, known in zip(axes.flat, labels, classes, strict=True):
        _confused(axis, screen, frame[frame["Label"] == label], label, known)
    return figure


def _classes(screen: ReportInputs, frame: pd.DataFrame, label: str) -> tuple[list[str], list[str]]:
    """True and predicted classes of a label, in their order."""
    known = classes_of(screen, label)
    rows, columns = (
        [name for name in known if name in found] + sorted(found - set(known))
        for found in (set(frame["True"].astype(str)), set(frame["Predicted"].astype(str)))
    )
    return rows, columns


def _confused(
    axis: Axes, screen: ReportInputs, frame: pd.DataFrame, label: str, classes: tuple[list[str], list[str]]
) -> None:
    """Shares of each true class that one model called each class."""
    import seaborn as sns

    rows, columns = classes
    names = {name: figure_text(class_words(screen, label, name)) for name in {*rows, *columns}}
    mine = frame.astype({"True": str, "Predicted": str})
    grid = mine.pivot_table(index="True", columns="Predicted", values="Fraction", aggfunc="sum")
    grid = grid.reindex(index=rows, columns=columns).astype(float)
    grid[grid.notna().any(axis=1)] = grid[grid.notna().any(axis=1)].fillna(0.0)
    sns.heatmap(
        grid,
        ax=axis,
        cmap="Blues",
        vmin=0,
        vmax=1,
        cbar=False,
        square=True,
        annot=len(columns) <= 12,
        fmt=".2f",
        annot_kws={"fontsize": 7.5},
        xticklabels=[names[name] for name in columns],
        yticklabels=[names[name] for name in rows],
        linewidths=0.6,
        linecolor="white",
    )
    axis.set_xlabel(f"predicted {label.lower()}")
    axis.set_ylabel(f"true {label.lower()}")
    axis.tick_params(axis="x", labelrotation=60)
    axis.tick_params(axis="y", labelrotation=0)


def _reliable(frame: pd.DataFrame, label: str) -> dict[str, pd.DataFrame]:
    """Bins of each model that is drawn, by confidence."""
    mine = frame[frame["Label"] == label]
    return {
        model: mine[mine["Model"] == model].sort_values("Confidence")
        for model in RELIABLE
        if (mine["Model"] == model).any()
    }


def reliability_figure(frame: pd.DataFrame, labels: Sequence[str]) -> Figure:
    """One panel for each label: accuracy of the bins over their mean confidence, beside the diagonal."""
    import numpy as np

    figure, axes = panels(len(labels), 2, 4.2, 3.9)
    for axis, label in zip(axes, labels, strict=True):
        axis.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--")
        for model, bins in _reliable(frame, label).items():
            words, colour = look(MODELS, model)
            share = np.sqrt(bins["Count"] / bins["Count"].max())
            axis.plot(
                bins["Confidence"], bins["Accuracy"], color=colour, linewidth=1.3, linestyle=DASHES[model]
            )
            axis.scatter(
                bins["Confidence"], bins["Accuracy"], s=8 + 70 * share**2, color=colour, label=words, zorder=3
            )
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1)
        axis.set_aspect("equal")
        axis.set_xlabel("confidence of the model")
        axis.set_ylabel("share that was right")
        axis.set_title(label.lower())
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=2)
    return figure
