"""The plate of two fields inside images that were built in this run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hpc.conftest import LENIENT
from hpc.inside import assert_inside, images_of
from pipeline.nextflow_runs import ROOT, Run, run
from pipeline.tables import assert_same_tables

pytestmark = pytest.mark.container


def inside(image: Path, *command: str) -> str:
    done = subprocess.run(
        ["apptainer", "exec", "--containall", str(image), *command],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_two_fields_inside_the_images_give_the_tables_of_the_local_run(
    two_fields: tuple[str, ...], local_run: Run, images: Path, tmp_path: Path
) -> None:
    arguments = ("-profile", "apptainer", "--container_dir", str(images), *two_fields)
    finished = run(tmp_path, *arguments, **LENIENT)
    assert finished.status == 0, finished.output
    assert_inside(finished)
    assert set(images_of(local_run).values()) == {""}
    assert_same_tables(local_run.outdir, finished.outdir)
    # Nextflow's trace has memory figures only where the image has ps
    assert all(row["peak_rss"] not in ("", "-", "0") for row in finished.tasks())


def test_an_image_holds_no_cache_no_code_and_says_what_it_is(images: Path) -> None:
    for name in ("base", "cellpose3"):
        image = images / f"{name}.sif"
        assert inside(image, "cat", "/etc/morphodose-image").startswith(f"morphodose {name} ")
        assert "No such file" in inside(image, "ls", "/root/.cache")
        assert "No module named 'morphodose'" in inside(image, "python3", "-c", "import morphodose")
        help_text = subprocess.run(
            ["apptainer", "run-help", str(image)], capture_output=True, text=True, check=True
        ).stdout
        assert "-profile apptainer" in help_text
    assert "No module named 'torch'" in inside(images / "base.sif", "python3", "-c", "import torch")


def test_an_image_is_built_again_only_when_its_dependencies_change(images: Path) -> None:
    again = subprocess.run(
        [str(ROOT / "containers" / "build.sh"), "--out", str(images), "base"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "base: up to date" in again.stdout
