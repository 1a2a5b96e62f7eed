"""What the report reads, from the builder's tables, with any of it in another state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Section
from report_tables import Tables

#: As little as every section has something to say of.
SMALL: dict[str, Any] = {
    "doses": (1.0, 10.0),
    "times": (4, 48),
    "replicates": 2,
    "shapes": ("MedianViable_Cells_AreaShape_Area",),
}


def screen_of(tables: Tables | None = None, **changes: Any) -> ReportInputs:
    made = tables or Tables(**SMALL)
    wells = made.wells()
    responses, onsets, images = made.responses(), made.onsets(), made.images(wells)
    screen = ReportInputs(
        wells=wells,
        conditions=made.conditions(wells),
        responses=responses,
        curves=made.curves(responses),
        onsets=onsets,
        orders=made.orders(onsets),
        images=images,
        focus=made.focus(images),
        illumination=pd.DataFrame(),
        gates=made.gates(wells) if made.death else pd.DataFrame(),
        faults=pd.DataFrame(),
        design={"channels": [{"number": "1", "name": "Hoechst"}, {"number": "2", "name": "CellMask"}]},
        run={"left_out": [] if made.death else [{"step": "call_death", "reason": "it has no death marker"}]},
    )
    return replace(screen, **changes)


def text_of(section: Section) -> str:
    return " ".join(f"{part.title} {part.html}" for part in section.parts)
