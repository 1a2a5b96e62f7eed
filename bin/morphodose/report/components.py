"""Section: what cells differ in, as principal components and UMAP, and what the components are made of."""

from __future__ import annotations

import re
import textwrap
from functools import partial
from typing import TYPE_CHECKING

from morphodose.report.answers import NO_REASON
from morphodose.report.clouds import cloud_figure, colourings, drawn_cells
from morphodose.report.deep_inputs import FeatureSet
from morphodose.report.deep_words import SETS, feature_words, look, set_words, step_reason
from morphodose.report.figure import Album, panels
from morphodose.report.html import folded, notice, paragraph, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section, folded_but
from morphodose.report.words import figure_text, listed, number, percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TITLE = "Components"
#: Components whose make-up is drawn, and features of each.
LEADING, TOP = 4, 8
#: Components of the explained variance that are drawn.
MOST_COMPONENTS = 50
#: Kept features that are listed.
MOST_FEATURES = 60
_NUMBER = re.compile(r"(?<![\w-])\d[\d.,]*(?: ?%)?")


def section(screen: ReportInputs, album: Album) -> Section | None:
    """Explained variance, loadings, selected features; the cells themselves have a view of their own."""
    if not screen.deep.given:
        return None
    sets = screen.deep.sets
    if not sets:
        why = step_reason(screen, "reduce_features")
        return Section("components", TITLE, [Part("Components", notice(f"Left out: {why}."))])
    parts = [_variance(screen, album)]
    parts[0] = Part(parts[0].title, _notes(sets) + parts[0].html)
    for name, found in sets.items():
        _draw_clouds(screen, album, name, found)
    parts += [_made_of(screen, album, name, found) for name, found in sets.items()]
    parts.append(_selected(screen))
    return Section("components", TITLE, folded_but(parts, "Components"))


def component_number(component: object) -> int:
    """``PC_3`` or ``3`` → 3."""
    digits = "".join(letter for letter in str(component).rpartition("_")[2] if letter.isdigit())
    return int(digits) if digits else 0


def _explained(found: FeatureSet) -> pd.DataFrame:
    """Explained variance by component number, the first ones."""
    frame = found.explained
    frame = frame.assign(Number=[component_number(c) for c in frame["Component"]]).sort_values("Number")
    return frame.head(MOST_COMPONENTS)


def _variance(screen: ReportInputs, album: Album) -> Part:
    sets = screen.deep.sets
    drawn = album.draw("explained_variance", lambda: _variance_figure(sets))
    caption = (
        "Left: share of the variance that each principal component explains; right: share that all "
        "components up to it explain. Cells differ most along the first components, but the reason may be "
        "the cell cycle, the focus or the plate as well as the dose: the colours below show which."
    )
    rows = []
    for name, found in sets.items():
        frame = _explained(found)
        words, _ = look(SETS, name)
        total = found.explained["Cumulative"]
        half = frame.loc[frame["Cumulative"] >= 0.5, "Number"]
        rows.append(
            [
                words,
                len(total),
                percent(float(total.max())),
                percent(float(frame["Ratio"].iloc[0])),
                int(half.iloc[0]) if len(half) else f"more than {len(frame)}",
            ]
        )
    headers = ["Features", "Components", "Variance in them", "In the first", "Components for half of it"]
    html = table(headers, rows) + drawn.html("Explained variance of the components", caption)
    return Part("Explained variance", html)


def _variance_figure(sets: dict[str, FeatureSet]) -> Figure:
    from matplotlib.ticker import PercentFormatter

    figure, axes = panels(2, 2, 4.3, 2.9)
    for name, found in sets.items():
        frame = _explained(found)
        words, colour = look(SETS, name)
        for axis, column in zip(axes, ("Ratio", "Cumulative"), strict=True):
            axis.plot(frame["Number"], frame[column], "o-", markersize=3, color=colour, label=words)
    for axis, title in zip(axes, ("each component", "all up to it"), strict=True):
        axis.set_title(title)
        axis.set_xlabel("component")
        axis.set_ylim(bottom=0)
        axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes[0].set_ylabel("explained variance")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", title="features")
    return figure


def _axis_words(found: FeatureSet, column: str) -> str:
    """``PC 1 (23 %)``."""
    words = column.replace("_", " ")
    if column.startswith("PC_"):
        frame = _explained(found)
        ratio = frame.loc[frame["Number"] == component_number(column), "Ratio"]
        return f"{words} ({percent(float(ratio.iloc[0]))})" if len(ratio) else words
    return words


def _draw_clouds(screen: ReportInputs, album: Album, name: str, found: FeatureSet) -> None:
    """Files for papers: PCA and UMAP of one feature set, all colourings side by side; the page has them, too.

    The PCA by dose and by time are also files of their own, as the reference workflow has them.
    """
    for kind, cells, names in (
        ("PCA", found.pca, ("PC_1", "PC_2")),
        ("UMAP", found.umap, ("UMAP_1", "UMAP_2")),
    ):
        if cells.empty or not set(names) <= set(cells.columns):
            continue
        frame, words = drawn_cells(screen, cells), partial(_axis_words, found)
        paint = partial(cloud_figure, frame, colourings(screen, frame), names, words)
        album.draw(f"{kind.lower()}_{name}", paint)
        if kind == "PCA":
            # doses and times have an order: their colours are read however many they are
            every = colourings(screen, frame, len(frame))
            for label in ("dose", "time"):
                if label in every:
                    one = partial(cloud_figure, frame, {label: every[label]}, names, words)
                    album.draw(f"pca_{name}_by_{label}", one)


def _notes(sets: dict[str, FeatureSet]) -> str:
    """What must be known of the maps of cells: projections on an earlier run, and UMAPs that are missing."""
    html = ""
    for name, found in sets.items():
        if found.record.get("model"):
            html += notice(
                f"{set_words(name)[:1].upper()}{set_words(name)[1:]}: the cells are projected on the "
                "components of an earlier run (--reduction_model); explained variance, loadings and the "
                "choice of features are those of its cells."
            )
        if reason := found.record.get("umap_reason"):
            html += notice(f"No UMAP of {set_words(name)}: {reason}.")
    if len(sets) > 1:
        html += paragraph(
            "A cell is embedded by the network that did not train on it; the axes of the networks are turned "
            "onto one another, but replicates may still part because their networks differ."
        )
    return html


def leading(found: FeatureSet, count: int = LEADING) -> dict[int, pd.DataFrame]:
    """Component → its features by size of their loading, for the first components."""
    if found.loadings.empty:
        return {}
    frame = found.loadings.assign(
        Number=[component_number(c) for c in found.loadings["Component"]],
        Size=found.loadings["Loading"].abs(),
    )
    numbers = sorted(frame["Number"].unique())[:count]
    return {
        int(n): frame[frame["Number"] == n].sort_values(["Size", "Feature"], ascending=[False, True])
        for n in numbers
    }


def spread_of(loadings: pd.DataFrame) -> int:
    """How many features carry half of the squared loadings of a component."""
    squares = (loadings["Loading"] ** 2).sort_values(ascending=False).cumsum()
    return int((squares < 0.5 * squares.iloc[-1]).sum()) + 1


def _made_of(screen: ReportInputs, album: Album, name: str, found: FeatureSet) -> Part:
    title = f"What components are made of – {set_words(name)}"
    parts = leading(found)
    if not parts:
        return Part(title, notice("Left out: no loadings were written."))
    rows = [
        [f"PC {n}", feature_words(str(row["Feature"]), screen.units), float(row["Loading"])]
        for n, frame in parts.items()
        for row in frame.head(TOP).to_dict("records")
    ]
    listing = folded("Loadings in figures", table(["Component", "Feature", "Loading"], rows))
    some = " and ".join(f"{spread_of(frame)} for PC {n}" for n, frame in list(parts.items())[:2])
    text = f"Features that carry half of the squared loadings: {some}. "
    if name == "deep":
        text += (
            "The features of a network have numbers, not names: read what a component means from the colours "
            "above, not from its loadings."
        )
        return Part(title, paragraph(text) + listing)
    drawn = album.draw(f"loadings_{name}", lambda: _loading_figure(screen, parts))
    caption = (
        "The features with the largest loadings; a cell with a high value on the component has high values "
        "of those to the right and low ones of those to the left. The sign of a whole component is "
        "arbitrary."
    )
    return Part(title, paragraph(text) + drawn.html(f"Loadings of {set_words(name)}", caption) + listing)


def _loading_figure(screen: ReportInputs, parts: dict[int, pd.DataFrame]) -> Figure:
    figure, axes = panels(len(parts), 2, 5.9, 0.34 * TOP + 0.8)
    for axis, (component, frame) in zip(axes, parts.items(), strict=True):
        top = frame.head(TOP)
        names = [
            "\n".join(textwrap.wrap(figure_text(feature_words(str(f), screen.units)), 36)[:2])
            for f in top["Feature"]
        ]
        colours = ["#1F6F9F" if value > 0 else "#D55E00" for value in top["Loading"]]
        axis.barh(range(len(top)), top["Loading"], color=colours, height=0.7)
        axis.set_yticks(range(len(top)), names, fontsize=8)
        axis.invert_yaxis()
        axis.axvline(0, color="#666666", linewidth=0.8)
        axis.grid(False, axis="y")
        axis.set_title(f"PC {component}")
        axis.set_xlabel("loading")
    return figure


def _selected(screen: ReportInputs) -> Part:
    """How many features went in, and why others did not."""
    counts: list[list[object]] = []
    kept = ""
    for name, found in screen.deep.sets.items():
        frame = found.selected
        if frame.empty:
            continue
        chosen = frame["Selected"].astype(bool)
        counts.append([set_words(name), "kept", int(chosen.sum())])
        counts += [[set_words(name), r, int(n)] for r, n in kinds_of(frame.loc[~chosen, "Reason"]).items()]
        if name == "classical" and chosen.any():
            kept = _kept(screen, frame[chosen])
    if not counts:
        return Part("Features that went in", notice("Left out: no table of selected features was written."))
    labels = {str(found.record["label"]) for found in screen.deep.sets.values() if found.record.get("label")}
    groups = {
        str(name) for found in screen.deep.sets.values() for name in found.record.get("ranked_within", [])
    }
    within = f", within {listed(sorted(groups), 4)}" if groups else ""
    text = paragraph(
        "Features without variance are left out; of the others those enter that depend most on the classes "
        f"of {listed(sorted(labels)) or 'dose or time'} (chi-squared{within}), since noise that all "
        "cells share would fill the components. The components therefore show such an effect if there is "
        "one, but are not evidence that there is one."
    )
    return Part("Features that went in", text + table(["Features", "Outcome", "Number"], counts) + kept)


def kinds_of(reasons: pd.Series[str]) -> pd.Series[int]:
    """How often each reason was given, where the first number in it may differ."""
    import pandas as pd

    texts = [_NUMBER.sub("…", str(text), count=1) or NO_REASON for text in reasons.fillna("")]
    return pd.Series(texts, dtype=object).value_counts()


def _kept(screen: ReportInputs, frame: pd.DataFrame) -> str:
    score = "Chi2" if "Chi2" in frame and frame["Chi2"].notna().any() else None
    ordered = frame.sort_values(score, ascending=False) if score else frame
    rows = [
        [
            feature_words(str(row["Feature"]), screen.units),
            str(row["Feature"]),
            number(row[score], 3) if score else None,
        ]
        for row in ordered.head(MOST_FEATURES).to_dict("records")
    ]
    beyond = len(frame) > MOST_FEATURES
    more = f" (the first {MOST_FEATURES} of {len(frame):,}, by chi-squared)" if beyond else ""
    return folded(f"Measurements that were kept{more}", table(["Measurement", "Column", "Chi-squared"], rows))
