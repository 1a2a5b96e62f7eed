#!/usr/bin/env python3
"""Whether masks of real images are those of Cellpose, pixel by pixel: the engine beside `CellposeModel.eval`.

Both have the same weights and the same images, brought to the brightness that the network expects; Cellpose
runs them in its own layers, tiles and dynamics, on one thread of a CPU. An error ends it if a pixel differs.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from unittest import mock

import click
import numpy as np
import tifffile
import torch
from cellpose.models import CellposeModel
from cellpose.resnet_torch import CPnet

from morphodose.segmentation.common import SHIPPED, Kind
from morphodose.segmentation.engine import Engine, pair
from morphodose.segmentation.network import Network
from morphodose.segmentation.normalise import normalise
from morphodose.segmentation.weights import REGISTRY, SHIPPED_FOLDER

#: Set → pattern of its files below the folder that holds `data` and `cases`, diameter in px, kind of object.
SETS: dict[str, tuple[str, float, Kind]] = {
    "colon cells": ("cases/images/human_actin/*.tif", 22.0, "cells"),
    "HeLa": ("data/cells/hela_*/*_[ca][ec]*.tif", 47.0, "cells"),
    "WGA": ("data/cells/wga_*/*_[cl][ec]*.tif", 100.0, "cells"),
    "zebrafish": ("data/cells/membrane_*/*_cell.tif", 40.0, "cells"),
    "mouse fibroblasts": ("data/cells/mef_*/*_cell.tif", 120.0, "cells"),
    "phase contrast": ("data/cells/phase_*/*_cell.tif", 40.0, "cells"),
    "brightfield": ("data/brightfield/*.tiff", 60.0, "cells"),
    "nuclei of BBBC038": ("data/nuclei/images/*.tif", 20.0, "nuclei"),
    "BBBC013": ("data/bbbc013/Channel*.tif", 17.0, "nuclei"),
}


@click.command(context_settings={"show_default": True})
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--every", default=1, type=click.IntRange(1), help="Take every n-th image of a set.")
@click.option("--first", default=0, type=click.IntRange(0), help="Begin with image number (from 0).")
def main(folder: Path, every: int, first: int) -> None:
    """Compare the masks of the real images below FOLDER, which holds `data` and `cases`."""
    torch.set_num_threads(1)
    device = torch.device("cpu")
    engine = Engine(SHIPPED_FOLDER / REGISTRY[SHIPPED].file, device)
    own = engine.diam_mean["cells"]
    peer = CellposeModel(pretrained_model=False, device=device, diam_mean=own)
    peer.net = engine.network
    click.echo("| set | images | objects | images that differ | pixels that differ | CPU s |")
    click.echo("|---|--:|--:|--:|--:|--:|")
    compared = wrong = 0
    for name, (pattern, diameter, kind) in SETS.items():
        begin = time.process_time()
        images = objects = differing = pixels = 0
        for path in sorted(folder.glob(pattern))[first::every]:
            image = pair(tifffile.imread(path))
            mask = engine.segment([image], diameter, kind)[0]
            given = diameter * own / engine.diam_mean[kind]
            shown = normalise(image, diameter)
            with mock.patch.object(Network, "infer", CPnet.forward):
                theirs = peer.eval(shown, channel_axis=-1, normalize=False, diameter=given, batch_size=1)[0]
            images += 1
            objects += int(mask.max())
            apart = int(np.count_nonzero(mask != theirs))
            differing += apart > 0
            pixels += apart
        spent = time.process_time() - begin
        click.echo(f"| {name} | {images} | {objects} | {differing} | {pixels} | {spent:.0f} |")
        compared += images
        wrong += differing
    if not compared or wrong:
        sys.exit(f"{wrong} of {compared} images differ")


if __name__ == "__main__":
    main()
