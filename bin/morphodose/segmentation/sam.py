"""Cellpose-SAM (Cellpose 4): the second engine, in an environment of its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from morphodose.errors import InputError
from morphodose.segmentation.common import Kind, MaskThresholds
from morphodose.segmentation.normalise import normalise

#: Diameter in px to which Cellpose 4 rescales objects whose diameter is given.
DIAMETER = 30.0

logging.getLogger("cellpose.models").setLevel(logging.ERROR)
logging.getLogger("cellpose.vit").setLevel(logging.ERROR)


class SamEngine:
    """A Cellpose-SAM network and how to run it.

    Parameters
    ----------
    weights : path
        A file of weights, which must exist: Cellpose would download another model in its place.
    device : torch.device
        Where the network runs; in bfloat16 on a GPU that has it, else in float32.
    batch_size : int
        Tiles of 256 px that go through the network together; 0 is Cellpose's 8 on a GPU, and 1 on a CPU.

    Notes
    -----
    Pachitariu, Rariden & Stringer, "Cellpose-SAM: superhuman generalization for cellular segmentation"
    (2025). It takes objects of 7.5 to 120 px as they are, and channels in any order; brightness is
    normalised as for Cellpose 3 (`normalise`).
    """

    needs_diameter = False

    def __init__(self, weights: str | Path, device: torch.device, batch_size: int = 0) -> None:
        if not Path(weights).is_file():
            raise InputError(f"{weights}: there is no such file")
        # Cellpose 3 has a module of this name, too, which compiles for 5 s when it is imported
        from cellpose.models import CellposeModel

        self.diam_mean: Mapping[Kind, float] = {"cells": DIAMETER, "nuclei": DIAMETER}
        self.batch_size = batch_size or (8 if device.type == "cuda" else 1)
        try:
            self.model = CellposeModel(
                pretrained_model=str(weights), device=device, use_bfloat16=has_bfloat16(device)
            )
        except (RuntimeError, ValueError, KeyError) as fault:
            raise InputError(f"{weights}: the weights do not fit Cellpose-SAM ({fault})") from fault

    def segment(
        self,
        images: Sequence[npt.NDArray[np.float32]],
        diameter: float,
        kind: Kind = "cells",
        thresholds: MaskThresholds = MaskThresholds(),
    ) -> list[npt.NDArray[np.int32]]:
        """Label masks of the fields of a well.

        Parameters
        ----------
        images : sequence of (Y, X, 2) arrays
            Raw intensities of the channel to segment and, second, the nuclear channel or zeros.
        diameter : float
            Diameter of the objects, in px; 0 leaves the image at its size.
        kind : str
            Not used: the network has one idea of an object.
        thresholds : MaskThresholds
            What becomes an object.
        """
        masks = []
        for image in images:
            found = self.model.eval(
                normalise(image, diameter or DIAMETER),
                channel_axis=-1,
                normalize=False,
                diameter=diameter or None,
                batch_size=self.batch_size,
                flow_threshold=thresholds.flow_threshold,
                cellprob_threshold=thresholds.cellprob_threshold,
                min_size=thresholds.min_size,
            )[0]
            masks.append(np.asarray(found, np.int32).reshape(image.shape[:2]))
        return masks


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16: GPUs since Ampere do; older ones emulate it, much slower."""
    if device.type != "cuda":
        return False
    with torch.cuda.device(device):
        return torch.cuda.is_bf16_supported(including_emulation=False)


def holds_sam(path: str | Path) -> bool:
    """Whether a file holds weights of Cellpose 4, told by a layer that Cellpose 3 does not have.

    The tensors are mapped, not read: the file is larger than a gigabyte.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    # torch raises many kinds of error for what is not a file of weights. Nothing is hidden: the loader of
    # Cellpose 3 then reads the file and names the fault
    except Exception:
        return False
    return isinstance(state, dict) and any(name.removeprefix("module.") == "W2" for name in state)
