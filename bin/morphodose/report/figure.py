"""Figures in the house style: drawn once, kept as PNG and SVG, shown in the page."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morphodose.files import replacing
from morphodose.report.html import picture
from morphodose.report.words import figure_text, number
from morphodose.units import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150
#: Pixels of the page for an inch of a figure: letters have the same size in all of them.
SCREEN_DPI = 88
#: Bytes of an SVG that the page takes in any case, since it is sharp at any size.
MOST_SVG = 150_000
_STYLE: dict[Any, Any] = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",
    "svg.hashsalt": "morphodose",
}


@dataclass(frozen=True)
class Drawn:
    """A finished figure: its name, both files, its width in inches."""

    name: str
    png: bytes
    svg: bytes
    width: float

    def html(self, alt: str, caption: str = "") -> str:
        """The figure for the page: as SVG, unless its pixels take less."""
        data = self.svg if len(self.svg) <= max(len(self.png), MOST_SVG) else self.png
        return picture(data, alt, caption, round(self.width * SCREEN_DPI))


class Album:
    """The figures of a report, each written to a folder as PNG and SVG when it is drawn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []

    def draw(self, name: str, paint: Callable[[], Figure]) -> Drawn:
        """Call `paint` in the house style and write what it drew; a name that is taken gets a number."""
        taken = self.names.count(name)
        self.names.append(name)
        name = f"{name}_{taken + 1}" if taken else name
        drawn = render(name, paint)
        for suffix, data in ((".png", drawn.png), (".svg", drawn.svg)):
            with replacing(self.folder / f"{name}{suffix}") as temporary:
                temporary.write_bytes(data)
        return drawn


def render(name: str, paint: Callable[[], Figure]) -> Drawn:
    """PNG and SVG of what `paint` draws; no date goes in, so that the same tables give the same files."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import seaborn as sns

    with sns.axes_style("whitegrid"), plt.rc_context(_STYLE):
        figure = paint()
        png, svg = io.BytesIO(), io.BytesIO()
        # laid out once: with a layout engine each savefig lays out and draws twice
        figure.set_dpi(DPI)
        figure.draw_without_rendering()
        figure.set_layout_engine(None)
        figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None})
        width = float(figure.get_figwidth())
        plt.close(figure)
    return Drawn(name, png.getvalue(), svg.getvalue(), width)


def panels(count: int, columns: int = 3, width: float = 3.4, height: float = 2.9, **options: Any) -> Any:
    """A figure with `count` panels in rows of at most `columns`; unused places stay empty.

    Returns
    -------
    figure, list of matplotlib.axes.Axes
        The axes that are used, row by row.
    """
    import matplotlib.pyplot as plt

    columns = min(columns, count)
    rows = -(-count // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(width * columns, height * rows),
        squeeze=False,
        layout="constrained",
        **options,
    )
    axes = list(grid.flat)
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]


def key_outside(figure: Figure, axes: Axes, title: str) -> None:
    """One legend for all panels, to the right of them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", title=title)


@dataclass(frozen=True)
class DoseAxis:
    """A logarithmic dose axis with the vehicle apart on its left.

    Attributes
    ----------
    doses : tuple of float
        Doses above 0, sorted.
    vehicle : float
        Place of dose 0 on the axis.
    """

    doses: tuple[float, ...]
    vehicle: float

    @classmethod
    def of(cls, doses: Sequence[float]) -> DoseAxis:
        """Axis for these doses; the vehicle stands one and a half dose steps below the lowest."""
        import numpy as np

        above = tuple(sorted({float(d) for d in doses if d > 0}))
        if not above:
            return cls((), 1.0)
        step = float(np.median(np.diff(np.log10(above)))) if len(above) > 1 else 0.5
        return cls(above, above[0] / 10 ** (1.5 * max(step, 0.2)))

    def place(self, dose: Any) -> Any:
        """Where a dose stands on the axis (dose 0 at the vehicle's place)."""
        import numpy as np

        given = np.asarray(dose, dtype=float)
        return np.where(given > 0, given, self.vehicle)

    def dress(self, axes: Axes, unit: str, compound: str = "", vehicle: bool = True) -> None:
        """Scale, ticks and label of the axis; the vehicle is cut off by a dotted line."""
        import numpy as np
        from matplotlib.ticker import NullLocator

        axes.set_xscale("log")
        ticks = list(self.doses)
        while len(ticks) > 7:
            ticks = ticks[::-2][::-1]
        labels = [number(tick, 3) for tick in ticks]
        if vehicle:
            ticks, labels = [self.vehicle, *ticks], ["vehicle", *labels]
            if self.doses:
                edge = np.sqrt(self.vehicle * self.doses[0])
                axes.axvline(edge, color="#999999", linewidth=0.9, linestyle=":")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(ticks, labels)
        if len(ticks) > 5:
            axes.tick_params(axis="x", labelrotation=45)
        words = f"dose of {compound}" if compound else "dose"
        axes.set_xlabel(figure_text(f"{words} ({unit_words(unit)})" if unit else words))
        if self.doses:
            low = self.vehicle if vehicle else self.doses[0]
            axes.set_xlim(low / 1.6, self.doses[-1] * 1.6)
