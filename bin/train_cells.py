#!/usr/bin/env python3
"""Train a segmentation network on from given weights, on fields corrected by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import torch

from morphodose.cli import command, threads_option
from morphodose.errors import InputError
from morphodose.files import replacing
from morphodose.segmentation.common import SHIPPED
from morphodose.segmentation.correction import hold_out, read_corrected
from morphodose.segmentation.finetune import THRESHOLDS, Recipe, card, score_fields, train_on, with_margins
from morphodose.segmentation.load import limit_threads, load_engine
from morphodose.segmentation.network import load_network, write_compact
from morphodose.segmentation.weights import REGISTRY, locate, sha256_of

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
CPU = torch.device("cpu")


@command
@click.argument("corrected", type=FOLDER)
@click.option(
    "--start",
    default=SHIPPED,
    help=f"Weights to start from: {SHIPPED}, one of Cellpose 3 that is on this machine (cyto3), or a file.",
)
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write, .npz."
)
@click.option("--steps", default=200, type=click.IntRange(1), help="Batches.")
@click.option("--batch", default=8, type=click.IntRange(1), help="Tiles of 224 px per batch.")
@click.option("--rate", default=0.001, type=click.FloatRange(min=0, min_open=True), help="Learning rate.")
@click.option(
    "--held_out",
    default=0.25,
    type=click.FloatRange(0, 1),
    help="Share of the wells held out to judge the model.",
)
@click.option("--seed", default=1, help="The same seed gives the same weights.")
@click.option(
    "--transmitted",
    is_flag=True,
    help="Images of transmitted light, or cells darker than their surroundings.",
)
@threads_option
def main(corrected: Path, start: str, out: Path, held_out: float, threads: int, **options: Any) -> None:
    """Train on the masks in the folder CORRECTED (of pick_for_correction.py) that Cellpose has saved.

    F1 on the held-out fields is printed before and after. Written are OUT and its card, OUT with the ending
    .md. Then: --cell_model OUT.
    """
    if out.suffix != ".npz":
        raise InputError(f"--out {out}: the name of a compact file ends in .npz")
    limit_threads(threads)
    weights = locate(start)
    if weights is None:
        raise InputError(
            f"--start {start}: its file is not on this machine; stage_weights.py --model {start} gets it"
        )
    given = read_corrected(corrected)
    fields = with_margins(given)
    names = {field.name for field in fields}
    if left := [field.name for field in given if field.name not in names]:
        click.echo(f"left out, no cell away from the border is marked: {', '.join(left)}", err=True)
    learnt, judged = hold_out(fields, held_out)
    click.echo(f"{len(learnt)} fields to learn from, {len(judged)} held out")
    before = [one.f1 for one in score_fields(load_engine(weights, CPU), judged)]
    known = REGISTRY.get(start)
    about: dict[str, object] = {
        "held_out": [field.name for field in judged],
        "f1_before": [round(value, 3) for value in before],
        "licence": f"those of {weights.name}{f' ({known.licence})' if known else ''}, and of your images",
    }
    meta = train_on(weights, learnt, Recipe(**options), out, about, click.echo)
    after = [one.f1 for one in score_fields(load_engine(out, CPU), judged)]
    meta["f1_after"] = [round(value, 3) for value in after]
    _write_with_scores(out, meta)
    with replacing(out.with_suffix(".md")) as temporary:
        temporary.write_text(card(meta, sha256_of(out)), encoding="utf-8")
    for threshold, old, new in zip(THRESHOLDS, before, after, strict=True):
        click.echo(f"F1 at IoU {threshold:g} on held-out fields: {old:.3f} before, {new:.3f} after")
    if after[0] <= before[0]:
        click.echo("The training did not help: correct more fields, or give --steps and --rate", err=True)
    click.echo(f"{out}, card {out.with_suffix('.md')}; use it with --cell_model {out}")


def _write_with_scores(out: Path, meta: dict[str, object]) -> None:
    """Put the scores into the file: they are known only once it was loaded and judged."""
    network, _ = load_network(out)
    write_compact(out, network.state_dict(), meta)


if __name__ == "__main__":
    main()
