"""Training of a Cellpose network: samples, tiles, the loop. The shipped model's recipe and a user's share it.

`cellpose.train.train_seg` is not used: it wants all images in memory at once, knows one mean diameter,
and augments by rotation and size only. Here objects of several sizes are mixed, light is varied cell by
cell, the weights are averaged, and an interrupted run goes on. Flows, loss and geometry are Cellpose's
own (`dynamics`, `train`, `transforms`; Stringer et al., Nature Methods 18:100, 2021).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from cellpose import dynamics, transforms
from cellpose.train import _loss_fn_seg
from skimage.segmentation import expand_labels

from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.segmentation.from_nuclei import equivalent_diameters
from morphodose.segmentation.network import Network
from morphodose.segmentation.normalise import LEAST_RANGE, normalise

#: Edge of a tile, in px; the one Cellpose runs its networks on.
TILE = 224

#: Diameter in px of an ordinary object at the network's input, as Cellpose's networks learn cells.
NORMAL_DIAMETER = 30.0

#: Steps between two checkpoints.
CHECKPOINT_EVERY = 100

Report = Callable[[str], object]


@dataclass(frozen=True)
class Sample:
    """One training image with its objects.

    Attributes
    ----------
    image : (2, Y, X) array of float16
        Normalised channels as the network takes them. float16, since hundreds are in memory.
    labels : (Y, X) array of int32
        Objects; 0 is background.
    flows : (2, Y, X) array of float16
        Cellpose's flows of the objects, down and right.
    rescale : float
        Pixels of the image per pixel of the network's input.
    relight : bool
        Whether brightness may vary from object to object: true of stains, whose background is dark; not
        of transmitted light.
    faint, grainy : float
        How often its tiles are shown faint and noisy, or as grains with dark between them
        (`faint_light`, `grains_of_light`).
    """

    image: npt.NDArray[np.float16]
    labels: npt.NDArray[np.int32]
    flows: npt.NDArray[np.float16]
    rescale: float
    relight: bool = True
    faint: float = 0.0
    grainy: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network learns.

    Attributes
    ----------
    steps : int
        Batches.
    rate : float
        Highest learning rate of AdamW.
    seed : int
        Batch, tiles and their augmentation follow from it and from the number of the step.
    warm_up : int
        Steps over which the rate rises to its highest.
    """

    steps: int
    rate: float
    seed: int
    warm_up: int = 50

    def learning_rate(self, step: int) -> float:
        """Linear rise, then a cosine down to 2 % of the highest rate."""
        fall = 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * min(step / self.steps, 1.0)))
        return self.rate * min(1.0, (step + 1) / self.warm_up) * float(fall)


def median_diameter(labels: npt.NDArray[np.integer]) -> float:
    """Median equivalent diameter of the objects of a mask, in px.

    Parameters
    ----------
    labels : (Y, X) array of int
        Label mask.

    Raises
    ------
    InputError
        If the mask has no object.
    """
    found = equivalent_diameters(labels)
    if not len(found):
        raise InputError("the mask has no object, so that its scale is not known; leave the image out")
    return float(np.median(found))


def make_sample(
    image: npt.NDArray[np.generic],
    labels: npt.NDArray[np.integer],
    rescale: float,
    relight: bool = True,
    network_diameter: float = NORMAL_DIAMETER,
) -> Sample:
    """Normalise an image as the pipeline does before the network, and compute the flows of its objects.

    Parameters
    ----------
    image : (Y, X, 2) array
        Raw intensities, as `morphodose.segmentation.common.pair` makes them.
    labels : (Y, X) array of int
        Label mask.
    rescale : float
        Pixels of the image per pixel of the network's input: diameter of the objects over the diameter
        that the network is trained on.
    relight : bool
        See `Sample`.
    network_diameter : float
        What the network has the objects rescaled to, in px: 30 for cells, 17 for nuclei.

    Raises
    ------
    InputError
        If image and mask differ in size, or `rescale` is not above 0.

    Notes
    -----
    An image whose objects are much larger than the network's is reduced first: the flows of an object of
    500 px would take minutes, to be reduced tile by tile afterwards.
    """
    if image.shape[:2] != labels.shape:
        raise InputError(f"image and mask differ in size: {image.shape[:2]} and {labels.shape}")
    if not rescale > 0:
        raise InputError(f"an image is rescaled by a factor above 0, got {rescale}")
    normalised = normalise(image, rescale * network_diameter)
    mask = labels.astype(np.int32)
    if rescale > 1.5:
        factor = rescale / 1.2
        size = (max(1, round(mask.shape[1] / factor)), max(1, round(mask.shape[0] / factor)))
        normalised = np.asarray(cv2.resize(normalised, size, interpolation=cv2.INTER_LINEAR), np.float32)
        mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.int32)
        rescale = 1.2
    planes = np.moveaxis(normalised, -1, 0).astype(np.float16)
    return Sample(planes, mask, flows_of(mask), rescale, relight)


def flows_of(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.float16]:
    """Cellpose's flows of a label mask (2, Y, X), 0 outside of objects."""
    if labels.max() == 0:
        return np.zeros((2, *labels.shape), np.float16)
    flows = dynamics.labels_to_flows([labels], device=torch.device("cpu"))[0]
    return np.asarray(flows[2:4], np.float16)


def tile_of(
    sample: Sample, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """A rotated, resized, re-lit tile of a sample.

    Returns
    -------
    image : (2, TILE, TILE) array
    target : (3, TILE, TILE) array
        1 inside objects, and the two flows.
    """
    np.random.seed(int(rng.integers(2**31)))  # Cellpose's geometry draws from NumPy's global generator
    # the first channel of the target is interpolated as labels are
    target = np.concatenate([sample.labels[None].astype(np.float32), sample.flows.astype(np.float32)])
    images, targets, _ = transforms.random_rotate_and_resize(
        [sample.image.astype(np.float32)],
        Y=[target],
        rescale=[sample.rescale],
        scale_range=0.7,
        xy=(TILE, TILE),
    )
    image, target = images[0], targets[0]
    labels = target[0].astype(np.int32)
    target[0] = labels > 0
    if sample.grainy and rng.random() < sample.grainy:
        image[0] = grains_of_light(image[0], rng)
    for channel in image:
        if channel.any():
            if sample.relight and rng.random() < 0.4:
                channel *= uneven_light(labels, rng)
            _photograph(channel, rng, sample.relight)
    if sample.faint and rng.random() < sample.faint:
        image[0] = faint_light(image[0], labels, rng)
    # where a screen has no nuclear stain, the cytoplasm is segmented alone
    if image[1].any() and rng.random() < 0.15:
        image[1] = 0
    return image, target


def uneven_light(labels: npt.NDArray[np.int32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A factor for each object and its halo, over up to one and a half orders of magnitude.

    Cells of one field express and take up a stain very differently; photographs whose masks could be
    drawn show too few of the dim ones.

    Parameters
    ----------
    labels : (Y, X) array of int32
        Label mask.
    """
    darkest = np.log(rng.uniform(0.03, 0.5))
    share = rng.uniform(0.2, 0.8)
    n = int(labels.max()) + 1
    gains = np.exp(rng.uniform(darkest, 0, n) * (rng.random(n) < share)).astype(np.float32)
    gains[0] = 1
    factor = gains[expand_labels(labels, 5)]
    return np.asarray(cv2.GaussianBlur(factor, (0, 0), 1.0), np.float32)


def faint_light(
    channel: npt.NDArray[np.float32], labels: npt.NDArray[np.int32], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """A normalised channel as if its brightness had been set by noise or by a few bright objects.

    Most objects have 0.08 to 0.5 of their light left, a few keep it, and the noise is up to what
    `morphodose.segmentation.normalise` lets through when a stain is hardly above it.

    Parameters
    ----------
    channel : (Y, X) array
        Normalised: 1 is the middle of the objects, x above 1 stands for e^(x - 1).
    labels : (Y, X) array of int32
        Label mask.
    """
    n = int(labels.max()) + 1
    left = np.exp(rng.uniform(np.log(0.08), np.log(0.5)) + rng.normal(0, rng.uniform(0, 0.5), n))
    left[rng.random(n) < rng.uniform(0, 0.15)] = 1
    left[0] = np.median(left)
    factor = cv2.GaussianBlur(left.astype(np.float32)[expand_labels(labels, 5)], (0, 0), 1.0)
    noise = rng.normal(0, rng.uniform(0.01, 1 / LEAST_RANGE), channel.shape).astype(np.float32)
    if rng.random() < 0.5:  # as an enlarged or smoothed image has it
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.4, 0.8)), np.float32)
    light = np.where(channel > 1, np.exp(np.minimum(channel, 6) - 1), channel) * factor + noise
    return np.where(light > 1, 1 + np.log(np.maximum(light, 1)), light).astype(np.float32)


def grains_of_light(channel: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A normalised channel whose light comes from grains, of one size and density, with little between.

    Parameters
    ----------
    channel : (Y, X) array
        Normalised.
    """
    points = (rng.random(channel.shape) < rng.uniform(0.01, 0.08)) * rng.lognormal(-0.3, 0.6, channel.shape)
    sigma = rng.uniform(0.6, 1.3)
    spots = cv2.GaussianBlur(points.astype(np.float32), (0, 0), sigma) * np.float32(2 * np.pi * sigma**2)
    return channel * (np.float32(rng.uniform(0.03, 0.3)) + np.minimum(spots, 2))


def _photograph(channel: npt.NDArray[np.float32], rng: np.random.Generator, stain: bool) -> None:
    """Vary, in place, focus, gamma, shading, haze, noise and gain of one channel of a tile."""
    if rng.random() < 0.3:
        cv2.GaussianBlur(channel, (0, 0), rng.uniform(0.4, 1.6), dst=channel)
    if stain and rng.random() < 0.4:
        low = channel.min()
        channel[:] = np.maximum(channel - low, 0) ** np.exp(rng.uniform(-0.5, 0.5)) + low
    if rng.random() < 0.3:
        axis = np.linspace(-1, 1, TILE, dtype=np.float32)
        slope, bend = rng.uniform(-0.3, 0.3, 2).astype(np.float32)
        across, along = axis[:, None], axis[None, :]
        channel *= (
            1 + slope * across + bend * along - np.float32(rng.uniform(0, 0.3)) * (across**2 + along**2)
        )
    if stain and rng.random() < 0.25:
        halo = cv2.GaussianBlur(channel, (0, 0), rng.uniform(8, 20))
        channel += np.float32(rng.uniform(0.1, 0.8)) * (halo - halo.min())
    if rng.random() < 0.3:
        channel += rng.normal(0, rng.uniform(0.01, 0.08), channel.shape).astype(np.float32)
    if rng.random() < 0.5:
        channel *= np.float32(np.exp(rng.uniform(-0.3, 0.3)))
        channel += np.float32(rng.uniform(-0.05, 0.05))


def train_network(
    network: Network,
    draw: Callable[[np.random.Generator], Sequence[Sample]],
    schedule: Schedule,
    checkpoint: Path | None = None,
    interim: Callable[[Mapping[str, torch.Tensor], int], object] | None = None,
    report: Report = print,
) -> dict[str, torch.Tensor]:
    """Train a network on the CPU, in bfloat16.

    Parameters
    ----------
    network : Network
        Its weights are where training starts from; they are changed in place.
    draw : callable
        Chooses the samples of one batch.
    schedule : Schedule
    checkpoint : path, optional
        Written every `CHECKPOINT_EVERY` steps; a run of the same schedule that finds it goes on there.
    interim : callable, optional
        Gets the averaged weights and the number of steps after each checkpoint.
    report : callable
        Gets a line about the loss every 20 steps.

    Returns
    -------
    dict of str to tensor
        Exponential moving average of the weights, over about the last 200 steps (fewer at the start).

    Raises
    ------
    InputError
        If the checkpoint is of another schedule.
    """
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        [p for p in network.parameters() if p.requires_grad], lr=schedule.rate, weight_decay=1e-4
    )
    mean = {name: value.clone() for name, value in network.state_dict().items()}
    first = 0
    if checkpoint is not None and checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        if saved["schedule"] != asdict(schedule):
            raise InputError(
                f"{checkpoint}: of another run ({saved['schedule']}, this one: {asdict(schedule)}); remove it"
            )
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        mean, first = saved["mean"], saved["step"]
    network.train()
    begin, losses = time.monotonic(), []
    for step in range(first, schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate(step)
        rng = np.random.default_rng([schedule.seed, 2, step])  # a resumed run draws what the first would have
        tiles = [tile_of(sample, rng) for sample in draw(rng)]
        images = torch.from_numpy(np.stack([image for image, _ in tiles]))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = network(images.contiguous(memory_format=torch.channels_last))[0]
        loss = _loss_fn_seg(np.stack([target for _, target in tiles]), output.float(), torch.device("cpu"))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        _average_into(mean, network, step)
        losses.append(float(loss.detach()))
        done = step + 1
        if done % 20 == 0 or done == schedule.steps:
            pace = (time.monotonic() - begin) / (done - first)
            report(f"step {done} of {schedule.steps}: loss {np.mean(losses):.4f}, {pace:.2f} s per step")
            losses.clear()
        if done % CHECKPOINT_EVERY == 0 or done == schedule.steps:
            if checkpoint is not None:
                state = {
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "mean": mean,
                    "step": done,
                    "schedule": asdict(schedule),
                }
                with replacing(checkpoint) as temporary:
                    torch.save(state, temporary)
            if interim is not None:
                interim(mean, done)
    return mean


def _average_into(mean: dict[str, torch.Tensor], network: Network, step: int) -> None:
    """Bring the moving average of the weights up to date, in place."""
    keep = min(0.995, (1 + step) / (10 + step))
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point and not name.startswith("diam_"):
            mean[name].mul_(keep).add_(value, alpha=1 - keep)
        else:
            mean[name].copy_(value)
