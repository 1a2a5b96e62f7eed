"""Sums, batch normalisation and rectifier of a layer of the network in one pass over its pixels, on a CPU.

PyTorch takes a pass and new memory for each of them: a tenth of the network's time. The values are the same
to the bit where the processor multiplies and adds in one step (any with AVX2), as PyTorch does there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from numba import njit

from morphodose import compiled  # noqa: F401  (decides where kernels are kept)

Numbers = npt.NDArray[np.float32]


class Normalised:
    """A batch normalisation of learnt statistics, followed by a rectifier or not.

    Parameters
    ----------
    layer : torch.nn.BatchNorm2d
        On the CPU, in evaluation mode.
    rectified : bool
        Whether what is below 0 becomes 0.
    """

    def __init__(self, layer: torch.nn.BatchNorm2d, rectified: bool) -> None:
        # factor and shift as PyTorch rounds them: what it makes of 1 without a mean, and of 0
        none, one = torch.zeros(layer.num_features), torch.ones(1, layer.num_features, 1, 1)
        mean, variance, weight, bias = layer.running_mean, layer.running_var, layer.weight, layer.bias

        def made(value: torch.Tensor, mean: torch.Tensor | None, bias: torch.Tensor) -> Numbers:
            found = torch.nn.functional.batch_norm(value, mean, variance, weight, bias, eps=layer.eps)
            return np.array(found.detach().flatten().numpy())

        self._factor, self._shift = made(one, none, none), made(0 * one, mean, bias)
        self._floor = np.float32(0 if rectified else -np.inf)

    def __call__(self, seen: torch.Tensor, over: bool) -> torch.Tensor:
        """Values (N, C, Y, X), channels last, of `seen`; in its place if `over`."""
        out = seen if over else torch.empty_like(seen)
        _normalise(_pixels(seen), self._factor, self._shift, self._floor, _pixels(out))
        return out

    def of_sum(
        self, seen: torch.Tensor, style: torch.Tensor, level: torch.Tensor | None, over: bool
    ) -> torch.Tensor:
        """Values of `seen` + `level` + `style`, in that order; `style` is (N, C, 1, 1)."""
        out = seen if over else torch.empty_like(seen)
        _normalise_sum(
            _pixels(seen),
            _pixels(seen if level is None else level),
            level is not None,
            style.reshape(len(style), -1).numpy(),
            self._factor,
            self._shift,
            self._floor,
            _pixels(out),
        )
        return out


def _pixels(tensor: torch.Tensor) -> Numbers:
    """The memory of an (N, C, Y, X) tensor, channels last, as (N, Y * X, C)."""
    count, channels, height, width = tensor.shape
    found: Numbers = tensor.permute(0, 2, 3, 1).numpy()
    if not found.flags.c_contiguous:
        raise ValueError(f"channels are not last in memory: strides {tensor.stride()}")
    return found.reshape(count, height * width, channels)


# contract: a product and a sum in one step, as in PyTorch
@njit(cache=True, nogil=True, fastmath={"contract"})
def _normalise(seen, factor, shift, floor, out):  # type: ignore[no-untyped-def]
    """Each value times its channel's factor plus its shift, at least `floor`."""
    for image in range(seen.shape[0]):
        for pixel in range(seen.shape[1]):
            for channel in range(seen.shape[2]):
                value = seen[image, pixel, channel] * factor[channel] + shift[channel]
                out[image, pixel, channel] = max(value, floor)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _normalise_sum(seen, level, add_level, style, factor, shift, floor, out):  # type: ignore[no-untyped-def]
    """The same of sums."""
    for image in range(seen.shape[0]):
        for pixel in range(seen.shape[1]):
            for channel in range(seen.shape[2]):
                total = seen[image, pixel, channel]
                if add_level:
                    total += level[image, pixel, channel]
                total += style[image, channel]
                out[image, pixel, channel] = max(total * factor[channel] + shift[channel], floor)
