"""Writing what `check_design` understood, all files or none."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from morphodose.design.channels import Channels
from morphodose.design.faults import Fault, FieldKey, printable
from morphodose.design.namer import Namer
from morphodose.design.planes import Plane
from morphodose.design.platemap import PlateWells
from morphodose.design.samplesheet import Acquisition
from morphodose.design.schemas import DESIGN_FAULTS, PLANES
from morphodose.design.wells import plate_map_of
from morphodose.plan import TaskSizes, plan_tasks
from morphodose.platemap import write_plate_map
from morphodose.tables import write_as

#: Well-timepoints on which diameters are estimated: in all, and of each plate at least.
SAMPLE_WELLS, SAMPLE_PER_PLATE = 6, 2

OUTPUTS = ("design.json", "planes.parquet", "plate_map.csv", "well_timepoints.json", "design_faults.parquet")


@dataclass
class CheckedDesign:
    """A judged design: what there is, what is left out, what is wrong."""

    acquisitions: Sequence[Acquisition]
    platemap: PlateWells
    channels: Channels
    roles: Mapping[str, str]
    planes: Sequence[Plane]
    excluded: Mapping[FieldKey, Sequence[str]]
    faults: Sequence[Fault]
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = Namer(self.acquisitions, self.channels.names)
        order = self.names.order
        self.planes = sorted(self.planes, key=lambda p: (*p.key, order[p.channel], p.z))

    def wells(self) -> list[tuple[str, list[Plane]]]:
        """Well-timepoint ids with their planes."""
        found: dict[tuple[int, str], list[Plane]] = {}
        for plane in self.planes:
            found.setdefault((plane.acquisition, plane.well), []).append(plane)
        return [(self.names.well((*key, 0)), planes) for key, planes in found.items()]


def write_design(design: CheckedDesign, sizes: TaskSizes, out: str | Path) -> None:
    """Write `OUTPUTS` into the folder `out`, with tasks of these sizes; a failure leaves none of them."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".design.", dir=out))
    try:
        _write_json(design, temporary / "design.json")
        _write_wells(design, sizes, temporary / "well_timepoints.json")
        write_plate_map(plate_map_of(design.platemap), temporary / "plate_map.csv")
        _write_tables(design, temporary)
        for name in OUTPUTS:
            os.replace(temporary / name, out / name)
    except BaseException:
        remove_outputs(out)
        raise
    finally:
        # a folder that cannot be removed would hide the fault above, and has a name that nothing reads
        shutil.rmtree(temporary, ignore_errors=True)


def remove_outputs(out: str | Path) -> None:
    """Remove results of an earlier run, which would be taken for this one's."""
    for name in OUTPUTS:
        (Path(out) / name).unlink(missing_ok=True)


def _acquisition(acquisition: Acquisition) -> dict[str, Any]:
    return {
        "acquisition": acquisition.id,
        "plate": acquisition.plate,
        "timepoint_h": acquisition.timepoint_h,
        "replicate": acquisition.replicate,
        "images": acquisition.folder,
        **({"extra": acquisition.extra} if acquisition.extra else {}),
    }


def _write_json(design: CheckedDesign, path: Path) -> None:
    used = {plane.acquisition for plane in design.planes}
    fields = {plane.key for plane in design.planes}
    first = design.planes[0]
    document = {
        "channels": [{"number": number, "name": name} for number, name in design.channels.names.items()],
        "roles": dict(design.roles),
        "acquisitions": [_acquisition(a) for index, a in enumerate(design.acquisitions) if index in used],
        "well_timepoints": [name for name, _ in design.wells()],
        "fields": len(fields),
        "fields_per_well": len({key[2] for key in fields}),
        "planes": len(design.planes),
        "image": {"width": first.width, "height": first.height, "dtype": first.dtype},
        **design.settings,
        "excluded": [
            {"image_id": design.names.image(key), "reason": ", ".join(reasons).replace("_", " ")}
            for key, reasons in sorted(design.excluded.items())
        ],
        "faults": [
            {
                "severity": fault.severity,
                "kind": fault.kind,
                "file": printable(fault.file),
                "row": fault.row,
                "value": printable(fault.value),
                "message": printable(fault.message),
                "fix": printable(fault.fix),
            }
            for fault in design.faults
        ],
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_wells(design: CheckedDesign, sizes: TaskSizes, path: Path) -> None:
    """One line per well-timepoint, so that a large screen is never one string in memory."""
    sample, tasks = diameter_sample(design), task_names(design, sizes)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("[")
        for number, (name, planes) in enumerate(design.wells()):
            acquisition = design.acquisitions[planes[0].acquisition]
            entry = {
                "id": name,
                "acquisition": acquisition.id,
                "plate": acquisition.plate,
                "timepoint_h": acquisition.timepoint_h,
                "replicate": acquisition.replicate,
                "well": planes[0].well,
                "diameter_sample": name in sample,
                **tasks[name],
                "pixel_size_um": design.settings.get("pixel_size_um"),
                "planes": [
                    {
                        "path": p.path,
                        "place": p.place,
                        "field": p.field,
                        "z": p.z,
                        "channel": design.channels.names[p.channel],
                    }
                    for p in planes
                ],
            }
            stream.write(("," if number else "") + "\n" + json.dumps(entry, ensure_ascii=False))
        stream.write("\n]\n")


def task_names(design: CheckedDesign, sizes: TaskSizes) -> dict[str, dict[str, str]]:
    """Well-timepoint id → shard, segmentation shard and embedding shard, each named by its first well."""
    wells: dict[str, list[str]] = {}
    for name, planes in design.wells():
        wells.setdefault(design.acquisitions[planes[0].acquisition].id, []).append(name)
    plan = plan_tasks({acquisition: sorted(wells[acquisition]) for acquisition in sorted(wells)}, sizes)
    names = {name: {"shard": shard[0]} for shard in plan.shards for name in shard}
    for kind, tasks in (("segmentation_shard", plan.segmentation), ("embedding_shard", plan.embedding)):
        for task in tasks:
            for shard in task:
                for name in shard:
                    names[name][kind] = task[0][0]
    return names


def diameter_sample(design: CheckedDesign) -> set[str]:
    """Ids of the well-timepoints on which diameters are estimated: vehicle, spread over times and replicates.

    `SAMPLE_WELLS` over the screen and at least `SAMPLE_PER_PLATE` of each plate, for plates may differ in
    magnification. A plate without a vehicle well gives of its other ones.
    """
    of_plate: dict[str, list[tuple[bool, float, str, str]]] = {}
    for name, planes in design.wells():
        acquisition = design.acquisitions[planes[0].acquisition]
        held = design.platemap.get((acquisition.plate, planes[0].well))
        other = held is None or held.role != "vehicle"
        of_plate.setdefault(acquisition.plate, []).append(
            (other, acquisition.timepoint_h, acquisition.replicate, name)
        )
    number = max(SAMPLE_PER_PLATE, math.ceil(SAMPLE_WELLS / len(of_plate)))
    sample = set()
    for wells in of_plate.values():
        ordered = sorted(wells)
        vehicle = [well for well in ordered if not well[0]] or ordered
        last = len(vehicle) - 1
        sample |= {vehicle[round(i * last / (number - 1))][-1] for i in range(number)}
    return sample


def _write_tables(design: CheckedDesign, folder: Path) -> None:
    import pandas as pd  # only a run that succeeds pays for it

    planes, names = design.planes, design.names
    of = [design.acquisitions[plane.acquisition] for plane in planes]
    table = pd.DataFrame(
        {
            "Metadata_Plate": [a.plate for a in of],
            "Metadata_Timepoint": [a.timepoint_h for a in of],
            "Metadata_Replicate": [a.replicate for a in of],
            "Metadata_Acquisition": [a.id for a in of],
            "Metadata_Well": [plane.well for plane in planes],
            "Metadata_Field": [plane.field for plane in planes],
            "Metadata_ImageID": [names.image(plane.key) for plane in planes],
            "Path": [plane.path for plane in planes],
            "Place": [plane.place for plane in planes],
            "Z": [plane.z for plane in planes],
            "Channel": [design.channels.names[plane.channel] for plane in planes],
            "Width": [plane.width for plane in planes],
            "Height": [plane.height for plane in planes],
            "Dtype": [plane.dtype for plane in planes],
            "PixelSize": pd.Series([plane.pixel_um for plane in planes], dtype="float64"),
            "PositionX": pd.Series([plane.image and plane.image.x_um for plane in planes], dtype="float64"),
            "PositionY": pd.Series([plane.image and plane.image.y_um for plane in planes], dtype="float64"),
            "ImagedAfter": pd.Series(
                [plane.image and plane.image.hours for plane in planes], dtype="float64"
            ),
        }
    )
    write_as(PLANES, table, folder / "planes.parquet")
    faults = pd.DataFrame(
        {
            "Severity": pd.Series([fault.severity for fault in design.faults], dtype="str"),
            "File": pd.Series([printable(fault.file) for fault in design.faults], dtype="str"),
            "Row": pd.Series([fault.row for fault in design.faults], dtype="Int64"),
            "Value": pd.Series([printable(fault.value) for fault in design.faults], dtype="str"),
            "Message": pd.Series([printable(fault.message) for fault in design.faults], dtype="str"),
            "Fix": pd.Series([printable(fault.fix) for fault in design.faults], dtype="str"),
            "Kind": pd.Series([fault.kind for fault in design.faults], dtype="str"),
        }
    )
    write_as(DESIGN_FAULTS, faults, folder / "design_faults.parquet")
