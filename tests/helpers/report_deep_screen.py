"""What the report reads of the deep half, its sections, and an album that draws nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from morphodose.report import (
    components,
    crops,
    honesty,
    profile_scores,
    training,
)
from morphodose.report.deep_inputs import read_deep
from morphodose.report.figure import Album, Drawn
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Section
from report_deep_tables import DeepTables
from report_tables import Tables

SCREEN = Tables(doses=(1.0, 10.0), times=(4, 48), replicates=3)


_written = TemporaryDirectory()


@cache
def usual_results() -> Path:
    """The results that most tests read, written once: they take a copy."""
    folder = Path(_written.name) / "results"
    DeepTables(SCREEN, cells=3, epochs=3).write(folder)
    return folder


def screen_of(folder: Path, deep: DeepTables | None = None, **options: Any) -> ReportInputs:
    made = deep or DeepTables(SCREEN, cells=3, epochs=3)
    if deep or options:
        made.write(folder / "results", **options)
    else:
        shutil.copytree(usual_results(), folder / "results")
    none = pd.DataFrame()
    return ReportInputs(
        made.screen.wells(), *[none] * 11, deep=read_deep(folder / "results"), params={"cell_channel": "x"}
    )  # fmt: skip


def text_of(section: Section | None) -> str:
    assert section is not None
    return " ".join(f"{part.title} {part.html}" for part in section.parts)


def all_sections(screen: ReportInputs, album: Album) -> list[Section | None]:
    return [
        crops.section(screen),
        training.section(screen, album),
        honesty.section(screen, album),
        components.section(screen, album),
        profile_scores.section(screen, album),
    ]


class Blank(Album):
    """An album that keeps the names of its figures and draws none: most tests look at words."""

    def draw(self, name: str, paint: Callable[[], Any]) -> Drawn:
        self.names.append(name)
        return Drawn(name, b"\x89PNG", b"<?xml", 4.0)
