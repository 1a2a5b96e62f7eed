"""Tables in the folders of the Cell Painting Gallery: ``load_data.csv`` of each plate, and plate maps.

Source: github.com/broadinstitute/cellpainting-gallery, folder structure. A plate of the gallery is imaged
once: here it is an acquisition, whose plate map is that of its plate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from morphodose.tables import write_csv

#: Folder of what was imaged together.
BATCH = "batch1"
#: mmol/L and mg/mL in a dose of each unit.
_MOLAR = {"M": 1e3, "mM": 1.0, "uM": 1e-3, "nM": 1e-6, "pM": 1e-9, "fM": 1e-12}
_MASS = {"g/L": 1.0, "mg/mL": 1.0, "mg/L": 1e-3, "ug/mL": 1e-3, "ng/mL": 1e-6, "pg/mL": 1e-9}


def gallery_rows(rows: Sequence[Mapping[str, object]], acquisition: str) -> list[dict[str, object]]:
    """Rows of `morphodose.export.load_data.load_data_rows` by the gallery's names: ``FileName_OrigDNA``."""
    return [
        {"Metadata_Plate": acquisition}
        | {_renamed(name): value for name, value in row.items() if name != "Metadata_Plate"}
        for row in rows
    ]


def _renamed(name: str) -> str:
    for kind in ("FileName", "PathName", "Frame"):
        if name.startswith(f"Image_{kind}_"):
            return f"{kind}_Orig{name.removeprefix(f'Image_{kind}_')}"
    return name.removeprefix("Image_")


def write_gallery_plate(out: Path, acquisition: str, rows: Sequence[Mapping[str, object]]) -> None:
    """``workspace/load_data_csv/<batch>/<acquisition>/load_data.csv`` below `out`."""
    renamed = gallery_rows(rows, acquisition)
    folder = out / "workspace" / "load_data_csv" / BATCH / acquisition
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in renamed for name in row))
    write_csv(
        pa.table({name: [row.get(name) for row in renamed] for name in names}), folder / "load_data.csv"
    )


def write_gallery_maps(out: Path, fields: Sequence[Mapping[str, object]]) -> None:
    """``barcode_platemap.csv`` of the screen, and ``platemap/<plate>.txt`` with the wells that were imaged.

    Parameters
    ----------
    out : Path
        The folder that has the ``workspace``.
    fields : sequence of mapping
        ``Metadata_*`` of each field of the screen.
    """
    folder = out / "workspace" / "metadata" / "platemaps" / BATCH
    (folder / "platemap").mkdir(parents=True, exist_ok=True)
    plates = {str(field["Metadata_Acquisition"]): str(field["Metadata_Plate"]) for field in fields}
    barcodes = {"Assay_Plate_Barcode": list(plates), "Plate_Map_Name": list(plates.values())}
    write_csv(pa.table(barcodes), folder / "barcode_platemap.csv")
    for plate in dict.fromkeys(plates.values()):
        wells = {
            str(field["Metadata_Well"]): field for field in fields if str(field["Metadata_Plate"]) == plate
        }
        lines = ["plate_map_name\twell_position\tbroad_sample\tmg_per_ml\tmmoles_per_liter\tsolvent\trole"]
        lines += [_line(plate, well, wells[well]) for well in sorted(wells)]
        (folder / "platemap" / f"{plate}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(plate: str, well: str, field: Mapping[str, object]) -> str:
    """One well; a dose stands in the column of its kind, and vehicle is the solvent."""
    compound, role = str(field.get("Metadata_Compound") or ""), str(field.get("Metadata_Role") or "")
    dose, unit = field.get("Metadata_Dose"), str(field.get("Metadata_DoseUnit") or "")
    vehicle = role == "vehicle"
    amounts = [
        f"{float(dose) * scale[unit]:.12g}"
        if isinstance(dose, (int, float)) and unit in scale and not vehicle
        else ""
        for scale in (_MASS, _MOLAR)
    ]
    cells = [plate, well, "" if vehicle else compound, *amounts, compound if vehicle else "", role]
    return "\t".join(cell.replace("\t", " ") for cell in cells)
