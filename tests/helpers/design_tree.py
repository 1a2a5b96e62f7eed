"""Small screens on disk for the tests of the design check."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from faults.tasks import completed
from morphodose.design.check import check_screen
from morphodose.design.output import CheckedDesign
from morphodose.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
CHANNELS = "1:Brightfield,2:Hoechst"


def tiff_bytes(
    folder: Path, shape: tuple[int, int] = (8, 8), dtype: str = "uint16", **options: object
) -> bytes:
    path = folder / "one.tmp.tif"
    # of more than one value: an image of one is said to be blank
    tifffile.imwrite(path, (np.indices(shape).sum(axis=0) % 7 + 1).astype(dtype), **options)
    data = path.read_bytes()
    path.unlink()
    return data


@dataclass
class Screen:
    """A CQ1 screen: 2 times x 2 replicates, wells A01 to A03, 2 fields, 2 z, 2 channels."""

    root: Path

    @property
    def sheet(self) -> Path:
        return self.root / "samplesheet.csv"

    @property
    def plate_map(self) -> Path:
        return self.root / "platemap.csv"

    def plane(
        self, time: int = 4, rep: int = 1, well: int = 1, field: int = 1, z: int = 1, channel: int = 1
    ) -> Path:
        return self.root / f"{time}hrs_R{rep}" / f"W{well:04d}F{field:04d}T0001Z{z:03d}C{channel}.tif"

    def judge(self, **options: object) -> CheckedDesign:
        given = {"file_pattern": "cq1", "channels": CHANNELS, "roles": {}} | options
        return check_screen(self.sheet, self.plate_map, **given)  # type: ignore[arg-type]

    def message(self, **options: object) -> str:
        """The message of a check that has to fail."""
        try:
            self.judge(**options)
        except InputError as fault:
            return str(fault)
        raise AssertionError("the check found no fault")


def make_screen(root: Path, times: tuple[int, ...] = (4, 8), reps: int = 2, wells: int = 3) -> Screen:
    root.mkdir(parents=True, exist_ok=True)
    screen = Screen(root)
    data = tiff_bytes(root)
    rows = ["plate,timepoint_h,replicate,images"]
    for time in times:
        for rep in range(1, reps + 1):
            (root / f"{time}hrs_R{rep}").mkdir()
            rows.append(f"P1,{time},{rep},{time}hrs_R{rep}")
            for well in range(1, wells + 1):
                for field in (1, 2):
                    for z in (1, 2):
                        for channel in (1, 2):
                            screen.plane(time, rep, well, field, z, channel).write_bytes(data)
    screen.sheet.write_text("\n".join(rows) + "\n")
    screen.plate_map.write_text(
        "well,compound,dose,dose_unit,role\nA01,DMSO,0,uM,vehicle\n"
        + "".join(f"A{well:02d},Drug,{10 ** (well - 2)},uM,treated\n" for well in range(2, wells + 1))
    )
    return screen


def run(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command of bin/ as a user does, but in this process."""
    return completed(command.removesuffix(".py"), *arguments)


def make_nasty_folder(folder: Path) -> Path:
    """Two images, and beside them all that file servers, people and runs leave among images."""
    for name in (
        "W0001F0001T0001Z001C1.tif", "sub/W0001F0002T0001Z001C1.tif", "._W0001F0001T0001Z001C1.tif",
        "#recycle/W0001F0001T0001Z001C1.tif", "$RECYCLE.BIN/a.tif", "@Recycle/a.tif", "@eaDir/a.tif",
        ".snapshot/a.tif", "__MACOSX/a.tif", "results/pipeline_info/trace.txt", "results/projected/a.tif",
        "work/ab/0123456789abcdef0123456789abcd/a.tif",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "loop").symlink_to(".")
    (folder / "sub" / "up").symlink_to("..")
    (folder / "dead.tif").symlink_to("nothing")
    (folder / "itself").symlink_to("itself")
    return folder
