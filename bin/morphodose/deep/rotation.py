"""One set of axes for the embeddings of all folds.

The network of each fold learns axes of its own: the embeddings of two folds cannot be compared as they are,
though they may hold the same picture of the cells. The same anchor cells, seen by all networks, give the
rotation that brings the axes of each fold onto those of the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.linalg import orthogonal_procrustes, qr

from morphodose.errors import InputError
from morphodose.files import replacing

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Rotation:
    """How one fold is brought onto the reference: ``(x - mean) @ matrix + mean of the reference``.

    Attributes
    ----------
    mean : (D,) array
        Mean of the anchors in the axes of the fold.
    matrix : (D, D) array
        Orthogonal: distances within a fold stay as they are.
    """

    mean: Array
    matrix: Array

    @classmethod
    def identity(cls, mean: Array) -> Rotation:
        """The rotation of the reference itself."""
        return cls(mean, np.eye(len(mean), dtype=np.float32))


def fit_rotation(anchors: npt.NDArray[np.floating], reference: npt.NDArray[np.floating]) -> Rotation:
    """Orthogonal Procrustes of the centred anchors of a fold onto those of the reference.

    Parameters
    ----------
    anchors, reference : (N, D) array
        Embeddings of the same cells by two networks. Directions in which no anchor varies (there are such
        where N <= D) are turned arbitrarily; other cells hardly vary in them either.

    Raises
    ------
    ValueError
        If the two arrays differ in shape or have fewer than two cells.

    Notes
    -----
    Source: Schönemann 1966, Psychometrika 31:1; `scipy.linalg.orthogonal_procrustes`. No scaling: the
    spread of a fold's embeddings is part of what its network found.
    """
    if anchors.shape != reference.shape or anchors.ndim != 2 or len(anchors) < 2:
        raise ValueError(
            f"two or more cells, the same for two networks of one size, got {anchors.shape} and "
            f"{reference.shape}"
        )
    own, other = np.asarray(anchors, np.float64), np.asarray(reference, np.float64)
    mean = own.mean(axis=0)
    own, other = own - mean, other - other.mean(axis=0)
    if 2 * len(own) < own.shape[1]:
        matrix = _rotation_of_few(own, other)
    else:
        matrix, _ = orthogonal_procrustes(own, other)
    return Rotation(mean.astype(np.float32), matrix.astype(np.float32))


def _rotation_of_few(own: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Procrustes of N < D rows, in the N dimensions that they span: an SVD of N x N, not of D x D."""
    n = len(own)
    (axes, spread), (other_axes, other_spread) = (qr(rows.T) for rows in (own, other))
    inner, _ = orthogonal_procrustes(spread[:n].T, other_spread[:n].T)
    return np.asarray(axes[:, :n] @ inner @ other_axes[:, :n].T + axes[:, n:] @ other_axes[:, n:].T)


def explained(
    rotation: Rotation,
    anchors: npt.NDArray[np.floating],
    reference: npt.NDArray[np.floating],
    reference_mean: npt.NDArray[np.floating],
) -> float:
    """Share of the variance of the reference that the rotated fold explains.

    1 is all of it; below 0 the mean of the reference would have been nearer.

    Parameters
    ----------
    anchors, reference : (n, D) array
        Embeddings of the same cells.
    reference_mean : (D,) array
        Subtracted from the reference.
    """
    target = np.asarray(reference, np.float64) - reference_mean
    rotated = (np.asarray(anchors, np.float64) - rotation.mean) @ rotation.matrix
    total = float((target**2).sum())
    return 1 - float(((target - rotated) ** 2).sum()) / total if total > 0 else float("nan")


def explained_held_out(
    anchors: npt.NDArray[np.floating], reference: npt.NDArray[np.floating], seed: int
) -> float:
    """`explained` on the half of the anchors that the rotation was not fitted to; mean of both ways.

    With fewer anchors than dimensions a rotation fits even noise, so the figure on its own anchors says
    little. NaN with fewer than 4 anchors.

    Parameters
    ----------
    anchors, reference : (n, D) array
        Embeddings of the same cells.
    """
    if len(anchors) < 4:
        return float("nan")
    order = np.random.default_rng(seed).permutation(len(anchors))
    halves = order[::2], order[1::2]
    shares = []
    for fitted, judged in (halves, halves[::-1]):
        rotation = fit_rotation(anchors[fitted], reference[fitted])
        mean = np.asarray(reference[fitted], np.float64).mean(axis=0)
        shares.append(explained(rotation, anchors[judged], reference[judged], mean))
    return float(np.mean(shares))


@dataclass(frozen=True)
class Alignment:
    """The rotations of all folds.

    Attributes
    ----------
    rotations : mapping of int to Rotation
        By fold.
    reference : int
        The fold whose axes are kept.
    """

    rotations: Mapping[int, Rotation]
    reference: int

    @property
    def dimensions(self) -> int:
        """D, the length of an embedding."""
        return len(self.rotations[self.reference].mean)

    def check(self, fold: int, dimensions: int) -> None:
        """Refuse a fold or a length of embeddings that it was not made for.

        Raises
        ------
        InputError
            If the fold is unknown, or embeddings have another length.
        """
        if fold not in self.rotations:
            known = ", ".join(map(str, sorted(self.rotations)))
            raise InputError(f"the alignment has no fold {fold}, only {known}: it is of another training")
        if dimensions != self.dimensions:
            raise InputError(
                f"the alignment is for embeddings of {self.dimensions} numbers, not {dimensions}: it is of "
                "another network"
            )

    def apply(self, fold: int, embeddings: npt.NDArray[np.floating]) -> Array:
        """(N, D) embeddings of a fold in the axes of the reference; those of the reference unchanged."""
        self.check(fold, embeddings.shape[1])
        if fold == self.reference:
            return np.asarray(embeddings, np.float32)
        rotation = self.rotations[fold]
        mean = self.rotations[self.reference].mean
        return (np.asarray(embeddings, np.float32) - rotation.mean) @ rotation.matrix + mean


def align(by_fold: Mapping[int, npt.NDArray[np.floating]]) -> Alignment:
    """Rotations of all folds onto the lowest one, from (N, D) anchors seen by the network of each."""
    reference = min(by_fold)
    target = by_fold[reference]
    rotations = {reference: Rotation.identity(np.asarray(target, np.float64).mean(axis=0).astype(np.float32))}
    for fold in sorted(set(by_fold) - {reference}):
        rotations[fold] = fit_rotation(by_fold[fold], target)
    return Alignment(rotations, reference)


def write_alignment(path: str | Path, alignment: Alignment) -> None:
    """Write ``mean_<fold>`` and ``rotation_<fold>`` of each fold as one safetensors file, float32."""
    tensors = {}
    for fold, rotation in alignment.rotations.items():
        tensors[f"mean_{fold}"] = np.ascontiguousarray(rotation.mean, np.float32)
        tensors[f"rotation_{fold}"] = np.ascontiguousarray(rotation.matrix, np.float32)
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"reference": str(alignment.reference)})


def read_alignment(path: str | Path) -> Alignment:
    """Read what `write_alignment` wrote; the reference is the lowest fold.

    Raises
    ------
    InputError
        If it is not such a file.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as fault:
        raise InputError(f"{path}: not a readable safetensors file ({fault})") from fault
    folds = sorted(int(name.removeprefix("mean_")) for name in tensors if name.startswith("mean_"))
    if not folds or any(f"rotation_{fold}" not in tensors for fold in folds):
        raise InputError(f"{path}: no mean and rotation of each fold; a file of align_networks is expected")
    rotations = {fold: Rotation(tensors[f"mean_{fold}"], tensors[f"rotation_{fold}"]) for fold in folds}
    return Alignment(rotations, folds[0])
