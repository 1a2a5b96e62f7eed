"""The picture of the gates: controls beside the wells they judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from morphodose.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

#: More points than this make a picture no clearer.
MOST_POINTS = 8000
_COLOURS = {"viable": "#2F6F93", "early_apoptotic": "#F3BD52", "late_apoptotic": "#DE7430",
            "necrotic": "#4F1439", "dead": "#DE7430", "dying": "#F3BD52"}  # fmt: skip
#: Styles of the gates of different groups.
_STYLES = ("-", "--", ":", "-.")
_GREY = "#B0B0B0"
#: Where the share of a quadrant is written: x, y (of the axes), and which corner of the text lies there.
_CORNERS = {
    "viable": (0.02, 0.02, "left", "bottom"),
    "early_apoptotic": (0.98, 0.02, "right", "bottom"),
    "late_apoptotic": (0.98, 0.98, "right", "top"),
    "necrotic": (0.02, 0.98, "left", "top"),
}


def plot_gates(
    path: str | Path,
    title: str,
    intensities: dict[str, Floats],
    thresholds: dict[str, dict[str, float]],
    states: npt.NDArray[np.object_],
    roles: npt.NDArray[np.object_],
) -> None:
    """Draw vehicle, positive control and treated cells with the gates, as PNG.

    Parameters
    ----------
    path : path
        PNG file.
    title : str
        Above the panels.
    intensities : dict
        One or two channels → (N,) array of counts; two are drawn against each other, one as a histogram.
    thresholds : dict
        Channel → group ("" where nothing divides the cells) → gate, NaN where there is none.
    states, roles : (N,) array of object
        Of each cell.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    groups = [role for role in ("vehicle", "positive", "treated") if np.any(roles == role)] or ["treated"]
    figure = Figure(figsize=(3.6 * len(groups) + 0.6, 3.9), layout="constrained")
    axes = figure.subplots(1, len(groups), sharex=True, sharey=len(intensities) == 2, squeeze=False)[0]
    figure.suptitle(title.replace("$", r"\$"), fontsize=10)
    rng = np.random.default_rng(0)
    for axis, role in zip(axes, groups, strict=True):
        cells = np.flatnonzero(roles == role)
        axis.set_title(f"{role}: {len(cells):,} cells", fontsize=9)
        if len(cells) > MOST_POINTS:
            cells = np.sort(rng.choice(cells, MOST_POINTS, replace=False))
        _plain_ticks(axis, intensities)  # before anything is drawn: limits of a linear axis may be negative
        if len(intensities) == 2:
            _scatter(axis, intensities, thresholds, states, cells)
        else:
            _histogram(axis, intensities, thresholds, cells)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    _name_groups(figure, next(iter(thresholds.values())))
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")


def _name_groups(figure: Figure, gates: dict[str, float]) -> None:
    """Below the panels, which line is the gate of which group."""
    from matplotlib.lines import Line2D

    if len(gates) < 2:
        return
    handles = [
        Line2D(
            [], [], color="black", lw=0.8, ls=_STYLES[place % len(_STYLES)], label=name.replace("$", r"\$")
        )
        for place, name in enumerate(gates)
    ]
    figure.legend(handles=handles, loc="outside lower center", fontsize=7, frameon=False, ncols=2)


def _scatter(
    axis: Axes,
    intensities: dict[str, Floats],
    thresholds: dict[str, dict[str, float]],
    states: npt.NDArray[np.object_],
    cells: npt.NDArray[np.int_],
) -> None:
    """One panel of two dyes, coloured by state, with the percentage of each quadrant."""
    (first, x), (second, y) = intensities.items()
    x, y, here = x[cells], y[cells], states[cells]
    for state in [None, *_COLOURS]:
        mine = np.array([each == state for each in here], dtype=bool)
        if mine.any():
            axis.plot(x[mine], y[mine], ".", ms=2.5, alpha=0.6, color=_COLOURS.get(state or "", _GREY))
    axis.margins(y=0.16)  # room for the words in the corners
    _lines(axis, thresholds[first], thresholds[second])
    known = [state for state in here if state is not None]
    for state, (left, top, across, down) in _CORNERS.items() if known else ():
        share = sum(each == state for each in known) / len(known)
        text = f"{state.replace('_', ' ')}\n{share:.1%}"
        axis.text(
            left,
            top,
            text,
            transform=axis.transAxes,
            ha=across,
            va=down,
            fontsize=7,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1},
        )
    _label(axis, first, second)


def _lines(axis: Axes, across: dict[str, float], up: dict[str, float]) -> None:
    """Gates as lines, vertical and horizontal, those of each group in a style of their own."""
    for gates, draw in ((across, axis.axvline), (up, axis.axhline)):
        for place, gate in enumerate(gates.values()):
            if np.isfinite(gate):
                draw(gate, color="black", lw=0.8, ls=_STYLES[place % len(_STYLES)])


def _histogram(
    axis: Axes,
    intensities: dict[str, Floats],
    thresholds: dict[str, dict[str, float]],
    cells: npt.NDArray[np.int_],
) -> None:
    """One panel of one dye."""
    ((channel, values),) = intensities.items()
    every = values[np.isfinite(values) & (values > 0)]
    here = values[cells]
    if len(every):
        bins = np.geomspace(every.min(), max(every.max(), every.min() * 1.01), 60).tolist()
        axis.hist(here[np.isfinite(here)], bins=bins, color=_COLOURS["viable"])
    _lines(axis, thresholds[channel], {})
    _label(axis, channel, None)


def _plain_ticks(axis: Axes, intensities: dict[str, Floats]) -> None:
    """Counts on a logarithm, as plain numbers at 1, 2 and 5 of each decade that do not run into each other.

    An axis of a stain without any count above 0, as where it was not imaged, has no numbers.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    for side, scale, values in zip(
        (axis.xaxis, axis.yaxis), (axis.set_xscale, axis.set_yscale), intensities.values(), strict=False
    ):
        if not np.any(values > 0):
            side.set_major_locator(NullLocator())
            continue
        scale("log")
        side.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        side.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.0f}"))
        side.set_minor_formatter(NullFormatter())


def _label(axis: Axes, x: str, y: str | None) -> None:
    """Names of the axes; text of users may hold dollar signs, which would start a formula."""
    axis.set_xlabel(f"{x} (mean counts)".replace("$", r"\$"), fontsize=8)
    axis.set_ylabel("cells" if y is None else f"{y} (mean counts)".replace("$", r"\$"), fontsize=8)
