"""One diameter for a screen, or for each plate where plates differ, and the table that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.imaging.images import read_field
from morphodose.keys import WellKeys, field_images
from morphodose.segmentation.common import CELL_TO_NUCLEUS, Kind, Segmenter, pair
from morphodose.segmentation.diameter import Estimate, estimate_diameter

if TYPE_CHECKING:
    import pandas as pd

#: Fields of a plate that are looked at.
FIELDS = 6
#: Plates whose diameters lie within this factor share one; a network does not see so small a difference.
ALIKE = 1.25


def kinds_of(method: str, channels: tuple[str, str]) -> list[Kind]:
    """Kinds of objects that a network segments, by ``--cell_method`` and the cell and nuclear channel."""
    kinds: list[Kind] = ["cells"] if method.startswith("cellpose") and channels[0] else []
    return [*kinds, "nuclei"] if channels[1] else kinds


def sample_fields(wells: Mapping[Path, WellKeys], number: int = FIELDS) -> dict[str, list[Path]]:
    """Plate → files of its fields to look at, spread evenly over the folders given, in order of their ids."""
    files: dict[str, list[Path]] = {}
    for folder, well in sorted(wells.items(), key=lambda entry: entry[1].id):
        files.setdefault(well.plate, []).extend(field_images(folder, well.id).values())
    return {
        plate: [of[i] for i in np.unique(np.linspace(0, len(of) - 1, number).round().astype(int))]
        for plate, of in sorted(files.items())
    }


def estimate_plates(
    files: Mapping[str, Sequence[Path]],
    engines: Mapping[Kind, Segmenter],
    channels: tuple[str, str],
    given: Mapping[Kind, float],
) -> pd.DataFrame:
    """Diameters of the objects on each plate.

    Parameters
    ----------
    files : mapping
        Plate → fields to look at (`sample_fields`).
    engines : mapping
        The network of each kind of object that is segmented by one.
    channels : (str, str)
        Names of the cell channel and of the nuclear one; empty where there is none.
    given : mapping
        Diameter of each kind in px, 0 where it is to be estimated.

    Returns
    -------
    pandas.DataFrame
        One row per plate and kind: ``Metadata_Plate``, ``Object``, ``Diameter`` (px, as used: that of all
        plates that are `ALIKE`), ``Diameter_Plate`` (of this plate; missing where not estimated),
        ``Diameter_Low`` and ``Diameter_High`` (10th and 90th percentile of its objects), ``Coverage``,
        ``Count_Objects``, ``Count_Fields``, ``State`` (``given``, ``not needed``, ``estimated``,
        ``other plates``, ``failed``) and ``Reason``.
    """
    import pandas as pd

    rows: list[dict[str, object]] = []
    nuclei: dict[str, float] = {}
    kinds: tuple[Kind, ...] = ("nuclei", "cells")  # nuclei first: they help where cells cannot be told
    for kind in kinds:
        if kind not in engines:
            continue
        engine, diameter = engines[kind], given.get(kind, 0.0)
        if diameter or not engine.needs_diameter:
            state = "given" if diameter else "not needed"
            rows += [_row(plate, kind, diameter, state) for plate in files]
            used = dict.fromkeys(files, diameter)
        else:
            estimates = {
                plate: estimate_diameter(engine, _read(of, channels, kind), kind, nuclei.get(plate, 0.0))
                for plate, of in files.items()
            }
            if kind == "cells":
                estimates = {
                    plate: _not_below(found, nuclei.get(plate, 0.0)) for plate, found in estimates.items()
                }
            used = shared({plate: found.diameter for plate, found in estimates.items()})
            rows += [_judged(plate, kind, estimates[plate], used[plate], nuclei, engine) for plate in files]
        if kind == "nuclei":
            nuclei = used
    return pd.DataFrame(rows).sort_values(["Metadata_Plate", "Object"], ignore_index=True)


def shared(diameters: Mapping[str, float]) -> dict[str, float]:
    """Diameter to use for each plate, px, from that of each; 0 is not known.

    Plates that are `ALIKE` get the median of theirs, so that a plate's estimate does not become a
    difference between plates; those of another pixel size or cell line keep their own. A plate whose
    diameter is not known gets that of the most plates.

    >>> shared({"P1": 40.0, "P2": 42.0, "P3": 80.0, "P4": 0.0})
    {'P1': 41.0, 'P2': 41.0, 'P3': 80.0, 'P4': 41.0}
    """
    known = sorted((diameter, plate) for plate, diameter in diameters.items() if diameter)
    groups: list[list[tuple[float, str]]] = []
    for entry in known:
        if groups and entry[0] <= ALIKE * groups[-1][0][0]:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    of: dict[str, float] = {}
    for group in groups:
        # whole tenths: a new estimate that says the same leaves what was segmented before in the cache
        middle = round(float(np.median([diameter for diameter, _ in group])), 1)
        of |= {plate: middle for _, plate in group}
    most = of[max(groups, key=len)[0][1]] if groups else 0.0
    return {plate: of.get(plate, most) for plate in diameters}


def diameters_of(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Plate → ``cells`` and ``nuclei`` → diameter in px; 0 of what no network segments."""
    found: dict[str, dict[str, float]] = {}
    for plate, kind, diameter in zip(
        table["Metadata_Plate"], table["Object"], table["Diameter"], strict=True
    ):
        found.setdefault(str(plate), {"cells": 0.0, "nuclei": 0.0})[str(kind)] = float(diameter)
    return found


def known_diameters(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """As `diameters_of`, and 0 where an estimate failed: a guess will do for a network, not for a verdict."""
    return diameters_of(table.assign(Diameter=table["Diameter"].where(table["State"] != "failed", 0.0)))


def complaints(table: pd.DataFrame) -> list[str]:
    """What failed and how to go on, one line each; none where all diameters are known."""
    options = {"cells": "--diameter", "nuclei": "--nuclear_diameter"}
    return [
        f"THE DIAMETER OF {row.Object.upper()} ON PLATE {row.Metadata_Plate} COULD NOT BE ESTIMATED: "
        f"{row.Reason} ({row.Diameter:g} px). Look at the overlays, and give {options[row.Object]} in px"
        for row in table[table["State"].isin(("failed", "other plates"))].itertuples()
    ]


def _read(files: Sequence[Path], channels: tuple[str, str], kind: Kind) -> list[npt.NDArray[np.float32]]:
    """The images of some fields as the network of a kind takes them."""
    images = []
    for file in files:
        field = read_field(file, [name for name in channels if name] or None)
        nuclear = field.channel(channels[1]) if channels[1] else None
        if kind == "nuclei":
            if nuclear is None:
                raise InputError("nuclei are segmented in the nuclear channel; name it (--nuclear_channel)")
            images.append(pair(nuclear))
        else:
            images.append(pair(field.channel(channels[0]), nuclear))
    return images


def _not_below(cells: Estimate, nuclei: float) -> Estimate:
    """Cells smaller than their nuclei are parts of cells."""
    if cells.reason or not cells.diameter < nuclei:
        return cells
    reason = f"what was found is {cells.diameter:.0f} px wide, less than the nuclei ({nuclei:g} px): "
    reason += "parts of cells, or the cell and the nuclear channel are swapped"
    return Estimate(0.0, cells.low, cells.high, cells.coverage, cells.objects, cells.fields, reason)


def _judged(
    plate: str, kind: Kind, found: Estimate, used: float, nuclei: Mapping[str, float], engine: Segmenter
) -> dict[str, object]:
    """Row of a plate whose diameter was looked for; `used` is 0 where no plate's could be told."""
    reason = found.reason
    state: str = found.state if used else "failed"
    if reason and used:
        state, reason = "other plates", f"{reason}; that of the other plates is used"
    elif not used and kind == "cells" and nuclei.get(plate):
        used, reason = CELL_TO_NUCLEUS * nuclei[plate], f"{reason}; twice the diameter of the nuclei is used"
    elif not used:
        used, reason = engine.diam_mean[kind], f"{reason}; the size that the network was trained on is used"
    return _row(plate, kind, used, state, found, reason)


def _row(
    plate: str, kind: Kind, diameter: float, state: str, found: Estimate | None = None, reason: str = ""
) -> dict[str, object]:
    known = found is not None and found.objects > 0
    return {
        "Metadata_Plate": plate,
        "Object": kind,
        "Diameter": float(diameter),
        "Diameter_Plate": found.diameter if found and not found.reason else np.nan,
        "Diameter_Low": found.low if found and known else np.nan,
        "Diameter_High": found.high if found and known else np.nan,
        "Coverage": found.coverage if found else np.nan,
        "Count_Objects": found.objects if found else 0,
        "Count_Fields": found.fields if found else 0,
        "State": state,
        "Reason": reason,
    }
