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
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from cellpose.resnet_torch import CPnet

from morphodose.errors import InputError
from morphodose.files import replacing

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
        """What Cellpose's `forward` returns, in nine tenths of its time on a CPU; to the bit where tried.

        What is done to each pixel alone is done before an image is enlarged, on a quarter of the pixels, and
        sums are added to what is not needed any more.
        """
        levels: list[torch.Tensor] = []
        for number, block in enumerate(self.downsample.down):
            seen = self.downsample.maxpool(levels[-1]) if number else data
            seen = block.proj(seen).add_(block.conv[1](block.conv[0](seen)))
            levels.append(block.conv[3](block.conv[2](seen)).add_(seen))
        style = self.make_style(levels[-1])
        seen = levels[-1]
        for number, block in reversed(list(enumerate(self.upsample.up))):
            last = number == len(levels) - 1
            seen = _decoded(
                block, seen, levels[number], style, torch.nn.Identity() if last else self.upsample.upsampling
            )
        return self.output(seen), style, levels


def _decoded(
    block: Any, seen: torch.Tensor, level: torch.Tensor, style: torch.Tensor, enlarge: torch.nn.Module
) -> torch.Tensor:
    """A level of the decoder: of what the level below has seen, the encoder's level, and the style."""
    normalise, rectify, convolve = block.conv[0]
    _, *later = block.conv
    feature, *features = [of.full(style)[..., None, None] for of in later]
    inner = convolve(enlarge(rectify(normalise(seen)))).add_(level).add_(feature)
    seen = enlarge(block.proj(seen)).add_(later[0].conv(inner))
    inner = later[1].conv(seen + features[0])
    return later[2].conv(inner.add_(features[1])).add_(seen)


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
