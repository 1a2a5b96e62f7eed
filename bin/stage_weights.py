#!/usr/bin/env python3
"""Stage the weights of a segmentation model: find or download them once, check their SHA-256."""

from __future__ import annotations

from pathlib import Path

import click

from morphodose.cli import command
from morphodose.options.flags import takes
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.weights import REGISTRY, stage, write_about
from morphodose.steps.stage_weights import CELLS


@command
@takes(CELLS.options)
@click.option(
    "--model",
    default=SHIPPED,
    help=f"Name ({', '.join(REGISTRY)}) or a file: of this project's training, of Cellpose 3, or of "
    "Cellpose-SAM (cpsam…), which is never downloaded and was trained in part on non-commercial data.",
)
@click.option("--sha256", default=None, help="SHA-256 that the file must have.")
@click.option(
    "--shipped_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the model that the project ships, where it is not beside bin/.",
)
@click.option(
    "--out", default=Path("weights"), type=click.Path(file_okay=False, path_type=Path), help="Output folder."
)
def main(model: str, sha256: str | None, shipped_dir: Path | None, out: Path) -> None:
    """Write the file into <out>/, and what is known of it into weights.json beside that folder."""
    about = stage(model, out, sha256, shipped_dir) if shipped_dir else stage(model, out, sha256)
    write_about(about, out.parent / f"{out.name}.json")
    state = (
        "as expected" if about["checked"] else "not checked: no hash is known for it, give one with --sha256"
    )
    click.echo(f"{out / str(about['file'])}: {about['bytes']} bytes, SHA-256 {about['sha256']} ({state})")


if __name__ == "__main__":
    main()
