"""A network trained on from given weights, on fields whose masks were corrected by hand; and its card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from morphodose.errors import InputError
from morphodose.segmentation.border import border_labels, without_labels
from morphodose.segmentation.common import Segmenter
from morphodose.segmentation.correction import Corrected, inside
from morphodose.segmentation.network import load_network, write_compact
from morphodose.segmentation.score import Score, score
from morphodose.segmentation.training import Schedule, make_sample, median_diameter, train_network
from morphodose.segmentation.weights import sha256_of

#: Intersection over union at which cells count as found.
THRESHOLDS = (0.5, 0.75)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained on.

    Attributes
    ----------
    steps, batch : int
        Batches, and the tiles of each.
    rate : float
        Highest learning rate.
    seed : int
        The same seed gives the same weights.
    transmitted : bool
        The cells are not bright on a dark background: their light is not varied cell by cell.
    """

    steps: int = 200
    batch: int = 8
    rate: float = 0.001
    seed: int = 1
    transmitted: bool = False


def score_fields(engine: Segmenter, fields: Sequence[Corrected]) -> list[Score]:
    """Agreement with the corrected masks at `THRESHOLDS`, over all fields; cells at the border left out.

    Each field is segmented at the median diameter of its own mask.
    """
    total = [Score(threshold, 0, 0, 0) for threshold in THRESHOLDS]
    for field in fields:
        found = engine.segment([field.image], median_diameter(field.labels), "cells")[0]
        truth, found = (without_labels(mask, border_labels(mask)) for mask in (field.labels, found))
        total = [sum_ + one for sum_, one in zip(total, score(truth, found, THRESHOLDS), strict=True)]
    return total


def with_margins(fields: Sequence[Corrected]) -> list[Corrected]:
    """Fields with a cell in their mask, each without its margin where border cells are not marked.

    Raises
    ------
    InputError
        If no field has a cell.
    """
    marked = [field for field in fields if field.labels.any()]
    cut = [inside(field, round(median_diameter(field.labels))) for field in marked]
    kept = [field for field in cut if field.labels.any()]
    if not kept:
        raise InputError(f"no cell is marked in any of the {len(fields)} masks: there is nothing to learn")
    return kept


def train_on(
    start: Path,
    fields: Sequence[Corrected],
    recipe: Recipe,
    out: Path,
    about: dict[str, object],
    report: Callable[[str], object] = print,
) -> dict[str, object]:
    """Train the network of a weights file on, and write it as a compact file.

    Parameters
    ----------
    start : path
        A compact file of this project or one of Cellpose 3.
    fields : sequence of Corrected
        What it learns from; the nuclear channel, where there is one, is the second input.
    recipe : Recipe
    out : path
        File to write (``.npz``).
    about : dict
        Further entries for the file's metadata.
    report : callable
        Gets lines about the progress.

    Returns
    -------
    dict
        The metadata written.
    """
    network, meta = load_network(start)
    own = float(str(meta.get("diam_mean", network.diam_mean.detach().item())))
    samples = [
        make_sample(
            field.image, field.labels, median_diameter(field.labels) / own, not recipe.transmitted, own
        )
        for field in fields
    ]
    torch.manual_seed(recipe.seed)
    warm_up = max(1, min(50, recipe.steps // 5))
    state = train_network(
        network,
        lambda rng: [samples[i] for i in rng.integers(len(samples), size=recipe.batch)],
        Schedule(recipe.steps, recipe.rate, recipe.seed, warm_up),
        report=report,
    )
    written: dict[str, object] = {
        "name": out.stem,
        "format": "npz float16",
        "diam_mean": own,
        "nuclei_diam_mean": float(str(meta.get("nuclei_diam_mean", own))),
        "start": start.name,
        "start_sha256": sha256_of(start),
        "fields": [field.name for field in fields],
        "cells": int(sum(len(np.unique(field.labels)) - 1 for field in fields)),
        "steps": recipe.steps,
        "batch": recipe.batch,
        "rate": recipe.rate,
        "seed": recipe.seed,
        **about,
    }
    write_compact(out, state, written)
    return written


def card(meta: dict[str, object], digest: str) -> str:
    """What there is to know of a file of weights, as Markdown."""
    names = {
        "start": "trained on from", "start_sha256": "SHA-256 of that", "licence": "terms",
        "fields": "fields learnt from", "cells": "cells in them", "held_out": "fields held out",
        "f1_before": "F1 on them before, at IoU 0.5 and 0.75", "f1_after": "F1 on them after",
        "steps": "batches", "batch": "tiles a batch", "rate": "highest learning rate", "seed": "seed",
        "diam_mean": "cells are scaled to, px",
    }  # fmt: skip
    lines = [f"# {meta['name']}", "", "| | |", "|---|---|", f"| SHA-256 | `{digest}` |"]
    for key, words in names.items():
        value = meta.get(key)
        if value is not None:
            text = ", ".join(str(entry) for entry in value) if isinstance(value, list | tuple) else str(value)
            lines.append(f"| {words} | {text} |")
    return "\n".join([*lines, ""])
