"""Cellpose 3: the network loaded once, then run on the fields of many wells."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from morphodose.segmentation.common import Kind, MaskThresholds, pair
from morphodose.segmentation.diameter import MOST_ENLARGED
from morphodose.segmentation.dynamics import masks_of
from morphodose.segmentation.network import load_network
from morphodose.segmentation.normalise import normalise
from morphodose.segmentation.tiles import run_tiles

#: Diameter to which Cellpose's built-in nuclear model rescales nuclei; its file does not say so.
NUCLEI_DIAMETER = 17.0

__all__ = ["Engine", "Kind", "MaskThresholds", "pair"]


#: What glibc's `mallopt` calls M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, and what they are set to, bytes.
KEPT = {-1: 256 << 20, -3: 16 << 20}
#: Blocks that the memory of the layers is made of, and their size in bytes; below the limits above.
BLOCKS, BLOCK = 24, 8 << 20
#: What Linux's `madvise` calls MADV_HUGEPAGE.
HUGE_PAGES = 14


def _keep_freed_memory() -> None:
    """Let this process keep the memory that a layer of the network frees for the next one, in huge pages.

    By default glibc gives it back at once, and Linux clears fresh pages for each layer: a tenth of the time.
    Whole images are larger than these limits and are given back. Pages of 2 MiB instead of 4 KiB save another
    twentieth, where Linux has them; memory that is not used is not taken. Values are the same.
    """
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "madvise")):  # of glibc and Linux alone
        return
    for parameter, value in KEPT.items():
        library.mallopt(parameter, value)
    library.malloc.argtypes, library.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    library.free.argtypes = [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    blocks = [library.malloc(BLOCK) for _ in range(BLOCKS)]
    for block in filter(None, blocks):
        begin = block // mmap.PAGESIZE * mmap.PAGESIZE
        library.madvise(begin, BLOCK + mmap.PAGESIZE, HUGE_PAGES)  # advice: a refusal changes nothing
    for block in blocks:
        library.free(block)


class Engine:
    """A Cellpose 3 network and how to run it.

    Parameters
    ----------
    weights : path
        A compact file of this project, or one of Cellpose 3; never a name, nothing is downloaded.
    device : torch.device
        Where the network runs.
    batch_size : int
        Tiles of 224 px that go through the network together; 0 is Cellpose's 8 on a GPU, and 1 on a CPU,
        whose caches hold no more (8 took 12 % longer).
    """

    needs_diameter = True

    def __init__(self, weights: str | Path, device: torch.device, batch_size: int = 0) -> None:
        if device.type == "cpu":
            _keep_freed_memory()  # before anything large: what is freed until then is used first
        network, meta = load_network(weights)
        own = float(str(meta.get("diam_mean", network.diam_mean.detach().item())))
        if Path(weights).name == "nucleitorch_0":  # Cellpose, too, goes by this name
            own = NUCLEI_DIAMETER
        self._own_diameter = own
        #: Diameter in px of the objects the network was trained on, by kind of object.
        self.diam_mean: dict[Kind, float] = {
            "cells": own,
            "nuclei": float(str(meta.get("nuclei_diam_mean", own))),
        }
        self.batch_size = batch_size or (8 if device.type == "cuda" else 1)
        self.meta = meta
        self._device = device
        # channels last: oneDNN and cuDNN convolve faster in this layout
        self.network = network.to(device, memory_format=torch.channels_last)

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
            Raw intensities of the channel to segment and, second, the nuclear channel or zeros (`pair`).
        diameter : float
            Diameter of the objects, in px, above 0. An image is enlarged `MOST_ENLARGED` times at most,
            however small they are: time and memory grow with the square, and more shows but grain.
        kind : str
            ``cells`` or ``nuclei``: the size that they are rescaled to for the network.
        thresholds : MaskThresholds
            What becomes an object.

        Raises
        ------
        ValueError
            If `diameter` is not above 0.
        """
        if not diameter > 0:
            raise ValueError(f"a diameter is above 0 px, got {diameter}")
        own = self.diam_mean[kind]
        given = max(diameter, own / MOST_ENLARGED) * self._own_diameter / own
        scale = self._own_diameter / given
        shown = [normalise(image, diameter) for image in images]
        threads = torch.get_num_threads()
        return [
            masks_of(output, scale, thresholds, threads)
            for output in run_tiles(self._forward, shown, scale, self.batch_size)
        ]

    def _forward(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The network's output (n, Y, X, 3) for tiles (n, 2, Y, X)."""
        with torch.inference_mode():
            output = self.network(torch.from_numpy(tiles).to(self._device))[0]
            return output.permute(0, 2, 3, 1).contiguous().cpu().numpy()
