"""A tiny plate through every step, and the command line of each step on it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import tifffile
from click.testing import CliRunner, Result

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "bin"

PLATE = (
    "--times 24 --doses 1 --replicates 1 --vehicle_wells 1 --positive_wells 0 --planes 2 --size 128"
    " --density 40 --cell_diameter 24 --workers 1 --seed 1"
)
CHANNELS = ("Brightfield", "Hoechst", "CellMask", "AnnexinV", "PI")
WELL = "Time_24hrs_R1_Well_A01"
#: What differs from run to run.
DURATIONS = ("Seconds", "ImagesPerSecond")


@dataclass(frozen=True)
class Task:
    """One step's command; `{out}` in its arguments is the folder that it writes to."""

    command: str
    arguments: tuple[str, ...]

    def line(self, out: Path) -> list[str]:
        return [argument.replace("{out}", str(out)) for argument in self.arguments]


def environment(**extra: str) -> dict[str, str]:
    """Of a task: no byte code, one thread, the package below bin/."""
    fixed = {
        "PYTHONPATH": str(BIN), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "COLUMNS": "1000",
    }  # fmt: skip
    return {**os.environ, **fixed, **extra}


def run(command: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command of bin/ as a task does."""
    given: dict[str, object] = {"env": environment(), "capture_output": True, "text": True, "check": False}
    return subprocess.run(
        [sys.executable, str(BIN / f"{command}.py"), *map(str, arguments)], **(given | options)
    )  # type: ignore[call-overload]


def in_process(command: str, *arguments: object) -> str:
    """Run a command in this process, which has its libraries already; gives what it printed."""
    main = runpy.run_path(str(BIN / f"{command}.py"))["main"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        main.main([str(argument) for argument in arguments], prog_name=command, standalone_mode=False)
    return printed.getvalue()


def told(command: str, *arguments: object) -> Result:
    """Run a command in this process, and keep its exit status and messages; a defect of the code is raised."""
    main = runpy.run_path(str(BIN / f"{command}.py"))["main"]
    done = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name=command)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def completed(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The same as what a process of its own would give, without the seconds that its start takes."""
    done = told(command, *arguments)
    return subprocess.CompletedProcess(
        [command, *map(str, arguments)], done.exit_code, done.stdout, done.stderr
    )


def make_inputs(folder: Path) -> None:
    """A plate of two wells with one field of 128 px, and the results of all steps on it."""
    in_process("simulate_plate", "--out", folder / "plate", *PLATE.split())
    order = ("project_z A01", "project_z A02", "qc_images A01", "qc_images A02", "estimate",
             "apply", "stage_weights", "segment_cells", "measure_cells A01", "measure_cells A02", "crop_cells A01",
             "call_death", "annotate_cells", "profile_wells", "fit_responses", "reduce_features", "profile_features",
             "export_anndata", "report")  # fmt: skip
    tasks = tasks_on(folder)
    make_results(folder, {"check_design": tasks["check_design"]})
    write_plane_sheets(folder)
    make_results(folder, {name: tasks[name] for name in order})


def make_results(folder: Path, tasks: Mapping[str, Task]) -> None:
    """Run tasks into ``made/<command>``, and note which files each of them wrote there."""
    for name, task in tasks.items():
        out = folder / "made" / name.split()[0]
        before = final_files(out)
        in_process(task.command, *task.line(out))
        note = folder / "written" / f"{name}.json"
        note.parent.mkdir(exist_ok=True)
        note.write_text(json.dumps(sorted(final_files(out).keys() - before)))


def results_of(folder: Path, name: str) -> dict[str, Path]:
    """What a task wrote, undisturbed: relative path → file."""
    names = json.loads((folder / "written" / f"{name}.json").read_text())
    return {each: folder / "made" / name.split()[0] / each for each in names}


def keys_of(well: str) -> str:
    return json.dumps(
        {"id": f"Time_24hrs_R1_Well_{well}", "plate": "SimPlate", "timepoint_h": 24, "replicate": "1",
         "acquisition": "Time_24hrs_R1", "well": well}
    )  # fmt: skip


def write_plane_sheets(folder: Path) -> None:
    """planes.tsv of each well-timepoint, as PROJECT_Z writes it."""
    for well in json.loads((folder / "made" / "check_design" / "well_timepoints.json").read_text()):
        rows = ["id\tfile\tfield\tz\tchannel"]
        rows += [f"{well['id']}\t{p['path']}\t{p['field']}\t{p['z']}\t{p['channel']}" for p in well["planes"]]
        (folder / f"{well['id']}.tsv").write_text("\n".join(rows) + "\n")


def tasks_on(folder: Path) -> dict[str, Task]:
    """Name → task; what a task reads is in `folder`, made by the tasks before it."""
    made = folder / "made"
    projected, masks = made / "project_z", made / "segment_cells"
    roles = ("--cell_channel", "CellMask", "--nuclear_channel", "Hoechst")
    found: dict[str, Task] = {}

    def add(name: str, command: str, *arguments: object) -> None:
        found[name] = Task(command, tuple(str(argument) for argument in arguments))

    add("check_design", "check_design", "--samplesheet", folder / "plate" / "samplesheet.csv",
        "--plate_map", folder / "plate" / "platemap.csv", *roles, "--early_death_channel", "AnnexinV",
        "--late_death_channel", "PI", "--out", "{out}")  # fmt: skip
    for well in ("A01", "A02"):
        name = f"Time_24hrs_R1_Well_{well}"
        common = ("--keys", keys_of(well))
        add(f"project_z {well}", "project_z", *common, "--planes", folder / f"{name}.tsv", "--planes_dir", "/",
            "--brightfield_channel", "Brightfield", "--pixel_size_um", 0.65, "--out", "{out}")  # fmt: skip
        add(f"qc_images {well}", "qc_images", *common, "--images", projected, *roles,
            "--brightfield_channel", "Brightfield", "--out", "{out}")  # fmt: skip
        add(f"measure_cells {well}", "measure_cells", *common, "--images", projected,
            "--masks", masks, "--features", "sizeshape,intensity", "--out", "{out}")  # fmt: skip
        add(f"crop_cells {well}", "crop_cells", *common, "--images", projected, "--masks", masks,
            "--crop_channels", "Brightfield", "--crop_size", 48, "--out", "{out}")  # fmt: skip
    add("estimate", "correct_illumination", "estimate", "--acquisition", "Time_24hrs_R1", "--out", "{out}/flat",
        "--brightfield_channel", "Brightfield",
        *(projected / f"Time_24hrs_R1_Well_{well}" for well in ("A01", "A02")))  # fmt: skip
    add("apply", "correct_illumination", "apply", "--keys", keys_of("A01"), "--images", projected,
        "--flatfields", made / "estimate" / "flat", "--out", "{out}")  # fmt: skip
    add("stage_weights", "stage_weights", "--out", "{out}/weights")
    keys = "[" + ", ".join(keys_of(well) for well in ("A01", "A02")) + "]"
    add("segment_cells", "segment_cells", "--keys", keys, "--weights",
        made / "stage_weights" / "weights" / "morphodose.npz", *roles, "--diameter", 24, "--nuclear_diameter", 12,
        "--threads", 1, "--out", "{out}",
        *(projected / f"Time_24hrs_R1_Well_{well}" for well in ("A01", "A02")))  # fmt: skip
    measured, plate_map = made / "measure_cells", made / "check_design" / "plate_map.csv"
    add("call_death", "call_death", "--measurements", measured, "--qc", made / "qc_images", "--plate_map", plate_map,
        "--early_death_channel",
        "AnnexinV", "--late_death_channel", "PI", "--min_vehicle_cells", 5, "--out_prefix", "{out}/Time_24hrs_R1")  # fmt: skip
    add("annotate_cells", "annotate_cells", "--measurements", measured, "--plate_map", plate_map,
        "--masks", masks, "--qc", made / "qc_images", "--death",
        made / "call_death" / "Time_24hrs_R1_death.parquet", "--cells_out", "{out}/cells",
        "--images_out", "{out}/images/Time_24hrs_R1.parquet")  # fmt: skip
    add("profile_wells", "profile_wells", "--cells", made / "annotate_cells" / "cells",
        "--images", made / "annotate_cells" / "images", "--out", "{out}/wells.parquet",
        "--conditions_out", "{out}/conditions.parquet")  # fmt: skip
    wells, cells = made / "profile_wells" / "wells.parquet", made / "annotate_cells" / "cells"
    fields = made / "annotate_cells" / "images"
    add("reduce_features", "reduce_features", "--set", "classical", "--cells", cells, "--images", fields,
        "--out", "{out}/classical")  # fmt: skip
    add("profile_features", "profile_features", "--cells", cells, "--images", fields, "--out", "{out}")
    add("export_anndata", "export_anndata", "--cells", cells, "--wells", wells, "--out", "{out}")
    add("fit_responses", "fit_responses", "--wells", wells, "--endpoints", "Fraction_Dying", "--out", "{out}")
    fitted = made / "fit_responses"
    # without the pictures, which are copied, and the gates: a page is drawn in a few seconds
    add("report", "report", "--wells", wells,
        *(part for name in ("responses", "curves", "onsets", "orders")
          for part in (f"--{name}", fitted / f"{name}.parquet")),
        "--design", made / "check_design" / "design.json", "--images", made / "annotate_cells" / "images",
        "--out", "{out}")  # fmt: skip
    return found


def final_files(folder: Path) -> dict[str, Path]:
    """Files under their final names: relative path → file. Names with a dot before them are temporary."""
    return {
        str(path.relative_to(folder)): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def same_content(one: Path, other: Path) -> bool:
    """Whether two results say the same; what they say of their own duration does not count."""
    if one.suffix == ".parquet":
        tables = [pq.ParquetFile(path).read() for path in (one, other)]
        kept = [table.drop_columns([n for n in DURATIONS if n in table.column_names]) for table in tables]
        return kept[0].schema.equals(kept[1].schema, check_metadata=True) and kept[0].to_pandas().equals(
            kept[1].to_pandas()
        )
    if one.suffix == ".csv":
        logs = [pd.read_csv(path).drop(columns=[*DURATIONS], errors="ignore") for path in (one, other)]
        return logs[0].equals(logs[1])
    if one.suffix in (".tif", ".tiff"):
        return np.array_equal(tifffile.imread(one), tifffile.imread(other))
    if one.suffix == ".html":  # it names the folders of its run
        pages = [path.read_bytes().rstrip() for path in (one, other)]
        return pages[0].endswith(b"</html>") and abs(len(pages[0]) / len(pages[1]) - 1) < 0.01
    return one.read_bytes() == other.read_bytes()


def assert_same_files(found: Mapping[str, Path], expected: Mapping[str, Path]) -> None:
    assert sorted(found) == sorted(expected)
    assert_whole(found, expected)


def assert_whole(found: Mapping[str, Path], expected: Mapping[str, Path]) -> None:
    """Every file that is there is one of the expected, whole."""
    for name, path in found.items():
        assert name in expected, f"{name}: no result of this step has this name"
        assert same_content(path, expected[name]), f"{name}: not the whole result"
