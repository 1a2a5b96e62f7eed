"""What the engines share: the objects they take and give, whichever Cellpose they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Kind = Literal["cells", "nuclei"]
#: Diameter of a cell over that of its nucleus, where only nuclei are known.
CELL_TO_NUCLEUS = 2.0
#: The model that this project ships.
SHIPPED = "morphodose"
#: How cells are found; `well.SegmentationSettings` says what each does.
Method = Literal["cellpose_completed", "cellpose", "propagate", "from_nuclei"]


@dataclass(frozen=True)
class MaskThresholds:
    """What of the network's output becomes an object; names and defaults are Cellpose's.

    Attributes
    ----------
    flow_threshold : float
        Largest error of the flows of an object; 0 keeps all.
    cellprob_threshold : float
        A pixel above this belongs to an object; lower finds more and larger ones.
    min_size : int
        Smallest object, in px².
    """

    flow_threshold: float = 0.4
    cellprob_threshold: float = 0.0
    min_size: int = 15


class Segmenter(Protocol):
    """A network that is loaded, and finds objects.

    Attributes
    ----------
    diam_mean : mapping of str to float
        Diameter in px of the objects the network was trained on, by kind of object.
    needs_diameter : bool
        Whether it has to be told how large objects are; else a diameter of 0 leaves the image as it is.
    """

    needs_diameter: bool

    @property
    def diam_mean(self) -> Mapping[Kind, float]:
        """See the attributes."""

    def segment(
        self,
        images: Sequence[npt.NDArray[np.float32]],
        diameter: float,
        kind: Kind = "cells",
        thresholds: MaskThresholds = MaskThresholds(),
    ) -> list[npt.NDArray[np.int32]]:
        """Label masks (Y, X) of images (Y, X, 2) as `pair` makes them; `diameter` in px."""


def pair(
    first: npt.NDArray[np.generic], second: npt.NDArray[np.generic] | None = None
) -> npt.NDArray[np.float32]:
    """Two channels as Cellpose takes them, (Y, X, 2); zeros where there is no second."""
    other = np.zeros(first.shape, np.float32) if second is None else second
    return np.stack([np.asarray(channel, np.float32) for channel in (first, other)], axis=-1)
