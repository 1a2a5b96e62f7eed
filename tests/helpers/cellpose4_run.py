"""segment_cells by Cellpose-SAM with random weights, in whatever environment has Cellpose 4."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from morphodose.imaging.images import Field, read_labels, write_field
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.weights import REGISTRY, SHIPPED_FOLDER
from morphodose.simulate.field import render_field
from morphodose.tables import read_table

BIN = Path(__file__).resolve().parents[2] / "bin"
WELL = "Time_4hrs_R1_Well_A01"


def call(python: Sequence[str | Path], folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a Python that sees bin/ and `folder`, with that as its home and without a network."""
    given = [f"PYTHONPATH={BIN}", "PYTHONDONTWRITEBYTECODE=1", f"HOME={folder}", "OMP_NUM_THREADS=1"]
    # no proxy leads anywhere: a task that reached for the network would fail
    given += ["https_proxy=http://127.0.0.1:9", "http_proxy=http://127.0.0.1:9"]
    # by env, which is in a container, too
    command = [*python[:-1], "env", *given, python[-1], *arguments]
    return subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)


def random_weights(python: Sequence[str | Path], folder: Path) -> Path:
    """A file of Cellpose-SAM's weights, none of them trained, in `folder`."""
    make = (
        "import sys, torch; from cellpose.vit import CPSAM; torch.manual_seed(0); "
        "CPSAM().save_model(sys.argv[1])"
    )
    model = folder / "cpsam_random"
    made = call(python, folder, "-c", make, model)
    assert made.returncode == 0, made.stderr
    return model


def segment_with_random_weights(python: Sequence[str | Path], folder: Path) -> None:
    """Fail where the command does not run with them, or runs with weights of Cellpose 3.

    What random weights find means nothing; that they load, run and fill the tables does.

    Parameters
    ----------
    python : sequence of str or Path
        Command line of a Python with Cellpose 4; it sees bin/ and `folder`.
    folder : Path
        Where the weights, the field and the result go.
    """
    model = random_weights(python, folder)
    planes = render_field(np.random.default_rng(5), size=120, n_cells=6).planes.max(axis=0)[[1, 2]]
    write_field(folder / WELL / f"{WELL}_Field_1.ome.tiff", Field(planes, ("Hoechst", "CellMask"), 0.5))
    keys = {"id": WELL, "plate": "P1", "timepoint_h": 4, "replicate": "1"}
    keys |= {"acquisition": "Time_4hrs_R1", "well": "A01"}

    def segment(weights: Path, out: Path) -> subprocess.CompletedProcess[str]:
        return call(
            python, folder, BIN / "segment_cells.py", folder / WELL, "--weights", weights, "--keys", json.dumps(keys),
            "--cell_channel", "CellMask", "--nuclear_channel", "Hoechst", "--threads", 1, "--out", out,
        )  # fmt: skip

    done = segment(model, folder / "out")
    assert done.returncode == 0, done.stderr
    labels = read_labels(folder / "out" / WELL / f"{WELL}_Field_1_cells.tif")
    assert labels.shape == (120, 120)
    cells = read_table(folder / "out" / WELL / "objects.parquet")
    assert sorted(cells["Metadata_ObjectLabel"]) == np.unique(labels[labels > 0]).tolist()

    shipped = folder / REGISTRY[SHIPPED].file
    shipped.write_bytes((SHIPPED_FOLDER / shipped.name).read_bytes())
    refused = segment(shipped, folder / "refused")
    assert refused.returncode == 1
    assert "Name both models cpsam" in refused.stderr
