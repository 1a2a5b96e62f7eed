#!/usr/bin/env python3
"""Judge every field of some well-timepoints: figures a channel, and keep, flag or drop with the reason."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from morphodose.cells.marks import MARKS, marks_text
from morphodose.cli import command, images_option, keys_option, out_option
from morphodose.errors import InputError
from morphodose.imaging.broken import Missing, missing_block
from morphodose.imaging.images import Field, read_field
from morphodose.imaging.judgement import MissingPlane, QualityThresholds, judge_field
from morphodose.imaging.quality import field_figures
from morphodose.imaging.schemas import QUALITY
from morphodose.imaging.twice import copies_of, copies_within, marks_of, rows_of, strips_of
from morphodose.keys import WellKeys, field_images, read_keys
from morphodose.options.flags import takes
from morphodose.segmentation.common import CELL_TO_NUCLEUS
from morphodose.steps.qc_images import STEP
from morphodose.tables import read_table, write_as

DEFAULT = QualityThresholds()
#: Threshold → what it is.
THRESHOLDS = {
    "edge_flag": "Width of nuclear edges over the diameter of a cell, from which a field is flagged.",
    "edge_drop": "Width of nuclear edges over the diameter of a cell, from which a field is dropped.",
    "saturated_flag": "Saturated pixels of a channel from which a field is flagged, %.",
    "saturated_drop": "Saturated pixels of a channel that is segmented, from which a field is dropped, %.",
    "coverage_flag": "Coverage by stain below which a field is flagged as empty, %.",
    "debris_flag": "Share of the field from which the largest object of the nuclear channel is debris, %.",
    "edge_cell_flag": "Width of cell edges over the diameter of a cell, from which a field is flagged, if "
    "there is no nuclear channel.",
    "background_flag": "Background of a stain from which a field is flagged, % of the camera's range.",
    "blank_counts": (
        "Noise of a channel, in counts, up to which it counts as blank without further proof; 0: only "
        "constant images are blank."
    ),
    "missing_drop": "Constant blocks or repeated rows from which a field is dropped, % of a plane.",
    "missing_band_drop": (
        "Constant band along an edge, such as the alignment of channels leaves, from which a "
        "field is dropped, % of a plane."
    ),
}


def with_thresholds(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each threshold."""
    for name in reversed(THRESHOLDS):
        option = click.option(f"--{name}", type=float, default=getattr(DEFAULT, name), help=THRESHOLDS[name])
        function = option(function)
    return function


@command
@images_option
@keys_option
@takes(STEP.options)
@with_thresholds
@out_option
def main(
    images: Path,
    keys: str,
    nuclear_channel: str,
    cell_channel: str,
    brightfield_channel: str,
    diameter: float,
    nuclear_diameter: float,
    out: Path,
    **thresholds: float,
) -> None:
    """Write <out>/<id>_qc.parquet, one row per field: keys, ImageQuality_<Figure>_<Channel>, Metadata_QC….

    A focus.parquet of project_z among the images says what is missing of single planes: a projection may
    hide it.
    """
    limits = QualityThresholds(**thresholds)
    size = diameter or CELL_TO_NUCLEUS * nuclear_diameter
    for well in read_keys(keys):
        table = out / f"{well.id}_qc.parquet"
        judge_well(
            well, images / well.id, nuclear_channel, cell_channel, brightfield_channel, size, limits, table
        )


def judge_well(
    well: WellKeys,
    images: Path,
    nuclear_channel: str,
    cell_channel: str,
    brightfield_channel: str,
    size: float,
    limits: QualityThresholds,
    out: Path,
) -> None:
    """Judge the fields of one well-timepoint against cells of `size` px, and write their table."""
    paths = field_images(images, well.id)
    planes = missing_planes(images / "focus.parquet")
    rows: list[dict[str, object]] = []
    known: dict[str, dict[str, str]] = {}
    rows_known: dict[str, dict[str, npt.NDArray[np.uint64]]] = {}
    for position, (image, path) in enumerate(paths.items(), start=1):
        field = read_field(path)
        for option, name in (("nuclear_channel", nuclear_channel), ("cell_channel", cell_channel)):
            if name and name not in field.channels:
                raise InputError(f"--{option} {name!r} is not in {path}; it has {', '.join(field.channels)}")
        figures = field_figures(field, brightfield_channel or None)
        missing = planes.get(image, []) + missing_in(field, planes.get(image, []))
        of_rows = {} if field.fault else rows_of(field)
        missing += [MissingPlane(name, None, part) for name, part in strips_of(of_rows, rows_known)]
        rows_known[image] = of_rows
        found = judge_field(figures, nuclear_channel or None, cell_channel or None, size, limits, missing)
        marks = {} if field.fault else marks_of(field)
        # a channel that was given two names on purpose is not a reason to drop every field
        for said, least in ((copies_of(marks, known), "drop"), (copies_within(marks), "flag")):
            if said:
                graver = "drop" if "drop" in (found.verdict, least) else "flag"
                reasons = "; ".join(filter(None, [said, found.reason]))
                found = dataclasses.replace(found, verdict=graver, reason=reasons)
        known[image] = marks
        if field.fault:
            found = dataclasses.replace(found, verdict="drop", reason=f"unreadable: {field.fault}")
        verdict = {
            "Metadata_QCVerdict": found.verdict,
            "Metadata_QCReason": found.reason,
            "Metadata_QCUnusable": ",".join(found.unusable),
            MARKS: marks_text(marks),
        }
        columns = {
            f"ImageQuality_{name}_{channel}": value
            for channel, values in figures.items()
            for name, value in values.items()
        }
        rows.append({**well.columns(image), **verdict, **columns})
        said = f"{well.id}: field {position} of {len(paths)}: {found.verdict} {found.reason}"
        click.echo(said.rstrip(), file=sys.stderr)
    write_as(QUALITY, rows, out)


def missing_planes(table: Path) -> dict[str, list[MissingPlane]]:
    """Planes of which a part is missing, by field, from the focus table; empty where there is none."""
    found: dict[str, list[MissingPlane]] = {}
    if not table.exists():
        return found
    for row in read_table(table).to_dict("records"):
        if row.get("MissingShare", 0) > 0:
            edge, few = bool(row["MissingAtEdge"]), bool(row.get("MissingFewLines", False))
            part = Missing(float(row["MissingShare"]), str(row["MissingWhat"]), edge, few)
            plane = MissingPlane(row["Channel"], int(row["Z"]), part, bool(row["Chosen"]))
            found.setdefault(row["Metadata_ImageID"], []).append(plane)
    return found


def missing_in(field: Field, known: list[MissingPlane]) -> list[MissingPlane]:
    """What is missing of the projected images, of channels whose planes have not said so."""
    told = {plane.channel for plane in known}
    parts = {name: missing_block(field.channel(name)) for name in field.channels if name not in told}
    return [MissingPlane(name, None, part) for name, part in parts.items() if part is not None]


if __name__ == "__main__":
    main()
