"""How sharp a plane is, and where along z a stack is sharpest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

#: How a reason of the quality control tells defocus.
OUT_OF_FOCUS = "out of focus"
#: Gaussian scale (px) of the Laplacian: fine enough for the detail that defocus takes first, coarse
#: enough that the shot noise of single pixels does not decide.
SCALE_PX = 1.5
#: A curve whose peak is less than this share above its median says nothing about focus (an unstained
#: channel, an empty field): no warning is drawn from it.
MIN_PROMINENCE = 0.25


def focus_figure(plane: npt.NDArray[np.generic], scale_px: float = SCALE_PX) -> float:
    """Figure of merit of focus: energy of the Laplacian, normalised by the squared mean.

    Parameters
    ----------
    plane : (Y, X) array
        One raw plane.
    scale_px : float
        Standard deviation of the Gaussian that the Laplacian is taken of.

    Returns
    -------
    float
        Variance of the Laplacian of Gaussian over the squared mean intensity; higher is sharper; 0 for a
        plane without signal. Dimensionless, so a lamp that fades along z does not move the peak.

    Notes
    -----
    Subbarao, Choi and Nikzad 1993 (energy of Laplacian); Pertuz, Puig and Garcia, Pattern Recognition 46
    (2013) rank the Laplacian family first over 36 operators. Plain (normalised) variance serves stained
    cells, but not brightfield: unstained cells are phase objects, whose coarse contrast is lowest in focus
    and grows on both sides of it, while the partially coherent condenser washes the fine detail out. So
    the figure looks at fine detail alone.
    """
    import scipy.ndimage as ndi

    pixels = np.asarray(plane, dtype=np.float32)
    mean = float(pixels.mean(dtype=np.float64))
    if mean <= 0:
        return 0.0
    return float(ndi.gaussian_laplace(pixels, scale_px).var(dtype=np.float64)) / mean**2


def sharpest(figures: Sequence[float]) -> int:
    """Position of the sharpest plane in a focus curve; the first of equals."""
    return int(np.argmax(np.asarray(figures)))


def peak_at_edge(figures: Sequence[float]) -> bool:
    """Whether the focus curve still rises at the end of the stack, so that true focus may lie outside.

    False for stacks of fewer than three planes, which have no inside, and for flat curves.
    """
    curve = np.asarray(figures, dtype=float)
    if len(curve) < 3:
        return False
    peak = int(np.argmax(curve))
    prominent = curve[peak] > (1 + MIN_PROMINENCE) * float(np.median(curve))
    return bool(prominent) and peak in (0, len(curve) - 1)
