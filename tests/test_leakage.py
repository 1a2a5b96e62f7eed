"""The leakage check."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluation_tables import cell_keys, content, count_fields, crops_of
from morphodose.errors import InputError
from morphodose.evaluation.leakage import FieldCounts, leakage_rows, refuse_leaks
from morphodose.evaluation.learning_plan import plan
from morphodose.evaluation.splits import Unit

LAYOUT = {"A01": content(0), "A02": content(1), "B01": content(0), "B02": content(1)}


def cells(folds: dict[str, int]) -> pd.DataFrame:
    """Two times of two wells in two replicates; `folds` maps 'R1 A01' to a fold."""
    frames = []
    for hours in (4.0, 8.0):
        for replicate in "12":
            for well in ("A01", "A02"):
                keys = cell_keys("P", hours, replicate, well, (1, 2), 5)
                frames.append(keys.assign(Fold=folds[f"R{replicate} {well}"], Usable=True))
    return pd.concat(frames, ignore_index=True)


BY_REPLICATE = {"R1 A01": 0, "R1 A02": 0, "R2 A01": 1, "R2 A02": 1}
BY_WELL = {"R1 A01": 0, "R1 A02": 1, "R2 A01": 1, "R2 A02": 0}


@pytest.mark.parametrize("split", ["replicate", "wells"])
def test_the_splits_that_are_offered_share_nothing(split):
    fields = crops_of(LAYOUT)
    rows = refuse_leaks(plan(fields, ("dose",), split=split).field_counts(fields), split)
    assert {row["Verdict"] for row in rows} == {"ok"}
    assert {row["Shared_Fields"] + row["Shared_Wells"] for row in rows} == {0}
    assert sum(row["N_Test"] for row in rows) == 3 * 2 * 4 * 2 * 10


def test_a_field_at_two_times_is_one_field():
    rows = leakage_rows(count_fields(cells(BY_REPLICATE)), "replicate")
    assert [(row["N_TestFields"], row["N_TestWells"], row["N_Test"]) for row in rows] == [(4, 2, 20 * 2)] * 2


def test_a_split_over_time_is_refused_with_an_example():
    table = cells(BY_REPLICATE)
    table["Fold"] = (table["Metadata_Timepoint"] == 8).astype(int)
    with pytest.raises(
        InputError, match=r"plate 'P', replicate '1', well A01, field 1 has cells that train .*8 such fields"
    ):
        refuse_leaks(count_fields(table), "wells")


def test_a_split_over_fields_is_refused_for_its_wells():
    table = cells(BY_REPLICATE)
    table["Fold"] = table["Metadata_Field"] - 1
    with pytest.raises(InputError, match=r"replicate '1', well A01 has .*4 such wells.*hold whole wells out"):
        refuse_leaks(count_fields(table), "wells")


def test_a_split_over_wells_shares_replicates_and_is_none_over_replicates():
    found = count_fields(cells(BY_WELL))
    assert [row["Shared_Replicates"] for row in refuse_leaks(found, "wells")] == [2, 2]
    with pytest.raises(InputError, match=r"plate 'P', replicate '1' has .*2 such replicates"):
        refuse_leaks(found, "replicate")


def test_a_single_cell_on_the_wrong_side_is_found():
    table = cells(BY_REPLICATE)
    table.loc[0, "Fold"] = 1
    with pytest.raises(InputError, match="well A01, field 1 .*1 such fields"):
        refuse_leaks(count_fields(table), "replicate")


def test_cells_that_are_not_used_cannot_leak():
    table = cells(BY_REPLICATE)
    table.loc[0, ["Fold", "Usable"]] = [1, False]
    refuse_leaks(count_fields(table), "replicate")


def test_the_random_split_is_shown_as_a_contrast_only():
    table = cells(BY_REPLICATE)
    table["RandomFold"] = np.arange(len(table)) % 2
    rows = leakage_rows(count_fields(table, "RandomFold"), "random cells", contrast=True)
    assert {row["Verdict"] for row in rows} == {"contrast only"}
    assert rows[0]["Shared_Fields"] == 8 and rows[0]["Shared_Wells"] == 4


def test_an_empty_fold_is_no_leak():
    rows = leakage_rows(FieldCounts([Unit("P", "1", "A01")], [1], np.array([[5, 0]])), "wells")
    assert [row["Verdict"] for row in rows] == ["ok", "ok"]
