"""The whole report: every section in its place, then the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from morphodose.report import (
    components,
    cost,
    counts,
    crops,
    curves,
    death,
    honesty,
    methods,
    overlays,
    page,
    plates,
    profile_scores,
    provenance,
    quality,
    shape,
    training,
    verdict,
)
from morphodose.report.figure import Album
from morphodose.report.html import escape
from morphodose.report.inputs import Screen
from morphodose.report.parts import ORDER, Section
from morphodose.report.words import counted, listed


def build(screen: Screen, album: Album, say: Callable[[str], object] = print) -> list[Section]:
    """All sections that have a place, in the order of `parts.ORDER`."""
    makers: dict[str, Callable[[], Section | None]] = {
        "verdict": lambda: verdict.section(screen),
        "design": lambda: provenance.design(screen),
        "plates": lambda: plates.section(screen, album),
        "counts": lambda: counts.section(screen, album),
        "death": lambda: death.section(screen, album),
        "curves": lambda: curves.section(screen, album),
        "shape": lambda: shape.section(screen, album),
        "crops": lambda: crops.section(screen),
        "training": lambda: training.section(screen, album),
        "honesty": lambda: honesty.section(screen, album),
        "components": lambda: components.section(screen, album),
        "profiles": lambda: profile_scores.section(screen, album),
        "overlays": lambda: overlays.section(screen, album),
        "quality": lambda: quality.section(screen, album),
        "cost": lambda: cost.section(),
        "provenance": lambda: provenance.provenance(screen),
        "methods": lambda: methods.section(screen),
    }
    sections = []
    for number, name in enumerate(ORDER, start=1):
        say(f"section {number} of {len(ORDER)}: {name}")
        made = makers[name]()
        if made is not None:
            sections.append(made)
    return sections


def write_report(screen: Screen, out: Path, title: str = "", say: Callable[[str], object] = print) -> None:
    """Write ``report.html`` and ``figures/`` into a folder."""
    album = Album(out / "figures")
    sections = build(screen, album, say)
    names = screen.compounds
    of = listed(names) if len(names) <= 3 else counted(len(names), "compound")
    heading = title or (f"Screen of {of}" if names else "Screen")
    writer = f"{screen.run.get('pipeline', 'morphodose')} {screen.run.get('version', '')}".rstrip()
    lead = (
        "What was imaged, whether it is sound, and what each dose did to the cells and when. "
        f"Written by {escape(writer)}."
    )
    page.write_page(out / "report.html", sections, escape(heading), lead)
    say(f"report: {out / 'report.html'} ({len(album.names)} figures)")
