#!/usr/bin/env python3
"""Call the death state of every cell of one acquisition, by gates from its vehicle wells."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from morphodose.cells.unusable import read_unusable
from morphodose.cli import command
from morphodose.death.compensation import compensate, spillover
from morphodose.death.gates import MIN_VEHICLE_CELLS, moved_fractions, unstained
from morphodose.death.group_states import GroupStates, states_of_group
from morphodose.death.kinds import gate_groups
from morphodose.death.options import manual_gates, quantities, spillovers
from morphodose.death.plot import plot_gates
from morphodose.death.schemas import DEATH, GATES
from morphodose.death.stains import Stain, find_stain, measured_channels
from morphodose.death.states import DOUBT, MOVED_STATES, STATE
from morphodose.errors import InputError
from morphodose.options.flags import takes
from morphodose.platemap import PlateMap, read_plate_map
from morphodose.responses.groups import GROUP
from morphodose.steps.call_death import STEP
from morphodose.tables import parquet_files, write_as

KEYS = ("Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate", "Metadata_Acquisition")


@command
@click.option(
    "--measurements",
    required=True,
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Folder with the tables of measure_cells of one acquisition, or a file; may be given again.",
)
@click.option(
    "--plate_map", required=True, type=click.Path(exists=True), help="plate_map.csv of check_design."
)
@click.option(
    "--qc",
    type=click.Path(exists=True, path_type=Path),
    help="Tables of qc_images: a stain that is constant in a field tells nothing of its cells, and dropped "
    "fields set no gate.",
)
@takes(STEP.options)
@click.option(
    "--min_vehicle_cells",
    type=click.IntRange(5),
    default=MIN_VEHICLE_CELLS,
    help="Number of vehicle cells that a gate needs.",
)
@click.option("--out_prefix", required=True, help="Beginning of the names of the files written.")
def main(
    measurements: tuple[Path, ...],
    plate_map: str,
    qc: Path | None,
    early_death_channel: str,
    late_death_channel: str,
    min_vehicle_cells: int,
    gates: str,
    death_quantities: str,
    compensation: str,
    group_by: str,
    out_prefix: str,
) -> None:
    """Write OUT_PREFIX_death.parquet, OUT_PREFIX_gates.parquet and OUT_PREFIX_gates.png."""
    import pandas as pd

    if not (early_death_channel or late_death_channel):
        raise InputError("--early_death_channel or --late_death_channel is needed: no dye marks death")
    files = [file for entry in measurements for file in parquet_files(entry)]
    if not files:
        raise InputError(f"no Parquet file in {', '.join(map(str, measurements))}")
    names = pq.read_schema(files[0]).names
    channels = [name for name in (early_death_channel, late_death_channel) if name]
    read_as = quantities(death_quantities, channels)
    found = (
        find_stain("early", early_death_channel, names, read_as.get(early_death_channel)),
        find_stain("late", late_death_channel, names, read_as.get(late_death_channel)),
    )
    stains = [stain for stain in found if stain]
    for stain in stains:
        if not set(stain.columns) & set(names):
            have = ", ".join(measured_channels(names))
            click.echo(
                f"'{stain.channel}': not imaged in this acquisition, which has {have}; no state here",
                file=sys.stderr,
            )
    table = read(files, list(dict.fromkeys(column for stain in stains for column in stain.columns)))
    roles = roles_of(table, read_plate_map(plate_map))
    if qc is not None:
        leave_out(table, roles, stains, qc)
    acquisition = str(table["Metadata_Acquisition"][0]) if len(roles) else ""
    leaks: dict[str, float] = {}
    if compensation:
        leaks = compensated(table, stains, roles, spillovers(compensation, channels))
    by_hand = manual_gates(gates, channels, acquisition)
    counts = [_first_finite(table, stain) for stain in stains]
    groups = gate_groups(read_plate_map(plate_map), table, roles, counts, min_vehicle_cells, group_by)
    parts = [states_of_group(group, table, stains, roles, min_vehicle_cells, by_hand) for group in groups]
    count = len(roles)
    states, doubts, lower, higher = (np.full(count, None, dtype=object) for _ in range(4))
    intensities = {stain.channel: np.full(count, np.nan) for stain in stains}
    for part in parts:
        states[part.group.judged], doubts[part.group.judged] = part.states, part.doubts
        lower[part.group.judged], higher[part.group.judged] = part.moved["lower"], part.moved["higher"]
        for stain in stains:
            values = part.called[stain.name].intensity[part.own]
            intensities[stain.channel][part.group.judged] = values
    death: dict[str, object] = {
        "Metadata_CellID": table["Metadata_CellID"],
        STATE: states,
        DOUBT: doubts,
        MOVED_STATES["GateLower"]: lower,
        MOVED_STATES["GateHigher"]: higher,
    }
    death |= {f"Death_Intensity_{channel}": values for channel, values in intensities.items()}
    write_as(DEATH, pd.DataFrame(death), f"{out_prefix}_death.parquet")
    write_gates(f"{out_prefix}_gates.parquet", table, stains, roles, parts, leaks)
    plot_gates(
        f"{out_prefix}_gates.png",
        Path(out_prefix).name,
        intensities,
        {stain.channel: {part.group.name: part.threshold(stain) for part in parts} for stain in stains},
        states,
        roles,
    )
    for part in parts:
        for stain in stains:
            for column, gate in part.called[stain.name].gates.items():
                said = "; ".join(filter(None, (gate.reason, part.doubt(stain, column))))
                note, of = f" ({said})" if said else "", f" of {part.group.name}" if part.group.name else ""
                click.echo(
                    f"{column}{of}: gate {gate.threshold:.1f} counts by {gate.method}{note}", file=sys.stderr
                )


def read(files: list[Path], columns: list[str]) -> dict[str, Any]:
    """Keys and the columns of the stains, of all files; nothing else of the wide tables is read."""
    wanted = [*KEYS, "Metadata_Well", "Metadata_CellID", *columns]
    tables = [pq.ParquetFile(file).read(columns=wanted) for file in files]
    joined = pa.concat_tables(tables, promote_options="permissive")
    found = {}
    for name in wanted:
        if name not in joined.column_names:  # the stain was not imaged at this time
            found[name] = np.full(len(joined), np.nan)
            continue
        values = joined[name].combine_chunks()
        if name in columns:
            # a copy, which may be changed
            found[name] = np.array(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
        else:
            found[name] = np.array(values.to_pylist(), dtype=object)
    return found


def leave_out(table: dict[str, Any], roles: npt.NDArray[np.object_], stains: list[Stain], qc: Path) -> None:
    """What QC found: no intensities of a stain that shows nothing in a field, no controls of dropped fields.

    `table` and `roles` are changed in place.
    """
    unusable, dropped = read_unusable(qc)
    # a CellID is the id of its field and the label of the object
    images = np.array([cell.rpartition("_obj")[0] for cell in table["Metadata_CellID"]], dtype=object)
    for stain in stains:
        nothing = np.array([stain.channel in unusable.get(image, ()) for image in images], dtype=bool)
        for column in stain.columns:
            table[column][nothing] = np.nan
        if nothing.any():
            fields = len(set(images[nothing]))
            said = f"{stain.channel}: constant, or nothing but noise, in {fields} fields: no state there"
            click.echo(said, file=sys.stderr)
    roles[np.array([image in dropped for image in images], dtype=bool)] = "dropped"


def roles_of(table: dict[str, Any], plate_map: PlateMap) -> npt.NDArray[np.object_]:
    """Role of the well of each cell."""
    wells = list(zip(table["Metadata_Plate"], table["Metadata_Well"], strict=True))
    roles = {well: plate_map.of(*well)["Metadata_Role"] for well in set(wells)}
    return np.array([roles[well] for well in wells], dtype=object)


def compensated(
    table: dict[str, Any],
    stains: list[Stain],
    roles: npt.NDArray[np.object_],
    given: dict[tuple[str, str], float] | None,
) -> dict[str, float]:
    """Take the light of each stain out of the other's columns of `table`, in place; the spillovers used.

    None estimates them from the control wells. With one stain there is nothing to take out.
    """
    if len(stains) < 2:
        return {}
    early, late = stains
    first = {stain.name: _first_finite(table, stain) for stain in stains}
    controls, vehicle = np.isin(roles, ("vehicle", "positive")), roles == "vehicle"

    def unstained_of(values: npt.NDArray[np.float64]) -> tuple[float, float]:
        here = values[vehicle & np.isfinite(values)]
        return unstained(here) if len(here) else (0.0, 0.0)

    if given is None:
        pairs = ((early, late), (late, early))
        given = {
            (source.channel, target.channel): spillover(
                first[source.name][controls], first[target.name][controls], unstained_of(first[source.name])
            )
            for source, target in pairs
        }
    forth, back = given.get((early.channel, late.channel), 0.0), given.get((late.channel, early.channel), 0.0)
    before = {column: table[column].copy() for stain in stains for column in stain.columns}

    for column in early.columns:
        base = (unstained_of(before[column])[0], unstained_of(first["late"])[0])
        table[column] = compensate(before[column], first["late"], base, forth, back)[0]
    for column in late.columns:
        base = (unstained_of(first["early"])[0], unstained_of(before[column])[0])
        table[column] = compensate(first["early"], before[column], base, forth, back)[1]
    for (source, target), share in given.items():
        click.echo(f"spillover of {source} into {target}: {share:.3f}", file=sys.stderr)
    return {late.channel: forth, early.channel: back}


def _first_finite(table: dict[str, Any], stain: Stain) -> npt.NDArray[np.float64]:
    """The column that each cell is read from."""
    values = np.full(len(table[stain.columns[0]]), np.nan)
    for column in stain.columns:
        values = np.where(np.isnan(values), table[column], values)
    return values


def write_gates(
    path: str,
    table: dict[str, Any],
    stains: list[Stain],
    roles: npt.NDArray[np.object_],
    parts: list[GroupStates],
    leaks: dict[str, float],
) -> None:
    """The table of gates, one row per group, stain and column."""
    rows = []
    for part, stain in ((part, stain) for part in parts for stain in stains):
        called = part.called[stain.name]
        for column, gate in called.gates.items():
            row = {
                **{name: (table[name][0] if len(table[name]) else None) for name in KEYS},
                GROUP: part.group.name,
                "Stain": stain.name,
                "Channel": stain.channel,
                "Column": column,
                "Threshold": gate.threshold,
                "Centre": gate.centre,
                "Spread": gate.spread,
                "Method": gate.method,
                "Count_VehicleCells": gate.vehicle_cells,
                "Count_PositiveCells": gate.positive_cells,
                "Count_FarObjects": called.far[column],
                "Fraction_VehiclePositive": gate.vehicle_stained,
                "Spillover": leaks.get(stain.channel, 0.0),
                "Correlation": part.together,
                "Reason": gate.reason,
                "Doubt": part.doubt(stain, column),
            }
            for role in ("vehicle", "positive", "treated"):
                chosen = (roles[part.here] == role) & called.read[column]
                found = moved_fractions(table[column][part.here][chosen], gate.threshold)
                names = ("", "_GateLower", "_GateHigher")
                row |= {
                    f"Fraction_Stained_{role}{name}": value for name, value in zip(names, found, strict=True)
                }
            rows.append(row)
    write_as(GATES, rows, path)


if __name__ == "__main__":
    main()
