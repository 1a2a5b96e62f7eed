"""The engine that belongs to a file of weights."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import cv2
import torch

from morphodose.errors import InputError
from morphodose.segmentation.common import Segmenter
from morphodose.segmentation.sam import SamEngine, holds_sam


def limit_threads(threads: int) -> None:
    """Give PyTorch and OpenCV this number of CPU threads; 0 leaves it to them.

    OpenCV starts one per core of the machine, which a task that has one core then waits for.
    """
    if threads:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)


def load_engine(weights: str | Path, device: torch.device, batch_size: int = 0) -> Segmenter:
    """Cellpose 3 or Cellpose-SAM, as the weights demand.

    Raises
    ------
    InputError
        If the weights are unreadable, or of the other Cellpose than the one of this environment: the two
        cannot be installed together.
    """
    installed = version("cellpose")
    if holds_sam(weights):
        if int(installed.partition(".")[0]) < 4:
            raise InputError(
                f"{weights}: weights of Cellpose-SAM (Cellpose 4), and this environment has Cellpose "
                f"{installed}. Under -profile apptainer, name both models cpsam, or give files whose names "
                "begin with cpsam: that chooses the image cellpose4. Elsewhere, see docs/usage.md, "
                "Segmentation"
            )
        return SamEngine(weights, device, batch_size)
    if int(installed.partition(".")[0]) >= 4:
        raise InputError(
            f"{weights}: no weights of Cellpose-SAM, and this environment has Cellpose {installed}, which "
            "loads no other. Name both models cpsam (--cell_model, --nuclear_model), or neither"
        )
    # Cellpose 4 lacks the network that this module is made of
    from morphodose.segmentation.engine import Engine

    return Engine(weights, device, batch_size)
