"""What a section is made of: text, figures and plots, before any of it is a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: Sections of the page, in order; a new analysis takes its place here and in `sections.build`.
ORDER = (
    "verdict",
    "design",
    "plates",
    "counts",
    "death",
    "curves",
    "shape",
    "crops",
    "training",
    "honesty",
    "components",
    "profiles",
    "overlays",
    "quality",
    "cost",
    "provenance",
    "methods",
)


@dataclass(frozen=True)
class Line:
    """One line of an interactive plot.

    Attributes
    ----------
    name : str
        Text of the legend.
    points : sequence of (x, y)
        In the order they are joined.
    colour : str
        ``#rrggbb``.
    dash : str or None
        ``dash`` or ``dot``; None for a full line.
    """

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    dash: str | None = None


@dataclass(frozen=True)
class LinePlot:
    """An interactive line plot, with a button for each of its panels."""

    id: str
    title: str
    xlab: str | Mapping[str, str]
    panels: Mapping[str, Sequence[Line]]
    ylabs: Mapping[str, str]
    yranges: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    markers: bool = True
    xlog: bool = False


@dataclass(frozen=True)
class ScatterPlot:
    """An interactive cloud of points, with a button for each of its panels: class by class, in one colour."""

    id: str
    title: str
    xlabs: Mapping[str, str]
    ylabs: Mapping[str, str]
    panels: Mapping[str, Sequence[Line]]
    size: int = 5


@dataclass(frozen=True)
class Part:
    """A headed piece of a section; `html` is already escaped."""

    title: str
    html: str = ""
    plot: LinePlot | ScatterPlot | None = None
    below: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page: its name in the navigation, a line of introduction, its parts."""

    anchor: str
    title: str
    parts: Sequence[Part]
