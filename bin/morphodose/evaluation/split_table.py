"""The split table, written file by file: a million cells never stand in memory together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from morphodose.cells.schemas import IMAGES
from morphodose.cells.unusable import UNUSABLE, unusable_channels
from morphodose.crops.schemas import CROPS
from morphodose.errors import InputError
from morphodose.evaluation.labels import LABELS, Content
from morphodose.evaluation.leakage import FieldCounts
from morphodose.evaluation.learning_plan import FieldCrops, LearningPlan, usable
from morphodose.evaluation.schemas import SPLIT
from morphodose.evaluation.splits import Unit, random_folds
from morphodose.files import find_files, replacing
from morphodose.imaging.focus import OUT_OF_FOCUS
from morphodose.platemap import PlateMap
from morphodose.tables import parquet_files, signed_metadata

VERDICT, REASON = "Metadata_QCVerdict", "Metadata_QCReason"
_UNIT = ("Metadata_Plate", "Metadata_Replicate", "Metadata_Well")
_FIELD = (*_UNIT, "Metadata_Timepoint", "Metadata_Field", "Metadata_ImageID")
#: Columns of the split table. Text that repeats is stored as a dictionary.
SCHEMA = SPLIT.schema()
#: Those that are in the index of the crops.
_INDEX = [name for name in SCHEMA.names if CROPS.declared(name)]
#: Rows of a row group.
CHUNK = 1 << 17


def index_files(places: Sequence[str | Path]) -> list[Path]:
    """Index files of the crops (``*_crops.parquet``) below the places, by name.

    Raises
    ------
    InputError
        If there is no index file.
    """
    files = sorted(
        {f for place in places for f in find_files(place, "*_crops.parquet")}, key=lambda f: f.name
    )
    if not files:
        raise InputError(f"no index of crops (*_crops.parquet) in {', '.join(map(str, places))}")
    return files


class Quality(NamedTuple):
    """What the QC says of a field: ``keep``, ``flag`` or ``drop``, and whether it is out of focus.

    A field in which a channel of the crops is unusable counts as dropped.
    """

    verdict: str = "keep"
    out_of_focus: bool = False


def read_quality(places: Sequence[str | Path], channels: Sequence[str] = ()) -> dict[str, Quality]:
    """What the QC says of each field, from the tables of images; `channels` are those of the crops.

    Raises
    ------
    InputError
        If there is no table, or a field is named twice.
    """
    verdicts: dict[str, Quality] = {}
    files = [file for place in places for file in parquet_files(Path(place))]
    for file in files:
        names = pq.read_schema(file).names
        IMAGES.check(names, file, ["Metadata_ImageID"])
        columns = [name for name in ("Metadata_ImageID", VERDICT, REASON, UNUSABLE) if name in names]
        table = pq.ParquetFile(file).read(columns=columns)
        images = table["Metadata_ImageID"].to_pylist()
        nothing = [None] * len(images)
        given, why, empty = (
            table[name].to_pylist() if name in names else nothing for name in (VERDICT, REASON, UNUSABLE)
        )
        found = [
            Quality(
                "drop" if set(unusable_channels(text)) & set(channels) else verdict or "keep",
                OUT_OF_FOCUS in (reason or ""),
            )
            for verdict, reason, text in zip(given, why, empty, strict=True)
        ]
        twice = next((image for image in images if image in verdicts), None)
        if twice is not None:
            raise InputError(f"{file}: field {twice} is there twice; was a file given twice?")
        verdicts |= dict(zip(images, found, strict=True))
    if not files:
        raise InputError(f"no Parquet file in {', '.join(map(str, places))}")
    return verdicts


def imaged_wells(places: Sequence[str | Path]) -> list[Unit]:
    """Wells of the tables of images, those too in which no cell was found; none of tables that lack them."""
    columns = [f"Metadata_{name}" for name in ("Plate", "Replicate", "Well")]
    found: set[Unit] = set()
    for file in [file for place in places for file in parquet_files(Path(place))]:
        if set(columns) <= set(pq.read_schema(file).names):
            table = pq.ParquetFile(file).read(columns=columns)
            found |= {Unit(*map(str, row.values())) for row in table.to_pylist()}
    return sorted(found)


def read_fields(
    files: Sequence[Path], plate_map: PlateMap, verdicts: Mapping[str, Quality] | None
) -> list[FieldCrops]:
    """Fields that have crops, in the order of the files; none of a screen without a cell.

    Raises
    ------
    InputError
        If a field has no well in the plate map, no verdict, or is in two files.
    """
    fields: list[FieldCrops] = []
    seen: dict[str, Path] = {}
    for file in files:
        try:
            table = pq.ParquetFile(file).read(columns=[*_FIELD, "Crop_Padded"])
        except (pa.ArrowInvalid, KeyError, OSError) as fault:
            raise InputError(f"{file}: not an index of crops ({fault})") from fault
        CROPS.check(table.column_names, file, (*_FIELD, "Crop_Padded"))
        grouped = table.group_by(list(_FIELD)).aggregate([("Crop_Padded", "sum"), ("Crop_Padded", "count")])
        for row in sorted(grouped.to_pylist(), key=lambda row: row["Metadata_Field"]):
            image = row["Metadata_ImageID"]
            if image in seen:
                raise InputError(f"{file}: field {image} is in {seen[image]} too; was a file given twice?")
            if verdicts is not None and image not in verdicts:
                raise InputError(f"{file}: field {image} has crops, but no row in the tables of images")
            unit = Unit(*(row[name] for name in _UNIT))
            here = plate_map.of(unit.plate, unit.well)
            dose = here["Metadata_Dose"]
            content = Content(
                str(here["Metadata_Compound"] or ""),
                None if dose is None else float(dose),
                str(here["Metadata_DoseUnit"] or ""),
                str(here["Metadata_Role"] or ""),
            )
            quality = verdicts[image] if verdicts is not None else Quality()
            fields.append(
                FieldCrops(
                    image, unit, row["Metadata_Timepoint"], row["Metadata_Field"], content,
                    quality.verdict, row["Crop_Padded_count"] - row["Crop_Padded_sum"],
                    row["Crop_Padded_sum"], quality.out_of_focus,
                )
            )  # fmt: skip
            seen[image] = file
    return fields


def write_split(
    files: Sequence[Path], fields: Sequence[FieldCrops], design: LearningPlan, seed: int, out: Path
) -> FieldCounts:
    """Write the split table.

    Parameters
    ----------
    files : sequence of Path
        As `read_fields` got them.
    fields : sequence of FieldCrops
        As it gave them.
    design : LearningPlan
    seed : int
        Of the random split over cells; each file has its own numbers, whatever else is in the screen.
    out : Path

    Returns
    -------
    FieldCounts
        Usable cells by field and *random* fold, for the leakage table.
    """
    place = pa.array([entry.image for entry in fields], pa.string())
    columns = _field_columns(fields, design)
    counts = np.zeros((len(fields), len(design.split.names)), dtype=np.int64)
    signed = SCHEMA.with_metadata(signed_metadata(SCHEMA))
    with replacing(out) as temporary, pq.ParquetWriter(temporary, signed, compression="zstd") as writer:
        for table in _merged(_annotated(file, place, columns, design, seed, counts) for file in files):
            writer.write_table(table, row_group_size=CHUNK)
    return FieldCounts([entry.unit for entry in fields], [entry.field for entry in fields], counts)


def _field_columns(fields: Sequence[FieldCrops], design: LearningPlan) -> dict[str, pa.Array]:
    """What is the same for all crops of a field, and the reasons for its whole and its padded crops."""
    contents = [entry.content for entry in fields]
    return {
        "Metadata_Compound": pa.array([content.compound for content in contents], pa.string()),
        "Metadata_Dose": pa.array([content.dose for content in contents], pa.float64()),
        "Metadata_DoseUnit": pa.array([content.unit for content in contents], pa.string()),
        "Metadata_Role": pa.array([content.role for content in contents], pa.string()),
        **{column: pa.array(design.label_of[name], pa.string()) for name, column in LABELS.items()},
        "Fold": pa.array([design.split.fold_of[entry.unit] for entry in fields], pa.int32()),
        "whole": pa.array([whole for whole, _ in design.excluded], pa.string()),
        "padded": pa.array([padded for _, padded in design.excluded], pa.string()),
    }


def _annotated(
    file: Path,
    place: pa.Array,
    columns: Mapping[str, pa.Array],
    design: LearningPlan,
    seed: int,
    counts: npt.NDArray[np.int64],
) -> pa.Table:
    """Rows of one index file; its usable cells are added to `counts`."""
    table = pq.ParquetFile(file).read(columns=_INDEX)
    row = pc.index_in(table["Metadata_ImageID"].combine_chunks().cast(pa.string()), value_set=place)
    found = {name: values.take(row) for name, values in columns.items()}
    padded = table["Crop_Padded"].combine_chunks()
    found["Excluded"] = pc.if_else(padded, found.pop("padded"), found.pop("whole"))
    found["Usable"] = pc.equal(found["Excluded"], "")
    name = np.frombuffer(file.name.encode(), dtype=np.uint8)
    rng = np.random.default_rng(np.random.SeedSequence([seed, *name.tolist()]))
    folds = random_folds(table.num_rows, counts.shape[1], rng)
    found["RandomFold"] = pa.array(folds, pa.int32())
    use = found["Usable"].to_numpy(zero_copy_only=False)
    np.add.at(counts, (row.to_numpy()[use], folds[use]), 1)
    every = {**{name: table[name] for name in _INDEX}, **found}
    return pa.Table.from_arrays([every[entry.name].cast(entry.type) for entry in SCHEMA], schema=SCHEMA)


def _merged(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Tables put together to row groups of a good size."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(each.num_rows for each in waiting) >= CHUNK:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def usable_cells(fields: Sequence[FieldCrops], design: LearningPlan) -> int:
    """Cells that may train and be scored."""
    return sum(usable(entry, reasons) for entry, reasons in zip(fields, design.excluded, strict=True))
