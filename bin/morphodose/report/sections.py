"""The whole report: every section in its place, then the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from morphodose.report import (
    cells,
    components,
    compound,
    cost,
    crops,
    death,
    dropped,
    honesty,
    methods,
    overlays,
    page,
    places,
    plates,
    profile_scores,
    provenance,
    quality,
    training,
    verdict,
)
from morphodose.report.figure import Album
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import ORDER, Section
from morphodose.report.pictures import wanted_of
from morphodose.report.tiles import Tiles, make_tiles
from morphodose.report.words import counted, listed


def build(
    screen: ReportInputs, album: Album, say: Callable[[str], object] = print
) -> tuple[list[Section], dict[str, Any]]:
    """All sections that have a place, in the order of `parts.ORDER`, and the data of the script."""
    names = [hit.compound for hit in screen.ranked]
    cloud = cells.cloud_of(screen)
    say("pictures")
    tiles = make_tiles(screen, wanted_of(screen, cloud), len(cloud.cells) if cloud else 0)
    checks = verdict.judged(screen)
    makers: dict[str, Callable[[], Section | None]] = {
        "verdict": lambda: verdict.section(screen, checks, tiles),
        "compound": lambda: compound.section(screen, album),
        "compared": lambda: compound.compared(screen),
        "plate": lambda: plates.section(screen),
        "cells": lambda: cells.section(screen, cloud, tiles),
        "checks": lambda: verdict.checks_section(screen, checks),
        "dropped": lambda: dropped.section(screen),
        "overlays": lambda: overlays.section(screen),
        "gates": lambda: death.section(screen),
        "places": lambda: places.section(screen),
        "quality": lambda: quality.section(screen, album),
        "honesty": lambda: honesty.section(screen, album),
        "crops": lambda: crops.section(screen),
        "training": lambda: training.section(screen, album),
        "components": lambda: components.section(screen, album),
        "profiles": lambda: profile_scores.section(screen, album),
        "methods": lambda: methods.section(screen),
        "design": lambda: provenance.design(screen),
        "provenance": lambda: provenance.provenance(screen),
        "cost": lambda: cost.section(screen),
    }
    sections = []
    for number, name in enumerate(ORDER, start=1):
        say(f"section {number} of {len(ORDER)}: {name}")
        made = makers[name]()
        if made is not None:
            sections.append(made)
    return sections, _data(screen, cloud, tiles, names)


def _data(screen: ReportInputs, cloud: cells.Cloud | None, tiles: Tiles, names: list[str]) -> dict[str, Any]:
    data: dict[str, Any] = {"page": {"compounds": names}}
    if len(screen.wells):
        data["wells"] = plates.well_data(screen, names) | {"acquisition": _acquisitions(screen)}
        data["thumbs"] = {str(row): address for row, address in tiles.thumbs.items()}
    if foretold := cost.cost_data(screen):
        data["cost"] = foretold
    if cloud is not None:
        data["cells"] = cells.cell_data(screen, cloud, tiles, names)
    return data


def _acquisitions(screen: ReportInputs) -> dict[str, list[Any]]:
    """Names of the acquisitions, and that of each well by number: an image names its acquisition."""
    given = screen.wells["Metadata_Acquisition"].astype(str)
    names = list(dict.fromkeys(given))
    at = {name: i for i, name in enumerate(names)}
    return {"names": names, "of": [at[name] for name in given]}


def write_report(
    screen: ReportInputs, out: Path, title: str = "", say: Callable[[str], object] = print
) -> None:
    """Write ``report.html`` and ``figures/`` into a folder."""
    screen = replace(screen, wells=screen.wells.reset_index(drop=True))
    album = Album(out / "figures")
    sections, data = build(screen, album, say)
    names = screen.compounds
    of = listed(names) if len(names) <= 3 else counted(len(names), "compound")
    heading = title or (f"Screen of {of}" if names else "Screen")
    writer = f"{screen.run.get('pipeline', 'morphodose')} {screen.run.get('version', '')}".rstrip()
    lead = f"What each dose did to the cells, when, and whether the screen is sound. Written by {writer}."
    ranked = [hit.compound for hit in screen.ranked]
    page.write_page(out / "report.html", sections, heading, lead, compounds=ranked, data=data)
    say(f"report: {out / 'report.html'} ({len(album.names)} figures)")
