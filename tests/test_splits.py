"""Folds of replicates, wells and cells, and what is learned from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation_tables import content, crops_of
from morphodose.errors import InputError, ParameterError
from morphodose.evaluation.learning_plan import FieldCrops, NothingToLearnError, nothing_learned, plan
from morphodose.evaluation.splits import Unit, make_split, natural, random_folds

LAYOUT = {"A01": content(0), "A02": content(1), "A03": content(10), "A04": content(0)}
TWICE = LAYOUT | {"B02": content(1), "B03": content(10)}


def units(replicates, wells=("A01", "A02", "A03", "A04")) -> list[Unit]:
    return [Unit("P", replicate, well) for replicate in replicates for well in wells]


def test_a_replicate_is_held_out_where_there_are_two():
    split = make_split(units(["10", "2", "1"]), {})
    assert split.kind == "replicate"
    assert split.names == ("replicate 1", "replicate 2", "replicate 10")
    assert {split.fold_of[unit] for unit in units(["10"])} == {2}


def test_a_replicate_of_several_plates_is_one_fold():
    both = [Unit(plate, r, "A01") for plate in ("P1", "P2") for r in ("1", "2")]
    split = make_split(both, {})
    assert split.fold_of[Unit("P1", "2", "A01")] == split.fold_of[Unit("P2", "2", "A01")] == 1


def test_fewer_folds_than_replicates_hold_out_groups():
    split = make_split(units("1234"), {}, folds=2)
    assert split.names == ("replicates 1, 2", "replicates 3, 4")


def test_with_one_replicate_wells_are_held_out_and_contents_spread():
    wells = [Unit("P", "1", f"{row}{column:02d}") for row in "ABCDEF" for column in (1, 2, 3)]
    strata = {unit: unit.well[1:] for unit in wells}
    split = make_split(wells, strata)
    assert split.kind == "wells" and len(split.names) == 3
    for stratum in ("01", "02", "03"):
        folds = [split.fold_of[unit] for unit in wells if strata[unit] == stratum]
        assert sorted(folds) == [0, 0, 1, 1, 2, 2]
    assert make_split(wells, strata).fold_of == split.fold_of
    assert make_split(wells, strata, seed=2).fold_of != split.fold_of


@pytest.mark.parametrize(
    ("kind", "folds", "message"),
    [
        ("replicate", 0, "'replicate': the screen has only replicate '1'; use --split wells"),
        ("wells", 1, "--split_folds '1': at least 2"),
        ("odd", 0, "--split 'odd'"),
    ],
)
def test_an_impossible_split_is_refused(kind, folds, message):
    with pytest.raises(InputError, match=message):
        make_split(units("1"), dict.fromkeys(units("1"), "x"), kind, folds)


def test_a_single_well_cannot_be_split():
    with pytest.raises(InputError, match="a single well"):
        make_split([Unit("P", "1", "A01")], {Unit("P", "1", "A01"): "x"})


def test_random_folds_are_equal_parts():
    folds = random_folds(100, 3, np.random.default_rng(0))
    assert sorted(np.bincount(folds)) == [33, 33, 34]
    assert set(random_folds(2, 3, np.random.default_rng(0))) <= {0, 1, 2}


def test_numbers_in_names_sort_as_numbers():
    assert sorted(["R10", "R2", "b", "1"], key=natural) == ["1", "R2", "R10", "b"]


def test_all_of_a_plain_screen_is_usable_but_its_controls():
    layout = LAYOUT | {"A05": content(10, "positive")}
    fields = crops_of(layout)
    design = plan(fields, ("dose", "time"))
    assert design.trained == ("dose", "time") and design.notes == []
    for entry, reasons in zip(fields, design.excluded, strict=True):
        assert reasons == (("positive control",) * 2 if entry.unit.well == "A05" else ("", ""))
        assert entry.unit in design.split.fold_of, "controls are embedded too"
    assert design.labels_json(1, 1)["dose"]["classes"] == ["vehicle", "1", "10"]


def test_padded_flagged_and_dropped_crops_are_excluded_as_asked():
    fields = crops_of(TWICE)
    fields[0] = type(fields[0])(**{**vars(fields[0]), "verdict": "drop"})
    fields[1] = type(fields[1])(**{**vars(fields[1]), "verdict": "flag"})
    assert plan(fields, ("dose",)).excluded[:2] == [("field dropped by QC",) * 2, ("", "")]
    everything = plan(fields, ("dose",), ("padded", "flagged", "dropped")).excluded
    assert everything[1] == ("field flagged by QC",) * 2
    assert everything[2] == ("", "crop padded at the border")
    assert plan(fields, ("dose",), ()).excluded[:2] == [("", "")] * 2


def test_a_dose_in_one_fold_only_is_left_out_and_noted():
    fields = [f for f in crops_of(LAYOUT) if f.unit.well != "A03" or f.unit.replicate == "1"]
    design = plan(fields, ("dose", "time"))
    assert design.classes["dose"].names == ("vehicle", "1")
    assert "dose 10: it has cells in one fold only" in design.notes[0]
    lonely = [r for f, r in zip(fields, design.excluded, strict=True) if f.unit.well == "A03"]
    assert set(lonely) == {("dose 10 has cells in one fold only",) * 2}


def test_one_well_a_dose_and_one_replicate_teach_time_alone():
    layout = {"A01": content(0), "A02": content(1), "A03": content(10)}
    fields = crops_of(layout, replicates=1)
    design = plan(fields, ("dose", "time"))
    assert design.trained == ("time",)
    assert all(reasons == ("", "") for reasons in design.excluded), "all doses train time"
    assert not design.labels_json(1, 1)["dose"]["trained"]


def test_a_screen_that_teaches_nothing_is_refused_with_the_reasons():
    layout = {"A01": content(0), "A02": content(1)}
    with pytest.raises(InputError, match=r"nothing to learn: time is not learned: a single timepoint \(24\)"):
        plan(crops_of(layout, replicates=1, hours=(24.0,)), ("dose", "time"))


def test_a_label_not_asked_for_has_no_classes():
    design = plan(crops_of(LAYOUT), ("time",))
    assert design.trained == ("time",) and design.classes["dose"].names == ()
    assert set(design.label_of["dose"]) == {None}


def dropped(fields: list[FieldCrops], *replicates: str) -> list[FieldCrops]:
    return [replace(f, verdict="drop" if f.unit.replicate in replicates else "keep") for f in fields]


def test_a_replicate_that_qc_has_dropped_is_no_fold():
    fields = dropped(crops_of(LAYOUT | {"A05": content(10, "positive")}, replicates=3), "2")
    design = plan(fields, ("dose", "time"))
    assert design.split.names == ("replicate 1", "replicate 3") and design.trained == ("dose", "time")
    assert design.notes == ["replicate 2 has no usable cells: nothing of it is trained or scored"]
    for entry, reasons in zip(fields, design.excluded, strict=True):
        fold = {"1": 0, "2": 0, "3": 1}[entry.unit.replicate]
        assert design.split.fold_of[entry.unit] == fold, "it is embedded all the same"
        if entry.unit.well != "A05":
            assert reasons == (("field dropped by QC",) * 2 if entry.unit.replicate == "2" else ("", ""))
    assert (design.field_counts(fields).counts.sum(axis=0) > 0).all()


def test_where_qc_has_left_one_replicate_its_wells_are_held_out():
    fields = dropped(crops_of(TWICE, replicates=2), "2")
    design = plan(fields, ("dose", "time"))
    assert (
        design.split.kind == "wells"
        and len(design.notes) == 1
        and (design.field_counts(fields).counts.sum(axis=0) > 0).all()
    )
    with pytest.raises(
        NothingToLearnError, match=r"replicate 2 has no usable .* the screen has only replicate '1'"
    ):
        plan(fields, ("dose", "time"), split="replicate")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("auto", "replicate 2 has no usable cells"),
        ("replicate", "replicate 2 has no usable cells"),
        ("wells", "a single well cannot be split"),
    ],
)
def test_cells_in_a_single_well_of_the_screen_are_nothing_to_learn_and_no_wrong_parameter(split, words):
    fields = crops_of(LAYOUT, replicates=2)
    screen = [entry.unit for entry in fields]
    alone = [entry for entry in fields if entry.unit == screen[0]]
    with pytest.raises(NothingToLearnError, match=f"nothing to learn: .*{words}"):
        plan(alone, ("dose", "time"), split=split, imaged=screen)
    # of a screen that has no more than that the parameter is wrong
    if split != "auto":
        with pytest.raises(ParameterError, match=split):
            plan(alone, ("dose", "time"), split=split, imaged=screen[:1])


def test_a_replicate_without_any_cell_is_told_and_the_wells_of_the_other_are_held_out():
    fields = crops_of(TWICE, replicates=2)
    screen = [entry.unit for entry in fields]
    design = plan([entry for entry in fields if entry.unit.replicate == "1"], ("dose", "time"), imaged=screen)
    assert design.split.kind == "wells"
    assert design.notes == ["replicate 2 has no usable cells: nothing of it is trained or scored"]


def test_where_qc_has_left_nothing_there_is_nothing_to_learn():
    fields = dropped(crops_of(LAYOUT, replicates=2), "1", "2")
    with pytest.raises(NothingToLearnError, match="nothing to learn: .*no usable cell is left"):
        plan(fields, ("dose", "time"))
    design = nothing_learned(fields, "because")
    written = design.labels_json(10, 0)
    assert (
        written["folds"] == 0 and written["not_learnable"] == "because" and written["dose"]["classes"] == []
    )
    assert design.field_counts(fields).counts.sum() == 0


def test_crops_out_of_focus_are_excluded_as_asked():
    fields = crops_of(TWICE)
    fields[0] = replace(fields[0], out_of_focus=True, verdict="flag")
    assert plan(fields, ("dose",)).excluded[0] == ("", "")
    assert plan(fields, ("dose",), ("out_of_focus",)).excluded[:2] == [("field out of focus",) * 2, ("", "")]
