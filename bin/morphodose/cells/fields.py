"""What the table of images says of each field: labels of the well, and whether QC kept it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from morphodose.cells.divided import Divided, divide
from morphodose.cells.schemas import IMAGES
from morphodose.errors import InputError
from morphodose.responses.groups import NONE
from morphodose.tables import parquet_files

#: Columns that every field carries to its cells.
LABELS = ("Metadata_Compound", "Metadata_Dose", "Metadata_DoseUnit", "Metadata_Role")
_NEEDED = ("Metadata_ImageID", "Metadata_Timepoint", "Metadata_Replicate", *LABELS)
VEHICLE = "vehicle"


@dataclass(frozen=True)
class Fields:
    """Fields of the screen, F of them.

    Attributes
    ----------
    table : pyarrow.Table
        ``Metadata_*`` of each field.
    kept : (F,) array of bool
        False where QC dropped the field: its cells take no part.
    classes : dict
        ``dose`` and ``time`` → names of the classes in their order; vehicle is the first dose.
    codes : dict
        ``dose`` and ``time`` → (F,) array of int, the class of each field; -1 where it has none (positive
        controls have no dose class).
    divided : Divided
        Groups, within which features are ranked.
    """

    table: pa.Table
    kept: npt.NDArray[np.bool_]
    classes: dict[str, list[str]]
    codes: dict[str, npt.NDArray[np.int64]]
    divided: Divided

    def rows(self, images: pa.Array, source: str) -> npt.NDArray[np.int64]:
        """Row of each image id in the table.

        Raises
        ------
        InputError
            If an id is not there.
        """
        found = pc.index_in(images, value_set=self.table["Metadata_ImageID"].combine_chunks())
        if found.null_count:
            missing = images.filter(pc.is_null(found))[0].as_py()
            raise InputError(f"{source}: field {missing!r} has no row in the table of images (--images)")
        return np.asarray(found.to_numpy(), dtype=np.int64)

    def label(self, wanted: str) -> str:
        """The label to select features by: the one asked for, or time where there is only one dose class.

        Returns
        -------
        str
            ``dose``, ``time``, or '' where neither has two classes (in any group).
        """
        order = ("dose", "time") if wanted == "dose" else ("time", "dose")
        return next((name for name in order if self._differs(name)), "")

    def units(self, label: str) -> npt.NDArray[np.int64]:
        """Group and class of each field as one number; see `Divided.units`."""
        return self.divided.units(self.codes[label], len(self.classes[label]))

    def strata(self, label: str) -> list[npt.NDArray[np.float64]]:
        """Which units make up the classes of each group; see `Divided.strata`."""
        names = self.classes[label]
        shared = 0 if label == "dose" and names[:1] == [VEHICLE] else None
        return self.divided.strata(len(names), shared)

    def _differs(self, label: str) -> bool:
        """Whether any group has two classes."""
        units, count = self.units(label), len(self.classes[label]) * len(self.divided.names)
        there = np.bincount(units[units >= 0], minlength=count) > 0
        return any((of @ there > 0).sum() > 1 for of in self.strata(label))


def read_fields(images: str | Path, group_by: str = NONE) -> Fields:
    """Fields of the tables of `annotate_cells`; `group_by` says what divides them (`find_groups`).

    Raises
    ------
    InputError
        If there is no table, or a column is missing, or `group_by` names one that is not there.
    """
    files = parquet_files(Path(images))
    if not files:
        raise InputError(f"{images}: no table of images; annotate_cells writes one per acquisition")
    tables = []
    for file in files:
        names = pq.read_schema(file).names
        IMAGES.check(names, file, _NEEDED)
        keys = [name for name in names if name.startswith("Metadata_")]
        tables.append(pq.ParquetFile(file).read(columns=keys))
    return fields_of(pa.concat_tables(tables, promote_options="permissive"), group_by)


def fields_of(table: pa.Table, group_by: str = NONE) -> Fields:
    """Classes, groups and verdicts of a table of fields."""
    verdicts = table["Metadata_QCVerdict"].to_pylist() if "Metadata_QCVerdict" in table.column_names else []
    kept = np.array([verdict != "drop" for verdict in verdicts] or [True] * table.num_rows, dtype=bool)
    compounds, doses, roles = (
        table[name].to_pylist() for name in ("Metadata_Compound", "Metadata_Dose", "Metadata_Role")
    )
    doses_of = [dose_key(*each) for each in zip(compounds, doses, roles, strict=True)]
    hours = [float(value) for value in table["Metadata_Timepoint"].to_pylist()]
    treated = sorted({key for key in doses_of if key is not None and key != ("", 0.0)})
    several = len({compound for compound, _ in treated}) > 1
    vehicle = [("", 0.0)] if ("", 0.0) in doses_of else []
    dose_names = {key: _name(key, several) for key in [*vehicle, *treated]}
    time_names = {hour: f"{hour:g}" for hour in sorted(set(hours))}
    index = {key: code for code, key in enumerate(dose_names)}
    order = {hour: code for code, hour in enumerate(time_names)}
    return Fields(
        table=table,
        kept=kept,
        classes={"dose": list(dose_names.values()), "time": list(time_names.values())},
        codes={
            "dose": np.array([-1 if key is None else index[key] for key in doses_of], dtype=np.int64),
            "time": np.array([order[hour] for hour in hours], dtype=np.int64),
        },
        divided=divide(table, group_by),
    )


def dose_key(compound: str | None, dose: float | None, role: str | None) -> tuple[str, float] | None:
    """Compound and dose of a treated well, ('', 0) for vehicle, None for what has no dose class."""
    if role == VEHICLE:
        return "", 0.0
    if role != "treated" or dose is None or dose != dose:
        return None
    return compound or "", float(dose)


def _name(key: tuple[str, float], several: bool) -> str:
    """Name of a dose class; with the compound where there are several."""
    if key == ("", 0.0):
        return VEHICLE
    return f"{key[0]} {key[1]:g}" if several else f"{key[1]:g}"
