#!/usr/bin/env python3
"""Make the small inputs of the nf-test suite in .nf-test-data/: a simulated plate, and what each step makes of it.

One acquisition of five wells, one field of 200 px each. The masks are those of the simulation (without the cells
at the border, as `segment_cells` does), so that no step after the segmentation depends on a model, and its result
can be compared with the truth. Done again only when the code below bin/, this script or a helper of it has changed.
"""

from __future__ import annotations

import hashlib
import json
import runpy
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests" / "helpers")]
sys.dont_write_bytecode = True

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import tifffile  # noqa: E402

from deep_screen import write_screen  # noqa: E402
from embedding_tree import make_screen  # noqa: E402
from evaluation_tables import nf_test_screen  # noqa: E402
from morphodose.deep.embedding_table import KEYS  # noqa: E402
from morphodose.imaging.images import read_field, read_labels, write_labels  # noqa: E402
from morphodose.keys import WellKeys, parse_keys  # noqa: E402
from morphodose.segmentation.border import border_labels, without_labels  # noqa: E402
from morphodose.segmentation.objects import object_table, object_units  # noqa: E402
from morphodose.segmentation.overlay import overlay, write_png  # noqa: E402
from morphodose.segmentation.well import Segmented  # noqa: E402
from morphodose.tables import read_table, write_table  # noqa: E402
from reduction_tables import write_embeddings  # noqa: E402
from report_deep_tables import DeepTables  # noqa: E402
from report_tables import Tables  # noqa: E402

#: Two vehicle wells with more than the 20 cells that a gate needs, and three doses.
PLATE = (
    "--times 24 --doses 0.1,1,10 --replicates 1 --vehicle_wells 2 --positive_wells 0"
    " --planes 2 --size 200 --density 36 --cell_diameter 26 --workers 1 --seed 1"
)
CHANNEL_ROLES = {"cell": "CellMask", "nuclear": "Hoechst", "brightfield": "Brightfield"}
PIXEL_SIZE = 0.65


def main() -> None:
    """Write .nf-test-data/ beside the project's files, or leave it where it is up to date."""
    target = ROOT / ".nf-test-data"
    stamp = target / "code.sha256"
    digest = code_digest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print("Making the inputs of the nf-test suite in .nf-test-data ...", file=sys.stderr)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    with open(target / "make.log", "w") as log, redirect_stdout(log), redirect_stderr(log):
        make(target)
    # last, so that an interrupted run is made anew; a rename of the folder would break the paths in its tables
    stamp.write_text(digest)


def code_digest() -> str:
    """SHA-256 over this script, what it imports of tests/helpers/, and all Python files below bin/."""
    digest = hashlib.sha256()
    for source in [*helpers(), *sorted((ROOT / "bin").rglob("*.py"))]:
        digest.update(str(source.relative_to(ROOT)).encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()


def helpers() -> list[Path]:
    """This script and the modules beside it that it has imported, by themselves or by each other."""
    files = {Path(getattr(module, "__file__", None) or "/").resolve() for module in sys.modules.values()}
    return sorted(file for file in files if file.parent == ROOT / "tests" / "helpers")


def step(name: str, *arguments: object) -> None:
    """Run a command of bin/ in this process: the libraries are imported once, not by every step."""
    command = runpy.run_path(str(ROOT / "bin" / f"{name}.py"))["main"]
    command.main([str(argument) for argument in arguments], prog_name=name, standalone_mode=False)


def make(out: Path) -> None:
    """Plate, design, and the results of the steps, each in a folder of its name."""
    plate, design = out / "plate", out / "design"
    step("simulate_plate", "--out", plate, *PLATE.split())
    design_options = [f"--{role}_channel={name}" for role, name in CHANNEL_ROLES.items()]
    design_options += ["--early_death_channel=AnnexinV", "--late_death_channel=PI"]
    sheets = ["--samplesheet", plate / "samplesheet.csv", "--plate_map", plate / "platemap.csv"]
    step("check_design", *sheets, *design_options, "--out", design)
    wells = json.loads((design / "well_timepoints.json").read_text())
    for well in wells:
        one_well(well, out)
    acquisition = wells[0]["acquisition"]
    measurements, plate_map = out / "measurements", design / "plate_map.csv"
    death = out / "death" / acquisition
    death.parent.mkdir()
    step("call_death", "--measurements", measurements, "--plate_map", plate_map, "--out_prefix", death,
         "--early_death_channel", "AnnexinV", "--late_death_channel", "PI")  # fmt: skip
    step("annotate_cells", "--measurements", measurements, "--plate_map", plate_map, "--masks", out / "segmented",
         "--qc", out / "qc", "--death", f"{death}_death.parquet",
         "--cells_out", out / "cells", "--images_out", out / "images" / f"{acquisition}.parquet")  # fmt: skip
    step("profile_wells", "--cells", out / "cells", "--images", out / "images",
         "--out", out / "wells.parquet", "--conditions_out", out / "conditions.parquet")  # fmt: skip
    step(
        "fit_responses",
        "--wells",
        out / "wells.parquet",
        "--endpoints",
        "Fraction_Dying",
        "--out",
        out / "responses",
    )
    learning_inputs(out)
    screen = Tables(doses=(1, 10), times=(24, 48), replicates=2)
    claims = {"dose": False, "time": True}
    DeepTables(screen, cells=4, folds=2, epochs=3, claims=claims).write(out / "deep_report")
    well_profiles(out, wells)
    known_curve(out / "known_wells.parquet")
    known_flat_field(out / "flat_field")
    bad_inputs(out, wells)


def one_well(well: dict[str, Any], out: Path) -> None:
    """Projection, masks, quality and measurements of one well-timepoint."""
    keys = json.dumps({name: value for name, value in well.items() if name != "planes"})
    name = well["id"]
    rows = pd.DataFrame(well["planes"]).rename(columns={"path": "file"}).assign(id=name)
    (out / "planes").mkdir(exist_ok=True)
    sheet = out / "planes" / f"{name}.tsv"
    rows[["id", "file", "field", "z", "channel"]].to_csv(sheet, sep="\t", index=False)
    step("project_z", "--keys", keys, "--planes", sheet, "--planes_dir", "/",
         "--brightfield_channel", "Brightfield", "--pixel_size_um", PIXEL_SIZE, "--out", out / "projected")  # fmt: skip
    images, masks = out / "projected" / name, out / "segmented" / name
    true_masks(parse_keys(well), images, out / "plate" / "truth", masks)
    step("qc_images", "--keys", keys, "--images", images.parent, "--out", out / "qc",
         *(f"--{role}_channel={channel}" for role, channel in CHANNEL_ROLES.items()))  # fmt: skip
    step("measure_cells", "--keys", keys, "--images", images.parent, "--masks", masks.parent,
         "--out", out / "measurements")  # fmt: skip


def true_masks(well: WellKeys, images: Path, truth: Path, out: Path) -> None:
    """What `segment_cells` would write if it made no mistake."""
    image = well.image(1)
    field = read_field(images / f"{image}.ome.tiff")
    cells, nuclei = (np.asarray(read_labels(truth / f"{image}_{kind}.tif")) for kind in ("cells", "nuclei"))
    border = border_labels(cells)
    inner = without_labels(cells, border)
    labels = [int(label) for label in np.unique(inner) if label]
    found = Segmented(
        inner,
        without_labels(nuclei, border),
        np.where(inner == 0, cells, 0),
        dict.fromkeys(labels, 1),
        orphans=0,
        border_nuclei=len(border),
        origins=dict.fromkeys(labels, "cellpose"),
        orphans_before=0,
    )
    write_labels(out / f"{image}_cells.tif", found.cells)
    write_labels(out / f"{image}_nuclei.tif", found.nuclei)
    write_png(
        out / f"{image}_overlay.png",
        overlay(
            field.channel("CellMask"), field.channel("Hoechst"), found.cells, found.nuclei, found.left_out
        ),
    )
    columns = well.columns(image)
    objects = object_table(found.cells, columns, found.nuclei_counts, found.origins, field.pixel_size_um)
    write_table(objects, out / "objects.parquet", object_units(field.pixel_size_um))
    row = columns | found.summary() | {"Diameter": 26.0, "NucleiDiameter": 12.0, "Seconds": 0.0}
    write_table(pd.DataFrame([row]), out / "fields.parquet")


def learning_inputs(out: Path) -> None:
    """Small screens made for splits and scores, for training, and for what trained networks give."""
    nf_test_screen(out / "evaluation")
    write_screen(out / "training", cells=20)
    embedding = out / "embedding"
    screen = make_screen(embedding)
    common = [part for name in ("crops", "split", "networks") for part in (f"--{name}", screen[name])]
    step("align_networks", *common, "--out", embedding / "alignment.safetensors",
         "--table_out", embedding / "alignment.parquet", "--anchors_out", embedding / "anchors.parquet")  # fmt: skip
    step("embed_cells", *common, "--kind", "trained", "--alignment", embedding / "alignment.safetensors",
         "--out", embedding / "embeddings")  # fmt: skip


def well_profiles(out: Path, wells: list[dict[str, Any]]) -> None:
    """Embeddings of the simulated cells that tell the dose a little, and what is made of them and of the cells."""
    rng = np.random.default_rng(1)
    for number, well in enumerate(wells):
        table = read_table(out / "cells" / f"{well['id']}.parquet", [*KEYS])
        vectors = rng.normal(0, 1, (len(table), 32)) + 0.5 * number * (np.arange(32) < 4)
        write_embeddings(out / "embeddings" / f"{well['id']}_embeddings.parquet", dict(table), vectors)
    tables = ["--cells", out / "cells", "--embeddings", out / "embeddings", "--images", out / "images"]
    for name in ("classical", "deep"):
        step(
            "reduce_features", "--set", name, *tables, "--pca_components", 5, "--out", out / "reduced" / name
        )
    step("profile_features", *tables, "--out", out)


def known_curve(path: Path) -> None:
    """Wells whose share of dying cells follows a curve with EC50 2 and Hill slope 1.5, 600 cells each."""
    doses = [0.0] * 6 + [dose for dose in (0.1, 0.3, 1.0, 2.0, 4.0, 10.0, 30.0) for _ in range(2)]
    cells = 600
    rows = []
    for number, dose in enumerate(doses):
        # a little to and fro instead of noise: the same in every run, and no fit is exact
        share = 0.03 + 0.85 / (1 + (2.0 / dose) ** 1.5) if dose else 0.03
        dying = round(cells * share) + (8 if number % 2 else -8)
        row: dict[str, Any] = {
            "Metadata_Plate": "P1", "Metadata_Timepoint": 24.0, "Metadata_Replicate": "1",
            "Metadata_Acquisition": "Time_24hrs_R1", "Metadata_Well": f"{'ABCDEFGH'[number // 12]}{number % 12 + 1:02d}",
            "Metadata_Compound": "Drug" if dose else "DMSO", "Metadata_Dose": dose, "Metadata_DoseUnit": "uM",
            "Metadata_Role": "treated" if dose else "vehicle",
            "Count_Fields": 1, "Count_FieldsDropped": 0, "Count_Cells": cells, "Count_CellsPerField": float(cells),
            "Count_BorderCells": 0, "Count_Called": cells,
            "Fraction_Dying": dying / cells, "Fraction_Viable": 1 - dying / cells,
        }  # fmt: skip
        rows.append(row)
    write_table(pd.DataFrame(rows), path)


def known_flat_field(folder: Path) -> None:
    """Half of the light in the upper half of the nuclear channel, 100 counts of camera offset; the rest as it is."""
    flat = np.ones((200, 200), np.float32)
    flat[:100] = 0.5
    folder.mkdir()
    tifffile.imwrite(folder / "flatfield_Hoechst.tif", flat, photometric="minisblack")
    names = ["Brightfield", "Hoechst", "CellMask", "AnnexinV", "PI"]
    table = pd.DataFrame({"Channel": names, "Applied": [name == "Hoechst" for name in names], "Dark": 100.0})
    write_table(table, folder / "illumination.parquet")


def bad_inputs(out: Path, wells: list[dict[str, Any]]) -> None:
    """A torn plane and a torn table, a dose in words, a plate map without a well, masks of another size, no field, …"""
    bad = out / "bad"
    bad.mkdir()
    first = wells[0]
    plane = Path(first["planes"][0]["path"])
    (bad / "torn.tif").write_bytes(plane.read_bytes()[:1000])
    (bad / "platemap.csv").write_text(
        (out / "plate" / "platemap.csv").read_text().replace("A03,SimDrug,1,", "A03,SimDrug,one,")
    )
    image = f"{first['id']}_Field_1"
    masks = bad / "masks" / first["id"]
    write_labels(masks / f"{image}_cells.tif", np.zeros((150, 200), np.int32))
    write_labels(masks / f"{image}_nuclei.tif", np.zeros((150, 200), np.int32))
    (bad / "projected" / first["id"]).mkdir(parents=True)
    (bad / "wells.parquet").write_bytes((out / "wells.parquet").read_bytes()[:1000])
    rows = (out / "design" / "plate_map.csv").read_text().splitlines(keepends=True)
    # of another well; a reduction of which the coordinates are gone
    images = read_table(out / "images")
    write_table(
        images.assign(Metadata_ImageID="Time_24hrs_R1_Well_H12_Field_1"), bad / "other_images.parquet"
    )
    (bad / "deep").mkdir()
    (bad / "short_plate_map.csv").write_text("".join(row for row in rows if ",A03," not in row))


if __name__ == "__main__":
    main()
