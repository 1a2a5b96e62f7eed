"""Cellpose 3: the network loaded once, then run on the fields of many wells."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from cellpose.models import CellposeModel

from morphodose.segmentation.common import Kind, Thresholds, pair
from morphodose.segmentation.diameter import MOST_ENLARGED
from morphodose.segmentation.network import load_network
from morphodose.segmentation.normalise import normalise

#: Diameter to which Cellpose's built-in nuclear model rescales nuclei; its file does not say so.
NUCLEI_DIAMETER = 17.0

#: Pixels in one call: fields of a well are run together up to this, which bounds the memory.
PIXELS_AT_ONCE = 16_000_000

__all__ = ["Engine", "Kind", "Thresholds", "pair", "stacks"]

# Cellpose warns for each stack that it segments plane by plane, which is what is meant here
logging.getLogger("cellpose.models").setLevel(logging.ERROR)
logging.getLogger("cellpose.dynamics").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message="Sparse invariant checks")


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
        self.model = CellposeModel(pretrained_model=False, device=device, diam_mean=own)
        # channels last: oneDNN and cuDNN convolve faster in this layout
        self.model.net = network.to(device, memory_format=torch.channels_last)
        self.model.diam_mean = self.model.diam_labels = own

    def segment(
        self,
        images: Sequence[npt.NDArray[np.float32]],
        diameter: float,
        kind: Kind = "cells",
        thresholds: Thresholds = Thresholds(),
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
        thresholds : Thresholds
            What becomes an object.
        """
        if not diameter > 0:
            raise ValueError(f"a diameter is above 0 px, got {diameter}")
        # Cellpose rescales by its own diameter / the given one
        own = self.diam_mean[kind]
        given = max(diameter, own / MOST_ENLARGED) * self._own_diameter / own
        masks: list[npt.NDArray[np.int32]] = []
        for stack in stacks([normalise(image, diameter) for image in images]):
            found = self.model.eval(
                stack[0] if len(stack) == 1 else stack,
                channel_axis=-1,
                z_axis=None if len(stack) == 1 else 0,
                normalize=False,
                diameter=given,
                batch_size=self.batch_size,
                flow_threshold=thresholds.flow_threshold,
                cellprob_threshold=thresholds.cellprob_threshold,
                min_size=thresholds.min_size,
            )[0]
            masks += [np.asarray(mask, np.int32) for mask in np.reshape(found, stack.shape[:-1])]
        return masks


def stacks(images: Sequence[npt.NDArray[np.float32]]) -> list[npt.NDArray[np.float32]]:
    """Neighbouring images of one shape as (n, Y, X, 2) stacks of bounded size, in order."""
    groups: list[list[npt.NDArray[np.float32]]] = []
    for image in images:
        last = groups[-1] if groups else []
        if last and last[0].shape == image.shape and (len(last) + 1) * image[..., 0].size <= PIXELS_AT_ONCE:
            last.append(image)
        else:
            groups.append([image])
    return [np.stack(group) for group in groups]
