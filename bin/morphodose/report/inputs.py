"""Reading what the report shows: tables by well, never by cell, and only the columns that are used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morphodose.columns import Table
from morphodose.errors import InputError
from morphodose.files import find_files
from morphodose.profiles.schemas import WELLS
from morphodose.report.deep_inputs import Deep
from morphodose.responses.groups import name_groups
from morphodose.responses.select import Layout
from morphodose.tables import column_units, parquet_files

if TYPE_CHECKING:
    import pandas as pd

    from morphodose.report.hits import Hit

#: Beginnings of the names of the wells' columns that the report always reads.
WELL_PREFIXES = ("Metadata_", "Count_", "Fraction_", "Relative_", "Endpoint_", "Flag_")
#: Medians worth a place in the report when the table of responses names no endpoint of shape.
SHAPE_COLUMNS = tuple(
    f"{kind}_{feature}"
    for kind in ("Median", "MedianViable")
    for feature in (
        "Cells_AreaShape_Area",
        "Cells_AreaShape_FormFactor",
        "Cells_AreaShape_Eccentricity",
        "Nuclei_AreaShape_Area",
        "Nuclei_AreaShape_FormFactor",
    )
)


#: Steps that have nothing to say without cells.
OF_CELLS = ("call_death", "profile_features", "fit_responses")


def _no_rows() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


@dataclass(frozen=True)
class ReportInputs:
    """All that the report shows; a table that was not given is an empty frame.

    Attributes
    ----------
    wells : pandas.DataFrame
        One row per well-timepoint.
    conditions : pandas.DataFrame
        Means over wells with intervals.
    responses, curves, onsets, orders : pandas.DataFrame
        What `fit_responses` wrote.
    images, focus, illumination, gates, faults : pandas.DataFrame
        What the earlier steps wrote.
    design, run, params : dict
        The design, the record of the run, the parameters.
    versions : dict
        Process → tool → version.
    overlays : dict
        Image id → file.
    gate_plots : dict
        Acquisition → file.
    fields : dict
        Image id → its projected OME-TIFF.
    cell_masks, nuclear_masks : dict
        Image id → its labels.
    units : dict
        Column of the wells → unit.
    deep : Deep
        What the deep half wrote: crops, network, components, profiles.
    diameters : pandas.DataFrame
        What `estimate_diameters` wrote; no rows where diameters were given.
    positions, primary : pandas.DataFrame
        What `fit_responses` wrote of places, and its hits of compounds with too few doses for a curve.
    further : mapping of str to pandas.DataFrame
        Further tables by their name, see `table`.
    figures : str
        Compounds whose curves are drawn as files: ``hits``, ``all`` or ``none``.
    """

    wells: pd.DataFrame
    conditions: pd.DataFrame
    responses: pd.DataFrame
    curves: pd.DataFrame
    onsets: pd.DataFrame
    orders: pd.DataFrame
    images: pd.DataFrame
    focus: pd.DataFrame
    illumination: pd.DataFrame
    gates: pd.DataFrame
    faults: pd.DataFrame
    design: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    overlays: dict[str, Path] = field(default_factory=dict)
    gate_plots: dict[str, Path] = field(default_factory=dict)
    fields: dict[str, Path] = field(default_factory=dict)
    cell_masks: dict[str, Path] = field(default_factory=dict)
    nuclear_masks: dict[str, Path] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    deep: Deep = field(default_factory=Deep)
    diameters: pd.DataFrame = field(default_factory=_no_rows)
    positions: pd.DataFrame = field(default_factory=_no_rows)
    primary: pd.DataFrame = field(default_factory=_no_rows)
    further: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: str = "hits"

    def table(self, declared: Table) -> pd.DataFrame:
        """A further table; no rows where the run has none."""
        return self.further.get(declared.name, _no_rows())

    @cached_property
    def layout(self) -> Layout:
        """Which vehicle wells belong to which compound."""
        return Layout(self.wells)

    def has(self, *columns: str) -> bool:
        """Whether the wells have all of `columns`, with a value in each."""
        return all(name in self.wells and self.wells[name].notna().any() for name in columns)

    @property
    def timepoints(self) -> list[float]:
        """Timepoints of the wells, in hours, sorted."""
        return sorted(float(t) for t in self.wells["Metadata_Timepoint"].unique())

    @property
    def compounds(self) -> list[str]:
        """Compounds of the treated wells, in alphabetical order."""
        treated = self.wells[self.wells["Metadata_Role"] == "treated"]
        return sorted(str(name) for name in treated["Metadata_Compound"].dropna().unique())

    def why_missing(self, step: str, option: str) -> str:
        """Reason for which the table of a step, given by an option of `report.py`, is not there or empty."""
        from morphodose.report.answers import NO_CELL, no_cell

        if reason := self.left_out(step):
            return reason
        if step in OF_CELLS and no_cell(self.wells):
            return NO_CELL
        table = self.further.get(option, getattr(self, option, None))
        # what the deep half wrote (`deep`) is many tables, not one
        if len(getattr(table, "columns", ())):
            return f"the table of {step} has no rows ({option})"
        return f"the table of {step} was not given (--{option})"

    @property
    def fewest_vehicles(self) -> int:
        """Least number of vehicle wells at a plate and timepoint; 0 where one has none."""
        runs = self.wells.groupby(["Metadata_Plate", "Metadata_Timepoint"])["Metadata_Role"]
        return int(runs.agg(lambda roles: (roles == "vehicle").sum()).min()) if len(self.wells) else 0

    @cached_property
    def ranked(self) -> list[Hit]:
        """All compounds, the most potent first, see `morphodose.report.hits`."""
        from morphodose.report.hits import hits

        return hits(self)

    @cached_property
    def responses_by(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """(compound, endpoint) → rows of `responses`, by time."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        if len(self.responses):
            for row in self.responses.sort_values("Metadata_Timepoint", kind="stable").to_dict("records"):
                key = (str(row["Metadata_Compound"]), str(row["Endpoint"]))
                found.setdefault(key, []).append({str(name): value for name, value in row.items()})
        return found

    @cached_property
    def curves_by(self) -> dict[tuple[str, str, float], pd.DataFrame]:
        """(compound, endpoint, timepoint) → points of the fitted curve, by dose."""
        if self.curves.empty:
            return {}
        keys = ["Metadata_Compound", "Endpoint", "Metadata_Timepoint"]
        groups = self.curves.sort_values("Dose", kind="stable").groupby(keys, sort=False)
        return {(str(name), str(end), float(time)): mine for (name, end, time), mine in groups}

    @cached_property
    def conditions_by(self) -> dict[str, dict[tuple[str, bool], pd.DataFrame]]:
        """Endpoint → (compound, whether vehicle) → rows of `conditions`."""
        found: dict[str, dict[tuple[str, bool], pd.DataFrame]] = {}
        if len(self.conditions) and "Endpoint" in self.conditions:
            names = self.conditions["Metadata_Compound"].astype(str)
            vehicle = self.conditions["Metadata_Role"] == "vehicle"
            kept = self.conditions[vehicle | (self.conditions["Metadata_Role"] == "treated")]
            for (end, name, is_vehicle), mine in kept.groupby(
                [kept["Endpoint"], names[kept.index], vehicle[kept.index]], sort=False
            ):
                found.setdefault(str(end), {})[(str(name), bool(is_vehicle))] = mine
        return found

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """What is worked out once for each compound, by the function given."""
        return {}

    @cached_property
    def loss_tests(self) -> list[dict[str, Any]]:
        """Whether the dose moves what segmentation lost, see `morphodose.profiles.losses.dose_tests`."""
        from morphodose.profiles.losses import dose_tests, losses_of

        return dose_tests(self.wells, losses_of(self.wells))

    def dose_unit(self, compound: str) -> str:
        """Unit of a compound's doses."""
        return self._units_of.get(compound, "")

    @cached_property
    def _units_of(self) -> dict[str, str]:
        known = self.wells[self.wells["Metadata_DoseUnit"].notna()].drop_duplicates("Metadata_Compound")
        return {
            str(k): str(v)
            for k, v in zip(known["Metadata_Compound"], known["Metadata_DoseUnit"], strict=True)
        }

    def left_out(self, step: str) -> str | None:
        """Reason for which a step did not run, or None."""
        for entry in self.run.get("left_out", []):
            if entry.get("step") == step:
                return str(entry.get("reason", "no reason was recorded"))
        return None


def read_wells(path: str | Path, extra: Iterable[str] = ()) -> pd.DataFrame:
    """Wells, with the columns the report uses: identities, counts, fractions, and the `extra` ones.

    Raises
    ------
    InputError
        If a column that every section needs is missing.
    """
    import pyarrow.parquet as pq

    from morphodose.tables import read_table

    wanted = set(extra) | set(SHAPE_COLUMNS)
    names = pq.read_schema(path).names
    columns = [n for n in names if n.startswith(WELL_PREFIXES) or n in wanted]
    needed = ("Plate", "Timepoint", "Well", "Role", "Dose")
    WELLS.check(names, path, [f"Metadata_{name}" for name in needed])
    frame = read_table(path, columns)
    for name, filler in (("Metadata_Compound", ""), ("Metadata_Replicate", "1"), ("Metadata_DoseUnit", "")):
        frame[name] = frame[name].fillna(filler).astype(str) if name in frame else filler
    frame["Metadata_Role"] = frame["Metadata_Role"].fillna("").astype(str)
    frame["Metadata_Plate"] = frame["Metadata_Plate"].fillna("").astype(str)
    return name_groups(frame)


def read_optional(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Rows of all Parquet files in `paths` (files or folders); an empty frame when there is none."""
    import pandas as pd

    from morphodose.tables import read_table

    files = [file for path in paths for file in parquet_files(Path(path))]
    return name_groups(read_table(files)) if files else pd.DataFrame()


def read_further(folder: Path | None, tables: Iterable[Table]) -> dict[str, pd.DataFrame]:
    """The tables that lie in a folder under the name of their file, by the name of the table.

    Raises
    ------
    InputError
        If one lacks a column.
    """
    found: dict[str, pd.DataFrame] = {}
    for table in tables:
        file = folder / table.base if folder and table.base else None
        if file and file.is_file():
            frame = read_optional([file])
            table.check(frame, file)
            found[table.name] = frame
    return found


def read_images(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Tables of images: identities, verdicts, counts and figures of quality, nothing else."""
    import pandas as pd
    import pyarrow.parquet as pq

    from morphodose.tables import read_table

    wanted = ("Metadata_", "ImageQuality_", "Count_")
    frames = []
    for file in (file for path in paths for file in parquet_files(Path(path))):
        frames.append(read_table(file, [n for n in pq.read_schema(file).names if n.startswith(wanted)]))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def read_document(path: str | Path | None) -> Any:
    """A JSON or YAML file; YAML held in a JSON string is read too. None gives an empty dict.

    Raises
    ------
    InputError
        If it is neither.
    """
    import yaml

    if path is None:
        return {}
    text = Path(path).read_text(encoding="utf-8")
    try:
        content = yaml.safe_load(text)  # JSON is YAML
        return (yaml.safe_load(content) if isinstance(content, str) else content) or {}
    except yaml.YAMLError as fault:
        raise InputError(f"{path}: neither JSON nor YAML ({fault})") from fault


def versions_of(content: Any) -> dict[str, dict[str, str]]:
    """Process → tool → version; the process without the workflows it is nested in."""
    if not isinstance(content, Mapping):
        return {}
    sections: dict[str, dict[str, str]] = {}
    for process, tools in content.items():
        name = str(process).rpartition(":")[2]
        entries = tools if isinstance(tools, Mapping) else {"version": tools}
        sections.setdefault(name, {}).update({str(k): str(v) for k, v in entries.items()})
    return dict(sorted(sections.items()))


def find_pictures(paths: Sequence[str | Path], ending: str) -> dict[str, Path]:
    """Files below `paths` whose name ends in `ending`, by the rest of the name."""
    found: dict[str, Path] = {}
    for path in paths:
        found |= {file.name.removesuffix(ending): file for file in find_files(path, f"*{ending}")}
    return dict(sorted(found.items()))


def units_of(path: str | Path) -> dict[str, str]:
    """Units of the wells' columns."""
    return column_units(path)
