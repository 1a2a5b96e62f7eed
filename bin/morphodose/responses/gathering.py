"""Wells of one curve: their values against the vehicle of their plate, and how much each well tells."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from morphodose.responses.endpoints import variance_model_of
from morphodose.responses.select import Layout, cells_behind, series, usable
from morphodose.responses.variance_models import BINOMIAL

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

#: Cells at which the drawing of cells and the differences between wells scatter a median alike, where the
#: wells of a curve do not tell; and how far from it (log) the wells may speak without being many.
EVEN_CELLS, EVEN_SPREAD = 200.0, 1.5
#: Vehicle wells of a plate below which its values are not scaled by them.
LEAST_VEHICLE = 2


@dataclass(frozen=True)
class Series:
    """Wells of one compound, group, timepoint and endpoint.

    Attributes
    ----------
    keys : dict
        ``Metadata_*`` of the curve.
    endpoint : str
    doses, values, cells, fields : (W,) array
        One entry a well; `values` against the vehicle of the plate (`scaled`), `raw` as measured.
    blocks : (W,) array of str
        Plate and replicate of each well.
    raw : (W,) array
    wells : (W,) array of str
        Name of each well.
    notes : tuple of str
        What was done to the values.
    """

    keys: dict[str, Any]
    endpoint: str
    doses: Floats
    values: Floats
    cells: Floats
    fields: Floats
    blocks: npt.NDArray[np.object_]
    raw: Floats
    wells: npt.NDArray[np.object_]
    notes: tuple[str, ...] = ()

    def only(self, kept: npt.NDArray[np.bool_]) -> Series:
        """Some of the wells.

        Parameters
        ----------
        kept : (W,) array of bool
            Which wells.
        """
        names = ("doses", "values", "cells", "fields", "blocks", "raw", "wells")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})


def gather(wells: pd.DataFrame, endpoints: list[str], relative: bool = True) -> list[Series]:
    """Series of every compound, group, timepoint, and endpoint that was measured then.

    A compound of which no well has a value, where others have one, has a series without treated wells.

    Parameters
    ----------
    relative : bool
        Values against the vehicle of their own plate, see `scaled`; else as measured.
    """
    found = []
    layout = Layout(wells)
    by_time = wells.groupby("Metadata_Timepoint")
    measured = {
        (endpoint, float(str(hours)))
        for endpoint in endpoints
        for hours, there in by_time[endpoint].count().items()
        if there
    }
    for compound, group in layout.pairs():
        mine = series(wells, compound, group, layout)
        for hours, rows in mine.groupby("Metadata_Timepoint", sort=True):
            units = rows.loc[rows["Metadata_Role"] == "treated", "Metadata_DoseUnit"].dropna()
            keys = {
                "Metadata_Compound": compound,
                "Metadata_Group": group,
                "Metadata_Timepoint": float(hours),
                "Metadata_DoseUnit": units.iloc[0] if len(units) else None,
            }
            if not rows["Metadata_Role"].eq("treated").any():
                continue
            for endpoint in endpoints:
                if (endpoint, float(hours)) not in measured:
                    continue
                one = series_of(keys, endpoint, usable(rows, endpoint), relative)
                infinite = rows[np.isinf(rows[endpoint].to_numpy(dtype=float, na_value=np.nan))]
                if len(infinite):
                    names = ", ".join(infinite["Metadata_Well"].astype(str))
                    one = replace(one, notes=(*one.notes, f"left out, infinite: well {names}"))
                doses = rows.loc[rows["Metadata_Role"] == "treated", "Metadata_Dose"].to_numpy(dtype=float)
                lacking = np.setdiff1d(doses, one.doses)
                if len(lacking) and len(lacking) < len(np.unique(doses)):
                    named = ", ".join(f"{dose:.4g}" for dose in lacking)
                    one = replace(one, notes=(*one.notes, f"no well has a value at dose {named}"))
                found.append(one)
    return found


def series_of(keys: dict[str, Any], endpoint: str, wells: pd.DataFrame, relative: bool) -> Series:
    """The columns of some wells that a fit needs."""
    plates = wells["Metadata_Plate"].astype(str).to_numpy(dtype=object)
    blocks = (plates + "|" + wells["Metadata_Replicate"].astype(str).to_numpy(dtype=object)).astype(object)
    doses, raw = (wells[name].to_numpy(dtype=float) for name in ("Metadata_Dose", endpoint))
    values, notes = raw, list[str]()
    if relative:
        values, notes = scaled(endpoint, doses, raw, blocks, plates)
    undosed = wells[(wells["Metadata_Role"] == "treated") & (wells["Metadata_Dose"] == 0)]
    if len(undosed):
        names = ", ".join(undosed["Metadata_Well"].astype(str))
        notes.append(f"treated, with dose 0, and taken as vehicle: well {names}")
    if not (wells["Metadata_Role"] == "vehicle").any():
        notes.append("no vehicle well of this compound, group and plate has a value: no dose 0")
    return Series(
        keys,
        endpoint,
        doses=doses,
        values=values,
        cells=cells_behind(wells, endpoint),
        fields=wells["Count_Fields"].to_numpy(dtype=float)
        if "Count_Fields" in wells
        else np.ones(len(wells)),
        blocks=blocks,
        raw=raw,
        wells=wells["Metadata_Well"].astype(str).to_numpy(dtype=object),
        notes=tuple(notes),
    )


def scaled(
    endpoint: str,
    doses: Floats,
    values: Floats,
    blocks: npt.NDArray[np.object_],
    plates: npt.NDArray[np.object_],
) -> tuple[Floats, list[str]]:
    """Values against the vehicle of their own plate and replicate, at the level of all vehicle wells.

    Parameters
    ----------
    doses, values : (W,) array
        Wells of one compound and timepoint; dose 0 is vehicle.
    blocks, plates : (W,) array of str
        Plate and replicate, and plate.

    Returns
    -------
    values : (W,) array
        In the unit of the endpoint: multiplied by (vehicle of all) / (vehicle of the block), or shifted where
        values are not all above 0. Fractions, and counts that are relative to vehicle already, stay.
    notes : list of str

    Notes
    -----
    The means of few vehicle wells differ by chance, and would put their scatter into every well of their
    block: a block's difference is taken by the share of it that is beyond chance (the variance between blocks
    by moments, DerSimonian & Laird 1986, over itself and the error of the block's mean). A plate without
    vehicle wells is brought to the level of the others by the doses that it shares with them.
    """
    variance_model = variance_model_of(endpoint)
    if variance_model is BINOMIAL or endpoint.startswith("Relative_") or endpoint == "Fraction_Lost":
        return values, []
    names = np.unique(blocks)
    vehicle = doses == 0
    if len(names) < 2 or not vehicle.any():
        return values, []
    counts = {name: int((vehicle & (blocks == name)).sum()) for name in names}
    if min(counts.values()) < LEAST_VEHICLE:
        blocks, names = plates, np.unique(plates)
        counts = {name: int((vehicle & (blocks == name)).sum()) for name in names}
    short = [name for name in names if counts[name] < LEAST_VEHICLE]
    names = np.array([name for name in names if counts[name] >= LEAST_VEHICLE], dtype=object)
    if len(names) == 1 and not short:
        return values, [f"replicates as they were: fewer than {LEAST_VEHICLE} vehicle wells in each"]
    if not len(names) or len(names) + len(short) < 2:
        lacking = ", ".join(map(str, short))
        return values, [f"not relative to the plate: fewer than {LEAST_VEHICLE} vehicle wells on {lacking}"]
    ratio = bool((values > 0).all())
    x = np.log(values) if ratio else values.astype(float)
    moved = np.zeros(len(values))
    for name, amount in zip(names, _shifts(x[vehicle], blocks[vehicle], names), strict=True):
        moved[blocks == name] = amount
    notes = []
    known = np.isin(blocks, names)
    for name in short:
        mine = blocks == name
        amount = _by_doses(doses[mine], x[mine], doses[known], (x - moved)[known])
        moved[mine] = 0.0 if amount is None else amount
        how = "not relative to the plate" if amount is None else "level of the plate by its treated wells"
        notes.append(f"{how}: fewer than {LEAST_VEHICLE} vehicle wells on {name}")
    if float(np.abs(moved).max()) < 1e-12:
        return values, notes
    return (np.exp(x - moved) if ratio else x - moved), notes


def _shifts(x: Floats, blocks: npt.NDArray[np.object_], names: npt.NDArray[np.object_]) -> Floats:
    """How far the vehicle wells of each block lie from all, by the share that is beyond chance."""
    if len(names) < 2:
        return np.zeros(len(names))
    means = np.array([x[blocks == name].mean() for name in names])
    numbers = np.array([(blocks == name).sum() for name in names], dtype=float)
    squares = sum(float(((x[blocks == n] - m) ** 2).sum()) for n, m in zip(names, means, strict=True))
    freedom = numbers.sum() - len(names)
    error = squares / freedom / numbers if freedom > 0 else np.zeros(len(names))
    between = max(float(np.var(means, ddof=1) - error.mean()), 0.0)
    share = np.divide(between, between + error, out=np.ones(len(names)), where=between + error > 0)
    return np.asarray(share * (means - means.mean()))


def _by_doses(doses: Floats, x: Floats, other_doses: Floats, others: Floats) -> float | None:
    """How far a block lies from the others by the doses that it shares with them; None without one."""
    shared = np.intersect1d(doses, other_doses)
    if not len(shared):
        return None
    return float(np.mean([x[doses == d].mean() - others[other_doses == d].mean() for d in shared]))


def weights_of(one: Series) -> Floats:
    """How much each well tells: inverse variances up to a factor.

    Fractions: cells. Counts: fields. Medians: ``1 / (1 + even / cells)``, where a well of `even` cells
    scatters alike by the drawing of its cells and by the differences between wells.
    """
    variance_model = variance_model_of(one.endpoint)
    if variance_model is not None:
        return np.maximum(one.cells if variance_model is BINOMIAL else one.fields, 1)
    cells = np.maximum(one.cells, 1)
    if not len(cells) or cells.min() >= 0.5 * cells.max():  # a weight below 2 between wells changes nothing
        return np.ones(len(cells))
    weights = 1 / (1 + even_cells(one.doses, one.values, cells) / cells)
    return weights / weights.max()


def even_cells(doses: Floats, values: Floats, cells: Floats) -> float:
    """Cells of a well whose median scatters alike by its cells and by the well, by restricted likelihood.

    The scatter within doses decides (Carroll & Ruppert 1988, ch. 3), with a log-normal prior: few wells tell
    little, and a wrong "cells do not matter" lets wells of ten cells speak as loudly as those of hundreds.

    Parameters
    ----------
    doses, values, cells : (W,) array
        Dose, value and number of cells of each well.
    """
    groups = [doses == dose for dose in np.unique(doses) if (doses == dose).sum() > 1]
    choices = np.geomspace(3, 10_000, 25)
    prior = (np.log(choices / EVEN_CELLS) / EVEN_SPREAD) ** 2
    if not groups:
        return EVEN_CELLS
    costs = []
    for even in choices:
        w = 1 / (1 + even / cells)
        squares, logs, freedom = 0.0, 0.0, 0
        for group in groups:
            mean = np.average(values[group], weights=w[group])
            squares += float((w[group] * (values[group] - mean) ** 2).sum())
            logs += float(np.log(w[group]).sum() - math.log(w[group].sum()))
            freedom += int(group.sum()) - 1
        costs.append(freedom * math.log(max(squares / freedom, 1e-300)) - logs)
    return float(choices[int(np.argmin(np.array(costs) + prior))])
