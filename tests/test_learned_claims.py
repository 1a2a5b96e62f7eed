"""What a trained network may claim, from pixels to the words of the report: an effect that is there, and none else."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from faults.tasks import in_process
from learned_screen import Truth, steps, write_screen
from morphodose.report import claims
from morphodose.report.deep_inputs import read_deep
from morphodose.report.inputs import ReportInputs
from report_tables import Tables

pytestmark = pytest.mark.slow

SIZE = Truth(effect=0, doses=(0, 1, 4, 16, 64), hours=(24,), replicates=3, cells=12)
#: As little as learns to tell the size of a cell.
NETWORK = (
    "--network", "resnet18", "--head", "softmax", "--input_size", 24, "--epochs", 6, "--batch_size", 24,
    "--learning_rate", 2e-3, "--curve_cells", 12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("shrinking", "position"), [(0.7, 0.1), (0.0, 0.6)], ids=["dose shrinks cells", "position alone"]
)
def test_an_effect_of_dose_is_found_and_one_of_position_is_not_taken_for_it(
    tmp_path: Path, shrinking: float, position: float
) -> None:
    truth = Truth(**(vars(SIZE) | {"shrinking": shrinking, "position": position}))
    write_screen(tmp_path, truth)
    todo = steps(tmp_path, truth.replicates, NETWORK)
    # the last is on a random split over cells, which is shown and decides nothing
    for command in (todo.split, *todo.trainings[:-1], todo.score):
        in_process(*command)
    verdict = json.loads((tmp_path / "scores" / "model_verdict.json").read_text())["dose"]
    assert verdict["claim"] == (shrinking > 0), verdict["why"]
    screen = ReportInputs(Tables().wells(), *[pd.DataFrame()] * 11, deep=read_deep(tmp_path / "scores"))
    sentence = claims.sentences(screen)[0]
    if shrinking:
        assert sentence.startswith("Network: it tells the dose of cells from replicates that it has not seen")
    else:
        assert sentence.startswith("Network: nothing is claimed about dose")
