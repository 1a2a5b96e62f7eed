"""Cells as points on two components, coloured by dose, time, replicate, state and compound."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from morphodose.report.deep_words import unit_of
from morphodose.report.draw import dose_colours, dose_name
from morphodose.report.figure import panels
from morphodose.report.inputs import ReportInputs
from morphodose.report.words import SINGLE_STATES, STATES, figure_text, hours, ramp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Cells of a file: more of them hide one another. The page has all of its sample.
MOST_DRAWN = 3000
#: Classes of a colour scale; with more of them the colours say nothing.
MOST_CLASSES = 12
#: State as the table of cells names it (`morphodose.death.states.STATES`) → words, colour.
STATES_OF_CELLS = {
    re.sub("(?<!^)([A-Z])", r"_\1", name).lower(): look for name, look in (STATES | SINGLE_STATES).items()
}
#: Colour of what has no class.
NO_CLASS = "#B5B5B5"
#: Colours without an order (Okabe & Ito 2008, without yellow and black, and three more).
PLAIN = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D", "#8C8C8C", "#4B3B2A")


def dressed(screen: ReportInputs, cells: pd.DataFrame) -> pd.DataFrame:
    """Cells with the columns ``Dose`` (NaN: a control or empty), ``Time``, ``Replicate``, ``Compound``.

    What the plate map says comes from the cells themselves, or else from the table of wells.
    """
    import numpy as np

    frame = cells
    needed = ["Metadata_Dose", "Metadata_Role", "Metadata_Compound"]
    missing = [name for name in needed if name not in frame]
    keys = [
        k
        for k in ("Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate", "Metadata_Well")
        if k in frame
    ]
    if missing and "Metadata_Well" in keys:
        wells = screen.wells[keys + missing].drop_duplicates(keys)
        frame = frame.assign(**{k: frame[k].astype(str) for k in keys if k != "Metadata_Timepoint"})
        frame = frame.merge(wells, on=keys, how="left")
    role = frame.get("Metadata_Role")
    dose = frame["Metadata_Dose"].astype(float) if "Metadata_Dose" in frame else np.nan
    if role is not None:
        dose = np.where(role == "vehicle", 0.0, np.where(role == "treated", dose, np.nan))
    return frame.assign(
        Dose=dose,
        Time=frame["Metadata_Timepoint"].astype(float) if "Metadata_Timepoint" in frame else np.nan,
        Replicate=frame["Metadata_Replicate"].astype(str) if "Metadata_Replicate" in frame else "1",
        Compound=frame["Metadata_Compound"].astype(str) if "Metadata_Compound" in frame else "",
    )


#: A class: what it is called, its colour, which cells are of it.
Group = tuple[str, str, "pd.Series[bool]"]


def colourings(screen: ReportInputs, cells: pd.DataFrame, most: int = MOST_CLASSES) -> dict[str, list[Group]]:
    """By what cells are coloured → the classes; only where there are two to `most` of them."""
    doses = sorted(float(d) for d in cells["Dose"].dropna().unique())
    times = sorted(float(t) for t in cells["Time"].dropna().unique())
    replicates = sorted(cells["Replicate"].unique())
    treated = cells["Dose"] > 0
    compounds = sorted(cells.loc[treated, "Compound"].unique())
    unit = unit_of(screen)
    found: dict[str, list[Group]] = {
        "dose": [(dose_name(d, unit), c, cells["Dose"] == d) for d, c in dose_colours(doses).items()],
        "time": [
            (hours(t), c, cells["Time"] == t)
            for t, c in zip(times, ramp(len(times), "plasma") if times else [], strict=True)
        ],
        "replicate": [(r, c, cells["Replicate"] == r) for r, c in zip(replicates, PLAIN, strict=False)],
    }
    if "Metadata_DeathState" in cells:
        state = cells["Metadata_DeathState"].astype(object)
        groups = [(words, c, state == name) for name, (words, c) in STATES_OF_CELLS.items()]
        found["state"] = [
            group for group in [*groups, ("no state", NO_CLASS, state.isna())] if group[2].any()
        ]
    if len(compounds) > 1:
        found["compound"] = [
            (n, c, treated & (cells["Compound"] == n)) for n, c in zip(compounds, PLAIN, strict=False)
        ]
    return {name: groups for name, groups in found.items() if 1 < len(groups) <= most}


def drawn_cells(screen: ReportInputs, cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of a file, in random order, so that no class hides the others; see `dressed`."""
    return dressed(screen, cells).sample(min(len(cells), MOST_DRAWN), random_state=0)


def cloud_figure(
    frame: pd.DataFrame,
    coloured: dict[str, list[Group]],
    axes_names: Sequence[str],
    words: Callable[[str], str],
) -> Figure:
    """Cells of `drawn_cells` on two axes, a panel for each of some `colourings`, or one without colours."""
    import seaborn as sns

    coloured = coloured or {"": [("cells", "#1F6F9F", frame["Dose"].notna() | True)]}
    x, y = axes_names
    figure, axes = panels(len(coloured), 3, 4.0, 4.3, sharex=True, sharey=True)
    for axis, (name, groups) in zip(axes, coloured.items(), strict=True):
        label = frame.assign(Class=None)
        for text, _colour, mine in groups:
            label.loc[mine, "Class"] = figure_text(text)
        order = [figure_text(text) for text, _, _ in groups]
        sns.scatterplot(
            label[label["Class"].notna()],
            x=x,
            y=y,
            hue="Class",
            hue_order=order,
            palette=[colour for _, colour, _ in groups],
            s=9 if len(frame) > 1500 else 16,
            alpha=0.6,
            linewidth=0,
            ax=axis,
            rasterized=True,
        )
        axis.set_title(f"by {name}" if name else "")
        axis.set_xlabel(words(x))
        axis.set_ylabel(words(y))
        axis.grid(False)
        axis.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.16),
            ncols=3 if max(map(len, order)) < 12 else 2,
            markerscale=1.8,
            handletextpad=0.1,
            columnspacing=0.9,
            fontsize=8.5,
        )
    return figure
