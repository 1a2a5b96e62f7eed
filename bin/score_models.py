#!/usr/bin/env python3
"""Score the network beside what it has to beat, with intervals over wells, and say what may be claimed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from morphodose.cli import command
from morphodose.errors import InputError
from morphodose.evaluation.baselines import (
    Model,
    Tallies,
    classical_models,
    logistic,
    tally_majority,
    tally_models,
    tally_position,
    unconverged_notes,
)
from morphodose.evaluation.cells import SplitCells, read_split_cells
from morphodose.evaluation.predictions import RANDOM, tally_predictions
from morphodose.evaluation.schemas import CALIBRATION, CONFUSION, MODEL_DIFFERENCES, MODEL_SCORES
from morphodose.evaluation.sources import classical_source, embedding_source
from morphodose.evaluation.split_files import Labels, read_labels_json
from morphodose.evaluation.tables import (
    calibration_rows,
    confusion_rows,
    difference_rows,
    models_of,
    score_rows,
)
from morphodose.evaluation.verdict import METRIC, ModelVerdict, gather_evidence, judge_model
from morphodose.files import find_files, replacing
from morphodose.options.flags import takes
from morphodose.steps.score_models import STEP
from morphodose.tables import read_table, write_as

EXISTING = click.Path(exists=True, path_type=Path)
NOT_TRAINED = "not learned"


@command
@takes(STEP.options)
@click.option("--split", required=True, type=EXISTING, help="split.parquet of split_cells.")
@click.option("--labels", required=True, type=EXISTING, help="labels.json of split_cells.")
@click.option("--leakage", type=EXISTING, help="leakage.parquet of split_cells.")
@click.option(
    "--predictions",
    multiple=True,
    type=EXISTING,
    help="Folder with <kind>_fold<k>_predictions.parquet of train_resnet, or a file; may be given again.",
)
@click.option("--cells", multiple=True, type=EXISTING, help="Folder with the cells of annotate_cells.")
@click.option("--trained", type=EXISTING, help="Folder with embeddings of the trained network, aligned.")
@click.option("--untrained", type=EXISTING, help="Folder with embeddings of the untrained network.")
@click.option("--imagenet", type=EXISTING, help="Folder with embeddings of the ImageNet network.")
@click.option(
    "--max_cells",
    type=click.IntRange(10),
    default=20_000,
    help="Training cells of a baseline, drawn evenly from the wells; all held-out cells are predicted.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=1, help="Random seed for samples, models and resamples."
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Output folder.")
def main(
    split: Path,
    labels: Path,
    leakage: Path | None,
    predictions: tuple[Path, ...],
    cells: tuple[Path, ...],
    trained: Path | None,
    untrained: Path | None,
    imagenet: Path | None,
    max_cells: int,
    seed: int,
    out: Path,
) -> None:
    """Write the tables of scores, differences, confusion and calibration, and the verdict, to OUT."""
    known = read_labels_json(labels)
    if not known.trained:
        raise InputError(f"{labels}: no label has two classes; there is nothing to score")
    table = read_split_cells(split, known.classes)
    notes = list(known.notes)
    files = [file for place in predictions for file in find_files(place, "*_predictions.parquet")]
    tallies: Tallies = dict(tally_predictions(files, table, known.classes, known.trained))
    tallies |= tally_majority(table, known.classes, known.trained)
    tallies |= tally_position(table, known.classes, known.trained, seed)
    click.echo(
        f"{len(table.ids)} cells in {len(table.units)} wells, {len(files)} tables of predictions", err=True
    )
    measured = classical_source(cells) if cells else None
    sources = [("the classical baselines", measured, classical_models(measured) if measured else [])]
    for name, place in (("trained", trained), ("untrained", untrained), ("imagenet", imagenet)):
        probe = [Model(f"probe_{name}", logistic)]
        sources.append(
            (f"the probe of the {name} network", embedding_source(place) if place else None, probe)
        )
    for what, source, models in sources:
        if source is None:
            notes.append(f"{what} left out: no tables were given")
            continue
        tallies |= tally_models(models, source, table, known.classes, known.trained, max_cells, seed)
        click.echo(f"{what}: {', '.join(model.name for model in models)}", err=True)
    notes += unconverged_notes(tallies, table.folds)
    learned = {label: known.classes[label] for label in known.trained}
    write_as(MODEL_SCORES, score_rows(tallies, learned, table, seed), out / "model_scores.parquet")
    write_as(
        MODEL_DIFFERENCES, difference_rows(tallies, learned, table, seed), out / "model_differences.parquet"
    )
    write_as(CONFUSION, confusion_rows(tallies, learned), out / "confusion.parquet")
    write_as(CALIBRATION, calibration_rows(tallies, learned), out / "calibration.parquet")
    verdict = verdict_of(tallies, known, table, leakage, notes, seed)
    with replacing(out / "model_verdict.json") as temporary:
        temporary.write_text(json.dumps(verdict, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for label in known.classes:
        click.echo(
            f"{label}: {'claimed' if verdict[label]['claim'] else 'no claim'}: {verdict[label]['why']}"
        )


def verdict_of(
    tallies: Tallies, known: Labels, cells: SplitCells, leakage: Path | None, notes: list[str], seed: int
) -> dict[str, Any]:
    """Contents of ``model_verdict.json``."""
    found: dict[str, ModelVerdict] = {}
    for label in known.classes:
        models = models_of(tallies, label)
        evidence = None
        if label in known.trained:
            evidence = gather_evidence(label, models, known.classes[label], cells, known.split, seed)
        if evidence is not None:
            found[label] = judge_model(evidence)
        else:
            why = "no network was scored" if label in known.trained else f"{label} was {NOT_TRAINED}"
            found[label] = ModelVerdict(False, why)
        if RANDOM in models and evidence is not None and RANDOM in evidence.against:
            more = evidence.against[RANDOM]
            notes.append(
                f"{label}: the random split over cells scores {-more.value:+.3f} ({-more.high:+.3f} to "
                f"{-more.low:+.3f}) of balanced accuracy beside the held-out figure"
            )
    marked = [verdict.marked for verdict in found.values() if verdict.marked]
    if leakage is not None:
        table = read_table(leakage)
        refused = table[table["Verdict"] == "refused"]
        if len(refused):
            marked.append(
                f"{leakage.name}: fold {refused['Fold'].iloc[0]} shares wells with its training cells"
            )
    if marked:
        for label, verdict in found.items():
            if verdict.claim:
                found[label] = ModelVerdict(
                    False, f"the run is marked: {marked[0]}", evidence=verdict.evidence
                )
    return {
        **{label: verdict.as_dict() for label, verdict in found.items()},
        "metric": METRIC,
        "split": known.split,
        "marked": marked,
        "notes": notes,
    }


if __name__ == "__main__":
    main()
