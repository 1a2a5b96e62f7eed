"""The final tables of cells and images: measurements joined with plate map, death states and QC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from morphodose.cells.marks import MARKS
from morphodose.cells.unusable import UNUSABLE, features_of_channels
from morphodose.death.states import DOUBT, MOVED_STATES, STATE
from morphodose.errors import InputError
from morphodose.files import find_files
from morphodose.platemap import PlateMap, Value
from morphodose.tables import parquet_files, read_table, text_array

if TYPE_CHECKING:
    import pandas as pd

VERDICT, REASON = "Metadata_QCVerdict", "Metadata_QCReason"
ORIGIN = "Metadata_CellOrigin"
WELL_KEYS = (
    "Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate", "Metadata_Acquisition", "Metadata_Well",
)  # fmt: skip
#: Objects of the compartment and family with most of them that lack a value, and all in words.
COUNT_LACKING, WHAT_LACKING = "Count_ObjectsLackingValues", "Metadata_LackingValues"
#: Columns of the table of states beside the state that cells are to carry.
ABOUT_STATES = (DOUBT, *MOVED_STATES.values())
FIELD_KEYS = (*WELL_KEYS, "Metadata_Field", "Metadata_ImageID")


class Lookup:
    """Text by key in tables of any number of rows, of which only those near the keys in question are read.

    Which part of a file may have a key is known from the least and the greatest key of each row group, so
    tables that were written well by well are read well by well.

    Parameters
    ----------
    files : sequence of Path
    key, value : str
        Columns.
    source : str
        What the tables are called in a message.
    """

    def __init__(self, files: Sequence[Path], key: str, value: str, source: str) -> None:
        self.columns, self.source = [key, value], source
        #: File, row group, least and greatest key; None where they are not known.
        self.groups: list[tuple[Path, int, str | None, str | None]] = []
        for file in files:
            about = pq.read_metadata(file)
            place = about.schema.names.index(key)
            for group in range(about.num_row_groups):
                found = about.row_group(group).column(place).statistics
                known = found is not None and found.has_min_max
                low, high = (found.min, found.max) if known else (None, None)
                self.groups.append((file, group, low, high))

    def of(self, keys: pa.Array) -> pa.Array:
        """Value of each key; null where there is none.

        Raises
        ------
        InputError
            If one of the keys is there twice.
        """
        limits = pc.min_max(keys).as_py()
        read = [
            pq.ParquetFile(file).read_row_group(group, columns=self.columns)
            for file, group, low, high in self.groups
            if len(keys)
            and (low is None or high is None or not (high < limits["min"] or limits["max"] < low))
        ]
        if not read:
            return pa.nulls(len(keys), pa.string())
        table = pa.concat_tables(read, promote_options="permissive")
        known = text_array(table[self.columns[0]])
        asked = pc.is_in(known, value_set=keys)
        known = known.filter(asked)
        if len(pc.unique(known)) != len(known):
            raise InputError(f"{self.source}: a table with repeated ids; was a file given twice?")
        return text_array(table[self.columns[1]]).filter(asked).take(pc.index_in(keys, value_set=known))


def annotate_cells(
    table: pa.Table,
    plate_map: PlateMap,
    death: Lookup | None,
    verdicts: Lookup | None,
    unusable: Mapping[str, Sequence[str]] | None = None,
    channels: Sequence[str] = (),
    about: Mapping[str, Lookup] | None = None,
    origins: Lookup | None = None,
) -> pa.Table:
    """One table of `measure_cells` with the columns that all its rows are to carry.

    Parameters
    ----------
    table : pyarrow.Table
        Cells of one well-timepoint (or none); the units of its columns are kept.
    plate_map : PlateMap
    death : Lookup, optional
        CellID → state; without it the column is left out.
    verdicts : Lookup, optional
        ImageID → verdict; without it the column is left out.
    unusable : mapping, optional
        ImageID → channels that say nothing in this field: features of its cells in them are null.
    channels : sequence of str
        All channels of the screen.
    about : mapping, optional
        Column of what else is said of the states (`ABOUT_STATES`) → CellID → text.
    origins : Lookup, optional
        CellID → how the cell was made; without it the column is left out.

    Returns
    -------
    pyarrow.Table
        ``Metadata_*`` first, then the features in their order.
    """
    wells = list(zip(table["Metadata_Plate"].to_pylist(), table["Metadata_Well"].to_pylist(), strict=True))
    contents = {well: plate_map.of(*well) for well in set(wells)}
    added: dict[str, pa.Array] = {}
    for name in plate_map.columns:
        kind = pa.float64() if name == "Metadata_Dose" else pa.string()
        added[name] = pa.array([contents[well][name] for well in wells], type=kind)
    if origins is not None:
        added[ORIGIN] = origins.of(text_array(table["Metadata_CellID"]))
    if death is not None:
        added[STATE] = death.of(text_array(table["Metadata_CellID"]))
    for name, lookup in (about or {}).items():
        added[name] = lookup.of(text_array(table["Metadata_CellID"]))
    if verdicts is not None:
        added[VERDICT] = verdicts.of(text_array(table["Metadata_ImageID"]))
    keys = [name for name in table.column_names if name.startswith("Metadata_") and name not in added]
    features = [name for name in table.column_names if not name.startswith("Metadata_")]
    fields = [table.schema.field(name) for name in keys]
    fields += [pa.field(name, values.type) for name, values in added.items()]
    fields += [table.schema.field(name) for name in features]
    columns = [table[name] for name in keys] + list(added.values())
    columns += _without_unusable(table, features, unusable or {}, channels)
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _without_unusable(
    table: pa.Table, features: list[str], unusable: Mapping[str, Sequence[str]], channels: Sequence[str]
) -> list[pa.ChunkedArray]:
    """The features, null where they rest on a channel that says nothing in the field of the cell."""
    images = text_array(table["Metadata_ImageID"])
    concerned = [image for image in pc.unique(images).to_pylist() if image in unusable]
    values = {name: table[name] for name in features}
    if concerned:
        names = sorted({*channels, *(name for image in concerned for name in unusable[image])})
        of_channel = features_of_channels(features, names)
        for channel in sorted({name for image in concerned for name in unusable[image]}):
            fields = [image for image in concerned if channel in unusable[image]]
            here = pc.is_in(images, value_set=pa.array(fields, type=pa.string()))
            for name in of_channel[channel]:
                nothing = pa.scalar(None, type=table[name].type)
                values[name] = pc.if_else(here, nothing, values[name])
    return [values[name] for name in features]


def read_lookup(path: str | Path, key: str, value: str, pattern: str = "") -> Lookup:
    """Two columns of a table, or of all tables of a folder (below it, those named by a pattern), as a lookup.

    Raises
    ------
    InputError
        If no file has the name.
    """
    files = find_files(path, pattern) if pattern else parquet_files(Path(path))
    if not files:
        raise InputError(f"{path}: no table {pattern} in it")
    return Lookup(files, key, value, str(path))


def lacking_columns(lacking: Mapping[str, int]) -> dict[str, Any]:
    """Columns of `images` from what objects of a field lack, by ``<Compartment> without some <family>``."""
    said = ", ".join(f"{number} {text}" for text, number in sorted(lacking.items()))
    return {COUNT_LACKING: max(lacking.values(), default=0), WHAT_LACKING: said}


def image_table(
    measured: Mapping[str, Mapping[str, Any]],
    fields: pd.DataFrame | None,
    qc: pd.DataFrame | None,
    plate_map: PlateMap,
) -> pd.DataFrame:
    """One row per field: keys, what the well holds, verdict, counts, QC figures.

    Parameters
    ----------
    measured : mapping
        ImageID → its `FIELD_KEYS`, of the fields that have measured cells.
    fields, qc : pandas.DataFrame, optional
        Counts of `segment_cells` and figures of `qc_images`. A field of either is in the table, so that an
        empty field is not forgotten.
    plate_map : PlateMap

    Raises
    ------
    InputError
        If no table names a field, or one names a field twice.
    """
    import pandas as pd

    known: dict[str, dict[str, Any]] = {image: dict(keys) for image, keys in measured.items()}
    for frame in (fields, qc):
        if frame is not None:
            for row in frame[list(FIELD_KEYS)].to_dict("records"):
                known.setdefault(row["Metadata_ImageID"], row)
    if not known:
        raise InputError("no field: neither cells, nor segmentation (--masks), nor QC (--qc) name one")
    order = sorted(known.values(), key=lambda row: (row["Metadata_Well"], row["Metadata_Field"]))
    contents: list[dict[str, Value]] = [
        plate_map.of(row["Metadata_Plate"], row["Metadata_Well"]) for row in order
    ]
    table = pd.concat([pd.DataFrame(order), pd.DataFrame(contents, columns=list(plate_map.columns))], axis=1)
    table["Metadata_Dose"] = table["Metadata_Dose"].astype(float)
    texts = [name for name in plate_map.columns if name != "Metadata_Dose"]
    for frame, source in ((qc, "--qc"), (fields, "--masks")):
        if frame is None:
            continue
        if frame["Metadata_ImageID"].duplicated().any():
            twice = frame.loc[frame["Metadata_ImageID"].duplicated(), "Metadata_ImageID"].iloc[0]
            raise InputError(f"{source}: field {twice} is there twice; was a file given twice?")
        new = [name for name in frame.columns if name not in table or name == "Metadata_ImageID"]
        table = table.merge(frame[new], on="Metadata_ImageID", how="left")
    texts += [name for name in (VERDICT, REASON, UNUSABLE, MARKS, WHAT_LACKING) if name in table]
    return table.astype({name: "string" for name in texts})


def read_frames(folder: str | Path | None, pattern: str) -> pd.DataFrame | None:
    """All tables below a folder whose name matches, or None where there is none."""
    if folder is None:
        return None
    files = find_files(folder, pattern)
    return read_table(files) if files else None
