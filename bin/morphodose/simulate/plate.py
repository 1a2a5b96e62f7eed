"""Render a screen and write it the way the instrument would, with the truth beside it."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.imaging.images import write_labels
from morphodose.names import cell_id, image_id, well_timepoint_id
from morphodose.simulate.biology import STATES, truth_of
from morphodose.simulate.field import SimulatedField, render_field
from morphodose.simulate.optics import CHANNELS
from morphodose.simulate.screen import (
    Acquisition,
    SimulatedScreen,
    Well,
    acquisitions,
    effect_of,
    plane_name,
    plate_wells,
    plates,
    position_factor,
)
from morphodose.spreadsheets import write_csv_rows

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the truth that are fractions of cells, by the states they count.
FRACTIONS: dict[str, tuple[str, ...]] = {
    "Fraction_Viable": ("viable",),
    "Fraction_EarlyApoptotic": ("early_apoptotic",),
    "Fraction_LateApoptotic": ("late_apoptotic",),
    "Fraction_Necrotic": ("necrotic",),
    "Fraction_Dead": ("late_apoptotic", "necrotic"),
    "Fraction_Dying": ("early_apoptotic", "late_apoptotic", "necrotic"),
}

#: Columns of the cell table after the keys of its field.
CELL_COLUMNS = (
    *("Metadata_ObjectLabel", "Metadata_CellID", "Metadata_DeathState", "TouchesBorder", "Center_X"),
    *("Center_Y", "Area", "NucleusArea", "Touching"),
    *(f"Level_{name}" for name in CHANNELS[1:]),
)


@dataclass(frozen=True)
class WellConditions:
    """What was decided for one well of one acquisition before any cell was drawn."""

    fractions: tuple[float, ...]
    lost: float
    morphology: float
    n_cells: float
    brightness: float
    illumination_centres: dict[str, tuple[float, float]]


def generator(screen: SimulatedScreen, *key: int) -> np.random.Generator:
    """Random numbers of one place in the screen, whatever else is rendered and in which order."""
    return np.random.default_rng(np.random.SeedSequence(screen.seed, spawn_key=key))


def _key(acquisition: Acquisition, *rest: int) -> tuple[int, ...]:
    return (round(acquisition.hours * 60), acquisition.replicate, *rest)


def well_conditions(screen: SimulatedScreen, acquisition: Acquisition, well: Well) -> WellConditions:
    """Draw the conditions of a well: its expected fractions, cells and brightness."""
    batch = generator(screen, *_key(acquisition))
    centres = {name: tuple(batch.normal(0, 0.12, 2)) for name in CHANNELS}
    stain = float(np.exp(batch.normal(0, screen.batch_sd)))
    rng = generator(screen, *_key(acquisition, well.number))
    potency = 10 ** rng.normal(0, screen.well_sd)
    crowding = float(np.exp(rng.normal(0, screen.well_sd)))
    dose = np.inf if well.role == "positive" else well.dose * potency
    curves = effect_of(screen, well.compound).at(acquisition.hours)
    return WellConditions(
        fractions=tuple(curves.fractions(dose)),
        lost=curves.lost.value(dose),
        morphology=curves.morphology.value(dose),
        n_cells=screen.density * curves.growth * crowding,
        brightness=stain * position_factor(screen, well.name),
        illumination_centres=centres,
    )


def render(
    screen: SimulatedScreen, acquisition: Acquisition, well: Well, number: int
) -> tuple[SimulatedField, dict[str, Any]]:
    """Render field `number` (from 1) of a well; also what is special about it."""
    conditions = well_conditions(screen, acquisition, well)
    rng = generator(screen, *_key(acquisition, well.number, number))
    empty = bool(rng.random() < screen.empty_fields)
    defocus = float(rng.choice([-1, 1]) * rng.uniform(14, 22))
    if rng.random() >= screen.out_of_focus:
        defocus = 0.0
    field = render_field(
        rng,
        size=screen.size,
        n_cells=0.0 if empty else conditions.n_cells,
        fractions=conditions.fractions,
        lost=conditions.lost,
        morphology=conditions.morphology,
        cell_diameter=screen.cell_diameter,
        clustering=screen.clustering,
        brightness=conditions.brightness,
        optics=replace(screen.optics, defocus=screen.optics.defocus + defocus),
        illumination_centres=conditions.illumination_centres,
    )
    return field, {"Empty": empty, "OutOfFocus": defocus != 0, "Defocus": defocus}


def write_well(
    screen: SimulatedScreen, acquisition: Acquisition, well: Well, out: Path, compression: str | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Write the planes and masks of one well-timepoint; give its rows of the cell and field tables."""
    folder = out / "images" / acquisition.folder
    cell_rows: list[dict[str, Any]] = []
    field_rows: list[dict[str, Any]] = []
    id_ = well_timepoint_id(acquisition.name, well.name)
    per_cm = 1e4 / screen.optics.pixel_size
    for number in range(1, screen.fields + 1):
        field, special = render(screen, acquisition, well, number)
        image = image_id(id_, number)
        for z, stack in enumerate(field.planes, start=1):
            for channel, plane in enumerate(stack, start=1):
                with replacing(folder / plane_name(well.number, number, z, channel)) as temporary:
                    tifffile.imwrite(
                        temporary,
                        plane,
                        photometric="minisblack",
                        compression=compression,
                        compressionargs={"level": 1} if compression else None,
                        predictor=bool(compression),
                        resolution=(per_cm, per_cm),
                        resolutionunit="CENTIMETER",
                        metadata=None,
                    )
        write_labels(out / "truth" / f"{image}_cells.tif", field.cells)
        write_labels(out / "truth" / f"{image}_nuclei.tif", field.nuclei)
        keys = {
            "Metadata_Plate": acquisition.plate,
            "Metadata_Timepoint": acquisition.hours,
            "Metadata_Replicate": str(acquisition.replicate),
            "Metadata_Acquisition": acquisition.name,
            "Metadata_Well": well.name,
            "Metadata_Field": number,
            "Metadata_ImageID": image,
            "Metadata_Compound": well.compound,
            "Metadata_Dose": well.dose,
            "Metadata_DoseUnit": screen.dose_unit,
            "Metadata_Role": well.role,
        }
        field_rows.append({**keys, **special, **_counts(field)})
        for i, label in enumerate(field.table["ObjectLabel"].tolist()):
            row = {name: values[i] for name, values in field.table.items()}
            state = row.pop("State")
            del row["ObjectLabel"]
            cell_rows.append(
                {
                    **keys,
                    "Metadata_ObjectLabel": label,
                    "Metadata_CellID": cell_id(image, label),
                    "Metadata_DeathState": state,
                    **row,
                }
            )
    return cell_rows, field_rows


def _counts(field: SimulatedField) -> dict[str, int]:
    """Cells of a field by state, those that touch the border apart."""
    border = field.table["TouchesBorder"].astype(bool)
    counts = {"Count_Cells": int((~border).sum()), "Count_BorderCells": int(border.sum())}
    for state in STATES:
        mine = field.table["State"] == state
        name = "".join(word.capitalize() for word in state.split("_"))
        counts[f"Count_{name}"] = int((mine & ~border).sum())
        counts[f"Count_{name}_All"] = int(mine.sum())
    return counts


def write_screen(
    screen: SimulatedScreen,
    out: Path,
    *,
    workers: int = 1,
    compression: str | None = None,
    force: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> None:
    """Write a whole screen below `out`: images, samplesheet, plate map and truth.

    Parameters
    ----------
    screen : SimulatedScreen
    out : Path
        Gets ``images/<t>hrs_R<r>/W….tif``, ``samplesheet.csv``, ``platemap.csv`` and ``truth/``.
    workers : int
        Processes; the pixels do not depend on their number.
    compression : str, optional
        ``zlib`` for smaller files; none is faster.
    force : bool
        Remove the images and truth of an earlier simulation there.
    report : callable
        Gets a line for each finished well-timepoint.

    Raises
    ------
    InputError
        If there are images already and `force` is not set.
    """
    for name in ("images", "truth"):
        if (out / name).exists():
            if not force:
                raise InputError(f"{out / name} exists; choose another folder, or give --force to replace it")
            shutil.rmtree(out / name)
    for acquisition in acquisitions(screen):
        (out / "images" / acquisition.folder).mkdir(parents=True)
    jobs = [
        (acquisition, well)
        for acquisition in acquisitions(screen)
        for well in plate_wells(screen, acquisition.replicate)
    ]
    results: dict[int, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
    for index, result in _finished(screen, jobs, out, compression, workers):
        results[index] = result
        acquisition, well = jobs[index]
        report(f"well {len(results)} of {len(jobs)}: {well_timepoint_id(acquisition.name, well.name)}")
    ordered = [results[index] for index in range(len(jobs))]
    _write_tables(screen, out, [r for c, _ in ordered for r in c], [r for _, f in ordered for r in f])
    _write_sheets(screen, out)


def _finished(
    screen: SimulatedScreen,
    jobs: list[tuple[Acquisition, Well]],
    out: Path,
    compression: str | None,
    workers: int,
) -> Iterator[tuple[int, tuple[list[dict[str, Any]], list[dict[str, Any]]]]]:
    """Results of the jobs with their index, as they come."""
    if workers <= 1:
        for index, (acquisition, well) in enumerate(jobs):
            yield index, write_well(screen, acquisition, well, out, compression)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        waiting = {
            pool.submit(write_well, screen, acquisition, well, out, compression): index
            for index, (acquisition, well) in enumerate(jobs)
        }
        for future in as_completed(waiting):
            yield waiting[future], future.result()


def _write_tables(
    screen: SimulatedScreen, out: Path, cell_rows: list[dict[str, Any]], field_rows: list[dict[str, Any]]
) -> None:
    """Write ``cells``, ``fields`` and ``wells`` and the truth file."""
    import pandas as pd

    from morphodose.tables import write_table

    units = {
        "Metadata_Timepoint": "h",
        "Metadata_Dose": screen.dose_unit,
        "Center_X": "px",
        "Center_Y": "px",
        "Area": "px2",
        "NucleusArea": "px2",
        "Defocus": "um",
    }
    truth = out / "truth"
    fields = pd.DataFrame(field_rows)
    cells = pd.DataFrame(cell_rows)
    if cells.empty:  # every field empty: a table without rows still has its columns
        keys = [name for name in fields.columns if name.startswith("Metadata_")]
        cells = pd.DataFrame(columns=[*keys, *CELL_COLUMNS])
    write_table(cells, truth / "cells.parquet", units)
    write_table(fields, truth / "fields.parquet", units)
    write_table(well_truth(screen, fields), truth / "wells.parquet", units)
    contents = {
        "seed": screen.seed,
        "note": (
            "Death fractions are those among the cells that are still in the image, loss is against vehicle. "
            "at_zero and at_infinity are the values at dose 0 and at infinite dose; a four-parameter "
            "logistic fitted to infinitely many cells returns ec50 and hill. Morphology_Viable is the change "
            "of the area of the viable cells (area falls by 35 % times its value)."
        ),
        "endpoints": [
            {"compound": name, **curve}
            for name in [name for name, _ in screen.compounds] or [screen.compound]
            for curve in truth_of(effect_of(screen, name), sorted(screen.times))
        ],
        "options": _plain(asdict(screen)),
    }
    with replacing(truth / "truth.json") as temporary:
        temporary.write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """Value with the keys of mappings as text, as JSON wants them; an EC50 that is infinite is null."""
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and np.isinf(value):
        return None
    if isinstance(value, dict):
        return {f"{key:g}" if isinstance(key, float) else key: _plain(entry) for key, entry in value.items()}
    return value


def well_truth(screen: SimulatedScreen, fields: pd.DataFrame) -> pd.DataFrame:
    """True counts and fractions of each well-timepoint, counted in the rendered fields.

    Parameters
    ----------
    screen : SimulatedScreen
    fields : pandas.DataFrame
        A row per field, as `write_well` gives them.

    Returns
    -------
    pandas.DataFrame
        ``Count_Cells`` and ``Fraction_*`` are those of cells that do not touch the border, ``*_All`` of
        all; ``Expected_*`` are the values of the curves at the well's dose, without its own deviation.
    """
    import pandas as pd

    keys = [name for name in fields.columns if name.startswith("Metadata_")]
    keys = [name for name in keys if name not in ("Metadata_Field", "Metadata_ImageID")]
    counts = [name for name in fields.columns if name.startswith("Count_")]
    groups = fields.groupby(["Metadata_Timepoint", "Metadata_Replicate", "Metadata_Well"], sort=False)
    rows = []
    for (hours, _, _), group in groups:
        sums = group[counts].sum()
        row: dict[str, Any] = dict(group[keys].iloc[0])
        row["Count_Fields"] = len(group)
        row["Count_Cells"] = sums["Count_Cells"]
        row["Count_BorderCells"] = sums["Count_BorderCells"]
        row["Count_Cells_All"] = sums["Count_Cells"] + sums["Count_BorderCells"]
        row["Count_CellsPerField"] = sums["Count_Cells"] / len(group)
        dose = np.inf if row["Metadata_Role"] == "positive" else row["Metadata_Dose"]
        curves = effect_of(screen, row["Metadata_Compound"]).at(hours)
        expected = dict(zip(STATES, curves.fractions(dose), strict=True))
        for name, states in FRACTIONS.items():
            words = ["".join(word.capitalize() for word in state.split("_")) for state in states]
            for suffix, total in (("", row["Count_Cells"]), ("_All", row["Count_Cells_All"])):
                part = sum(sums[f"Count_{word}{suffix}"] for word in words)
                row[f"{name}{suffix}"] = part / total if total else np.nan
            row[f"Expected_{name}"] = sum(expected[state] for state in states)
        row["Expected_Fraction_Lost"] = curves.lost.value(dose)
        rows.append(row)
    return pd.DataFrame(rows)


def _write_sheets(screen: SimulatedScreen, out: Path) -> None:
    """Write the samplesheet, with paths relative to it, and the plate map."""
    taken = (
        (one.plate, f"{one.hours:g}", one.replicate, f"images/{one.folder}") for one in acquisitions(screen)
    )
    write_csv_rows(out / "samplesheet.csv", ["plate", "timepoint_h", "replicate", "images"], taken)
    header = ["well", "compound", "dose", "dose_unit", "role"]
    rows: list[list[str]] = [
        [plate, w.name, w.compound, f"{w.dose:g}", screen.dose_unit, w.role]
        for replicate, plate in enumerate(dict.fromkeys(plates(screen)), start=1)
        for w in plate_wells(screen, replicate)
    ]
    if screen.shuffle_replicates:
        write_csv_rows(out / "platemap.csv", ["plate", *header], rows)
    else:
        write_csv_rows(out / "platemap.csv", header, (row[1:] for row in rows))
