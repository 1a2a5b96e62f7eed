"""From flows to objects: what follows the network in Cellpose, compiled, with Cellpose's masks.

The steps and their constants are those of Cellpose 3 on a CPU (Stringer et al. 2021): pixels follow the flows
to where they end, pixels where many end are the seeds of objects, an object whose own flows differ from those
of the network is taken out, holes are filled. On a GPU Cellpose computes these steps in another way, so that
its masks depend on the machine; these do not. Two things make this faster: a pixel is followed only until it
stands still, and the diffusion that gives an object its own flows runs over rows of pixels without copies.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from morphodose.segmentation import flow_kernels as kernels
from morphodose.segmentation.common import MaskThresholds

Labels = npt.NDArray[np.int32]

#: What covers more than this part of the image is not an object.
LARGEST = 0.4
#: The network gives flows of this length in px per step.
FLOW_LENGTH = np.float32(5)
#: Steps at the scale of the network; as many more as the image is larger.
STEPS = 200


def masks_of(
    output: npt.NDArray[np.float32], scale: float, thresholds: MaskThresholds, threads: int = 1
) -> Labels:
    """Label mask of the network's output for one image.

    Parameters
    ----------
    output : (Y, X, 3) array of float32
        Flow along y, along x (five times a unit vector), and the logit of the probability that a pixel is
        one of an object.
    scale : float
        By which the image was enlarged for the network.
    thresholds : MaskThresholds
        What becomes an object.
    threads : int
        Threads that share the work; the mask is the same with any number.

    Returns
    -------
    (Y, X) array of int32
        Labels 1 … n, in the order of their first pixels.
    """
    inside = output[..., 2] > thresholds.cellprob_threshold
    if not inside.any():
        return np.zeros(inside.shape, np.int32)
    ends = follow_flows(output[..., :2], inside, int(1 / scale * STEPS), threads)
    labels = gather(ends, inside)
    if thresholds.flow_threshold > 0:
        labels = without_bad_flows(labels, output[..., :2], thresholds.flow_threshold, threads)
    return filled(labels, thresholds.min_size)


def follow_flows(
    flows: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_], steps: int, threads: int = 1
) -> npt.NDArray[np.int32]:
    """Where the pixels end that follow the flows.

    Parameters
    ----------
    flows : (Y, X, 2) array of float32
        As the network gives them.
    inside : (Y, X) array of bool
        Pixels to follow; the flow of the others is 0.
    steps : int
        How many.

    Returns
    -------
    (n, 2) array of int32
        Row and column in which each pixel ends, in raster order of the pixels.

    Notes
    -----
    Euler's method with bilinear interpolation (`cellpose.dynamics.steps_interp` on a CPU).
    """
    a_step = np.ascontiguousarray(flows * inside[..., None] / FLOW_LENGTH)
    ys, xs = np.nonzero(inside)
    ends = np.empty((len(ys), 2), np.int32)

    def part(begin: int, end: int) -> None:
        kernels.follow(a_step, ys[begin:end], xs[begin:end], steps, ends[begin:end])

    _share(part, len(ys), threads)
    return ends


def gather(ends: npt.NDArray[np.int32], inside: npt.NDArray[np.bool_]) -> Labels:
    """Label mask of pixels by where they end (`cellpose.dynamics.get_masks_torch`).

    Parameters
    ----------
    ends : (n, 2) array of int32
        As `follow_flows` gives them.
    inside : (Y, X) array of bool
        The pixels they belong to.
    """
    margin = kernels.MARGIN
    shape = (inside.shape[0] + 2 * margin, inside.shape[1] + 2 * margin)
    place = (ends[:, 0] + margin) * shape[1] + ends[:, 1] + margin
    crowd = np.bincount(place, minlength=shape[0] * shape[1]).astype(np.int32).reshape(shape)
    found = kernels.seeds(crowd)
    # the most crowded last, on top of the others; among equals the last in raster order
    order = np.argsort(crowd[found[:, 0], found[:, 1]], kind="stable")
    owner = np.zeros(shape, np.int32)
    kernels.spread(crowd, found[order], owner)
    labels = np.zeros(inside.shape, np.int32)
    labels[inside] = owner.ravel()[place]
    areas = np.bincount(labels.ravel(), minlength=len(found) + 1)
    kernels.renumber(labels, areas <= LARGEST * labels.size)
    return labels


def without_bad_flows(
    labels: Labels, flows: npt.NDArray[np.float32], threshold: float, threads: int = 1
) -> Labels:
    """A mask without the objects whose `flow_errors` are above the threshold; labels stay.

    Parameters
    ----------
    labels : (Y, X) array of int
        Label mask.
    flows : (Y, X, 2) array of float32
        As the network gives them.
    """
    errors = flow_errors(labels, flows, threads)
    return np.where(np.concatenate([[False], errors > threshold])[labels], 0, labels).astype(np.int32)


def flow_errors(labels: Labels, flows: npt.NDArray[np.float32], threads: int = 1) -> npt.NDArray[np.float64]:
    """Mean squared difference between the flows of each object and those of the network.

    Parameters
    ----------
    labels : (Y, X) array of int32
        Labels 1 … n.
    flows : (Y, X, 2) array of float32
        As the network gives them.

    Returns
    -------
    (n,) array of float64
        By label; 0 where a label is missing. Units of a unit vector: 2 is that of flows at right angles.

    Notes
    -----
    `cellpose.metrics.flow_error` on a CPU: an object's flows are the direction of the gradient of heat that
    has spread from its middle.
    """
    count = int(labels.max(initial=0))
    found, errors = kernels.boxes(labels, count), np.zeros(count)

    def part(begin: int, end: int) -> None:
        kernels.flow_errors(labels, found, flows, begin, end, errors)

    _share(part, count, threads)
    return errors


def filled(labels: Labels, min_size: int) -> Labels:
    """A mask without small objects, holes filled, labels 1 … n in the order of their first pixels.

    Parameters
    ----------
    labels : (Y, X) array of int32
    min_size : int
        Smallest object, in px².

    Notes
    -----
    `cellpose.utils.fill_holes_and_remove_small_masks`.
    """
    result = labels.copy()
    count = kernels.renumber(result, _kept(result, min_size))
    kernels.fill_holes(result, kernels.boxes(result, count))
    # an object that another encloses is part of it now, and what is left of it may be small
    kernels.renumber(result, _kept(result, min_size))
    return result


def _kept(labels: Labels, min_size: int) -> npt.NDArray[np.bool_]:
    """Whether Cellpose keeps each label.

    It takes the n-th of the labels that are there for label n. Behind a gap, which the check of flows leaves,
    a small object thus takes another one with it, and goes itself in the next round. It is rare, and is done
    here, too: masks are those of Cellpose.
    """
    areas = np.bincount(labels.ravel())
    kept = np.ones(len(areas), np.bool_)
    kept[1 + np.flatnonzero(areas[areas > 0][1:] < min_size)] = False
    return kept


def _share(part: Callable[[int, int], None], number: int, threads: int) -> None:
    """Do a part of `number` things in each of some threads."""
    edges = np.linspace(0, number, max(1, threads) + 1).astype(int).tolist()
    if threads <= 1:
        part(0, number)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, edges[:-1], edges[1:]))
