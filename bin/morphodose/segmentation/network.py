"""The Cellpose network: its size read from the weights, compact files, loading without pickle.

A compact file is a NumPy ``.npz`` (a zip of arrays, read with ``allow_pickle=False``): one array per
parameter under its PyTorch name, convolution and linear weights as float16, all that is
one-dimensional (biases, batch normalisation) as float32, and ``__meta__``, a JSON text in UTF-8 bytes.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import torch
from cellpose.resnet_torch import CPnet

from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.segmentation.fused import Normalised

#: Cellpose's tile runner (core.run_net) has room for a style vector of this length, whatever the network.
STYLE_LENGTH = 256

META = "__meta__"


class Network(CPnet):  # type: ignore[misc] # Cellpose has no types
    """Cellpose's residual U-Net (Stringer 2021) with any number of channels per level.

    The style vector that it returns is padded with zeros to the length Cellpose's tile runner expects;
    nothing else differs, so that standard weights give standard results.
    """

    def forward(self, data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """Flows and cell probability (N, 3, Y, X), style (N, 256), the levels of the encoder."""
        learning = self.training or torch.is_grad_enabled()
        output, style, levels = super().forward(data) if learning else self.infer(data)
        missing = STYLE_LENGTH - style.shape[1]
        return output, torch.nn.functional.pad(style, (0, missing)) if missing > 0 else style, levels

    def infer(self, data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """What Cellpose's `forward` returns, in less of its time on a CPU; to the bit where tried.

        What is done to each pixel alone is done before an image is enlarged, on a quarter of the pixels, and
        sums are added to what is not needed any more. On one thread of a CPU, sums and normalisations are
        taken together (`morphodose.segmentation.fused`).
        """
        alone = data.device.type == "cpu" and data.dtype == torch.float32 and torch.get_num_threads() == 1
        steps = self._fused_steps if alone else _Steps()
        levels: list[torch.Tensor] = []
        seen = data.contiguous(memory_format=torch.channels_last)
        for number, block in enumerate(self.downsample.down):
            seen = self.downsample.maxpool(levels[-1]) if number else seen
            inner = steps.convolved(block.conv[0], seen)
            inner = steps.convolved(block.conv[1], inner, over=True)
            seen = steps.convolved(block.proj, seen).add_(inner)
            inner = steps.convolved(block.conv[2], seen)
            levels.append(steps.convolved(block.conv[3], inner, over=True).add_(seen))
        style = self.make_style(levels[-1])
        seen = levels[-1]
        for number, block in reversed(list(enumerate(self.upsample.up))):
            last = number == len(levels) - 1
            enlarge = torch.nn.Identity() if last else self.upsample.upsampling
            seen = _decoded(steps, block, seen, levels[number], style, enlarge)
        return steps.convolved(self.output, seen), style, levels

    @cached_property
    def _fused_steps(self) -> _Steps:
        """Made of the weights at the first image, and again after these have changed."""
        return _FusedSteps()

    def train(self, mode: bool = True) -> Self:
        """As any module's, `eval` included; weights may change from here on."""
        self.__dict__.pop("_fused_steps", None)
        result: Self = super().train(mode)
        return result

    def load_state_dict(self, *given: Any, **named: Any) -> Any:
        """As any module's."""
        self.__dict__.pop("_fused_steps", None)
        return super().load_state_dict(*given, **named)


class _Steps:
    """Steps of a layer as PyTorch does them, one after the other."""

    def normalised(self, layers: torch.nn.Sequential, seen: torch.Tensor, over: bool) -> torch.Tensor:
        """Batch normalisation and, where the layers have one, a rectifier; over `seen` if it may be."""
        norm, *rectify, _ = layers
        found: torch.Tensor = norm(seen)
        return found.relu_() if rectify else found

    def normalised_sum(
        self,
        layers: torch.nn.Sequential,
        seen: torch.Tensor,
        style: torch.Tensor,
        level: torch.Tensor | None,
        over: bool,
    ) -> torch.Tensor:
        """`normalised` of `seen` + `level` + `style`."""
        begun = seen if level is None else seen.add_(level)
        return self.normalised(layers, begun.add_(style) if over else begun + style, over=True)

    def convolved(self, layers: torch.nn.Sequential, seen: torch.Tensor, over: bool = False) -> torch.Tensor:
        """Batch normalisation, a rectifier or not, convolution."""
        found: torch.Tensor = layers[-1](self.normalised(layers, seen, over))
        return found


class _FusedSteps(_Steps):
    """The same in one pass over the pixels each."""

    def __init__(self) -> None:
        self._made: dict[torch.nn.Sequential, Normalised] = {}

    def _of(self, layers: torch.nn.Sequential) -> Normalised:
        if layers not in self._made:
            norm, *rectify, _ = layers
            self._made[layers] = Normalised(cast(torch.nn.BatchNorm2d, norm), bool(rectify))
        return self._made[layers]

    def normalised(self, layers: torch.nn.Sequential, seen: torch.Tensor, over: bool) -> torch.Tensor:
        return self._of(layers)(seen, over)

    def normalised_sum(
        self,
        layers: torch.nn.Sequential,
        seen: torch.Tensor,
        style: torch.Tensor,
        level: torch.Tensor | None,
        over: bool,
    ) -> torch.Tensor:
        return self._of(layers).of_sum(seen, style, level, over)


def _decoded(
    steps: _Steps,
    block: Any,
    seen: torch.Tensor,
    level: torch.Tensor,
    style: torch.Tensor,
    enlarge: torch.nn.Module,
) -> torch.Tensor:
    """A level of the decoder: of what the level below has seen, the encoder's level, and the style."""
    first, *later = block.conv
    features = [of.full(style)[..., None, None] for of in later]
    one, two, three = (of.conv for of in later)
    inner = first[-1](enlarge(steps.normalised(first, seen, over=False)))
    inner = one[-1](steps.normalised_sum(one, inner, features[0], level, over=True))
    seen = enlarge(steps.convolved(block.proj, seen)).add_(inner)
    inner = two[-1](steps.normalised_sum(two, seen, features[1], None, over=False))
    inner = three[-1](steps.normalised_sum(three, inner, features[2], None, over=True))
    return inner.add_(seen)


def build_network(widths: tuple[int, ...], diam_mean: float) -> Network:
    """A network with 2 input channels and `widths` channels on its levels, randomly initialised."""
    # mkldnn=False: Cellpose converts the whole network for every batch otherwise; plain PyTorch
    # convolutions use oneDNN as well, without that cost
    return Network([2, *widths], 3, 3, mkldnn=False, max_pool=True, diam_mean=diam_mean)


def widths_of(state: Mapping[str, Any]) -> tuple[int, ...]:
    """Channels on each level of the network that a state dictionary belongs to."""
    widths: list[int] = []
    while (name := f"downsample.down.res_down_{len(widths)}.proj.1.weight") in state:
        widths.append(int(state[name].shape[0]))
    return tuple(widths)


def write_compact(path: str | Path, state: Mapping[str, torch.Tensor], meta: Mapping[str, object]) -> None:
    """Write a state dictionary as a compact file; the same input gives the same bytes.

    Raises
    ------
    ValueError
        If a parameter does not fit into the compact type.
    """
    arrays: dict[str, npt.NDArray[np.generic]] = {
        META: np.frombuffer(json.dumps(dict(meta), indent=1).encode(), dtype=np.uint8)
    }
    for name, value in state.items():
        array = value.detach().cpu().numpy()
        if array.dtype.kind == "f":
            array = array.astype(np.float16 if array.ndim > 1 else np.float32)
            if not np.isfinite(array).all():
                raise ValueError(f"parameter {name} does not fit into {array.dtype}")
        arrays[name] = array
    with replacing(path) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, **arrays)


def read_state(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    """Parameters and metadata of a weights file: a compact one, or one that Cellpose 3 wrote.

    Raises
    ------
    InputError
        If the file is neither; code inside it is never run.
    """
    path = Path(path)
    try:
        state, meta = _read_compact(path) if _is_npz(path) else (_read_torch(path), {})
    except (OSError, ValueError, KeyError, RuntimeError, EOFError, zipfile.BadZipFile) as fault:
        raise InputError(f"{path}: not readable as Cellpose weights ({fault})") from fault
    except pickle.UnpicklingError as fault:
        raise InputError(
            f"{path}: not plain Cellpose weights; it holds more than tensors, which is not loaded ({fault})"
        ) from fault
    if "W2" in state:
        raise InputError(f"{path}: weights of Cellpose 4 (SAM); give a Cellpose 3 model such as cyto3")
    if "output.2.weight" not in state or not widths_of(state):
        raise InputError(f"{path}: not the weights of a Cellpose 3 network (its layers are missing)")
    return state, meta


def load_network(path: str | Path, diam_mean: float | None = None) -> tuple[Network, dict[str, object]]:
    """The network of a weights file, on the CPU and in evaluation mode, and the file's metadata.

    Parameters
    ----------
    path : path
        Weights file, see `read_state`.
    diam_mean : float, optional
        Diameter in px to which objects are rescaled; by default the one stored in the file.

    Raises
    ------
    InputError
        If the weights do not fit a Cellpose 3 network.
    """
    state, meta = read_state(path)
    network = build_network(widths_of(state), 30.0)
    own = network.state_dict()
    missing = own.keys() - state.keys() - {"diam_mean", "diam_labels"}
    if missing:
        raise InputError(f"{path}: {len(missing)} parameters are missing, e.g. {sorted(missing)[0]}")
    try:
        network.load_state_dict({name: state.get(name, own[name]) for name in own})
    except RuntimeError as fault:
        raise InputError(f"{path}: the weights do not fit a Cellpose 3 network: {fault}") from fault
    if diam_mean is not None:
        network.diam_mean.data.fill_(diam_mean)
    return network.eval(), meta


def _is_npz(path: Path) -> bool:
    """Whether a file is a zip of NumPy arrays (PyTorch's files are zips too, of other things)."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return all(name.endswith(".npy") for name in archive.namelist())


def _read_compact(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    """Parameters as float32 and metadata of a compact file."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    meta = json.loads(arrays.pop(META).tobytes().decode())
    state = {
        name: torch.from_numpy(array.astype(np.float32) if array.dtype == np.float16 else array)
        for name, array in arrays.items()
    }
    return state, meta


def _read_torch(path: Path) -> dict[str, torch.Tensor]:
    """State dictionary that `torch.save` wrote; ``weights_only`` refuses anything but tensors."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        raise ValueError(f"a dictionary of tensors is expected, got {type(state).__name__}")
    return state
