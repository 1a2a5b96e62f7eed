"""The command that splits the cells."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from evaluation_tables import cell_keys, content, write_crop_index, write_map
from morphodose.tables import read_table, write_table
from stats_tables import run, succeed

LAYOUT = {"A01": content(0), "A02": content(1), "A03": content(10), "A04": content(10, "positive")}


@pytest.fixture
def screen(tmp_path):
    """Two times, two replicates, four wells of two fields with six cells; one field dropped, one flagged."""
    images = []
    for hours in (4.0, 8.0):
        for replicate in "12":
            for well in LAYOUT:
                keys = cell_keys("P", hours, replicate, well, (1, 2), 6)
                write_crop_index(tmp_path / "crops", keys, padded=[0])
                images += sorted(set(keys["Metadata_ImageID"]))
    verdicts = {images[0]: "drop", images[1]: "flag"}
    table = pd.DataFrame(
        {"Metadata_ImageID": images, "Metadata_QCVerdict": [verdicts.get(i, "keep") for i in images]}
    )
    write_table(table, tmp_path / "images" / "a.parquet")
    write_map(tmp_path / "map.csv", {"P": LAYOUT})
    return tmp_path


def arguments(screen, *more):
    return (
        *("--crops", screen / "crops", "--plate_map", screen / "map.csv", "--images", screen / "images"),
        *("--out", screen / "split.parquet", "--labels_out", screen / "labels.json"),
        *("--leakage_out", screen / "leakage.parquet", *more),
    )


def test_a_field_in_which_a_channel_of_the_crops_is_constant_counts_as_dropped(screen):
    table = read_table(screen / "images" / "a.parquet").assign(Metadata_QCVerdict="keep")
    table["Metadata_QCUnusable"] = [("Brightfield,PI", "PI", *[""] * 30)[i] for i in range(len(table))]
    write_table(table, screen / "images" / "a.parquet")
    for channels, used in (("Brightfield,Hoechst", 138), ("Hoechst", 144)):
        done = succeed("split_cells", *arguments(screen, "--crop_channels", channels))
        assert f"192 crops, {used} usable" in done.stderr


def test_groups_of_the_plate_map_have_classes_of_their_own(screen):
    table = pd.read_csv(screen / "map.csv", dtype=str)
    table["compound"], table["dose"] = ["DMSO", "Drug", "Drug", "DMSO"], ["0", "1", "1", "0"]
    table["role"], table["line"] = ["vehicle", "treated", "treated", "vehicle"], ["A", "A", "B", "B"]
    table.to_csv(screen / "map.csv", index=False)
    done = succeed("split_cells", *arguments(screen))
    assert "classes of dose are divided by line" in done.stderr
    classes = json.loads((screen / "labels.json").read_text())["dose"]
    assert classes["classes"] == ["vehicle, line=A", "vehicle, line=B", "1, line=A", "1, line=B"]
    cells = read_table(screen / "split.parquet")
    of_well = cells.groupby("Metadata_Well")["Label_Dose"].unique().map(list)
    assert of_well.to_dict() == {
        "A01": ["vehicle, line=A"], "A02": ["1, line=A"], "A03": ["1, line=B"], "A04": ["vehicle, line=B"]
    }  # fmt: skip
    succeed("split_cells", *arguments(screen, "--group_by", "none"))
    assert json.loads((screen / "labels.json").read_text())["dose"]["classes"] == ["vehicle", "1"]


def test_every_crop_has_a_fold_labels_and_a_reason_where_it_is_not_used(screen):
    done = succeed("split_cells", *arguments(screen))
    assert "192 crops, 138 usable, 2 folds by replicate; learned: dose, time" in done.stderr
    cells = read_table(screen / "split.parquet")
    assert len(cells) == 192 and cells["Metadata_CellID"].is_unique
    assert (cells["Fold"] == cells["Metadata_Replicate"].astype(int) - 1).all()
    assert set(cells["RandomFold"]) == {0, 1}
    assert dict(cells["Excluded"].value_counts()) == {
        "": 138,
        "positive control": 48,
        "field dropped by QC": 6,
    }
    assert (cells["Usable"] == (cells["Excluded"] == "")).all()
    vehicle = cells[cells["Metadata_Role"] == "vehicle"]
    assert set(vehicle["Label_Dose"]) == {"vehicle"} and set(vehicle["Label_Time"]) == {"4", "8"}
    assert cells.loc[cells["Metadata_Role"] == "positive", "Label_Dose"].isna().all()
    row = cells.iloc[7]
    assert row["Crop_Shard"] == f"{row['Metadata_Acquisition']}_Well_{row['Metadata_Well']}.arrow"
    assert row["Crop_Row"] == 7
    field = pq.read_schema(screen / "split.parquet").field("Metadata_Timepoint")
    assert field.metadata[b"unit"] == b"h"


def test_the_labels_say_what_is_learned(screen):
    succeed("split_cells", *arguments(screen))
    labels = json.loads((screen / "labels.json").read_text())
    assert labels["dose"] == {
        "classes": ["vehicle", "1", "10"], "values": [0, 1, 10], "ordinal": True, "unit": "uM", "trained": True,
    }  # fmt: skip
    assert labels["time"]["classes"] == ["4", "8"]
    assert labels["fold_names"] == ["replicate 1", "replicate 2"]
    assert (labels["split"], labels["folds"], labels["n_cells"], labels["n_usable"]) == (
        "replicate",
        2,
        192,
        138,
    )


def test_the_leakage_table_has_the_split_and_its_contrast(screen):
    succeed("split_cells", *arguments(screen))
    rows = read_table(screen / "leakage.parquet").set_index(["Split", "Fold"])
    assert set(rows.loc["replicate", "Verdict"]) == {"ok"}
    assert rows.loc["replicate", "Shared_Fields"].sum() == 0
    assert set(rows.loc["random cells", "Verdict"]) == {"contrast only"}
    assert (rows.loc["random cells", "Shared_Wells"] == 6).all()
    assert rows.loc["random cells", "N_Test"].sum() == 138


def test_what_is_excluded_is_a_choice(screen):
    succeed("split_cells", *arguments(screen, "--exclude_crops", "padded,flagged"))
    found = read_table(screen / "split.parquet")
    assert dict(found["Excluded"].value_counts()) == {
        "": 126, "positive control": 48, "crop padded at the border": 12, "field flagged by QC": 6,
    }  # fmt: skip
    assert found.loc[found["Excluded"].str.startswith("crop"), "Crop_Padded"].all()


def test_fields_out_of_focus_are_known_by_the_reason_of_qc(screen):
    table = read_table(screen / "images" / "a.parquet")
    table["Metadata_QCReason"] = [
        "",
        "perhaps out of focus: edges in DNA are 9.0 px wide",
        *[""] * (len(table) - 2),
    ]
    write_table(table, screen / "images" / "a.parquet")
    succeed("split_cells", *arguments(screen, "--exclude_crops", "out_of_focus"))
    cells = read_table(screen / "split.parquet")
    found = cells[cells["Excluded"] == "field out of focus"]
    assert set(found["Metadata_ImageID"]) == {table["Metadata_ImageID"][1]} and len(found) == 6


def test_where_qc_drops_everything_it_says_so_and_ends_well(screen):
    table = read_table(screen / "images" / "a.parquet")
    write_table(table.assign(Metadata_QCVerdict="drop"), screen / "images" / "a.parquet")
    done = succeed("split_cells", *arguments(screen))
    assert "192 crops, 0 usable" in done.stderr and "learned: nothing" in done.stderr
    labels = json.loads((screen / "labels.json").read_text())
    assert labels["folds"] == 0 and labels["not_learnable"].startswith("nothing to learn")
    assert not read_table(screen / "split.parquet")["Usable"].any()


@pytest.mark.parametrize("cells", [0, 1, 2])
def test_a_screen_of_so_few_cells_has_nothing_to_learn_and_ends_well(screen, cells):
    for number, file in enumerate(sorted((screen / "crops").iterdir())):
        pq.write_table(pq.read_table(file).slice(0, 0 if number else cells), file)
    table = read_table(screen / "images" / "a.parquet")
    of = table["Metadata_ImageID"].str.extract(r"_R(\d+)_Well_(\w\d+)_")
    keys = {"Metadata_Plate": "P", "Metadata_Replicate": of[0], "Metadata_Well": of[1]}
    write_table(table.assign(**keys), screen / "images" / "a.parquet")
    for split in ("auto", "replicate", "wells"):
        done = succeed("split_cells", *arguments(screen, "--split", split))
        assert f"{cells} crops, 0 usable" in done.stderr
        labels = json.loads((screen / "labels.json").read_text())
        assert labels["folds"] == 0 and labels["not_learnable"].startswith("nothing to learn")


def test_the_same_seed_gives_the_same_bytes(screen):
    succeed("split_cells", *arguments(screen))
    first = (screen / "split.parquet").read_bytes()
    succeed("split_cells", *arguments(screen))
    assert (screen / "split.parquet").read_bytes() == first
    succeed("split_cells", *arguments(screen, "--seed", "2"))
    assert (screen / "split.parquet").read_bytes() != first


def test_without_crops_in_a_well_the_rest_is_split(screen):
    first = sorted((screen / "crops").iterdir())[0]
    table = pq.read_table(first)
    pq.write_table(table.slice(0, 0), first)
    succeed("split_cells", *arguments(screen))
    assert len(read_table(screen / "split.parquet")) == 180


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--exclude_crops", "blurred"), "--exclude_crops 'blurred'"),
        (("--labels", "shape"), "--labels 'shape'"),
        (("--split_folds", "1"), "'--split_folds': 1 is not"),
    ],
)
def test_a_wrong_option_is_named(screen, more, message):
    done = run("split_cells", *arguments(screen, *more))
    assert done.returncode in (1, 2) and message in done.stderr and "Traceback" not in done.stderr


def test_a_well_that_is_not_in_the_plate_map_is_named(screen):
    write_map(screen / "map.csv", {"P": {well: c for well, c in LAYOUT.items() if well != "A03"}})
    done = run("split_cells", *arguments(screen))
    assert done.returncode == 1
    assert "plate map: no row for well A03 of plate 'P'" in done.stderr


def test_a_field_without_a_row_of_images_is_named(screen):
    images = read_table(screen / "images" / "a.parquet")
    write_table(images.iloc[1:], screen / "images" / "a.parquet")
    done = run("split_cells", *arguments(screen))
    assert done.returncode == 1
    assert "field Time_4hrs_R1_Well_A01_Field_1 has crops, but no row in the tables of images" in done.stderr


def test_a_file_given_twice_is_named(screen):
    (screen / "again").mkdir()
    first = sorted((screen / "crops").iterdir())[0]
    (screen / "again" / first.name).write_bytes(first.read_bytes())
    done = run("split_cells", *arguments(screen, "--crops", screen / "again"))
    assert done.returncode == 1 and "was a file given twice?" in done.stderr


def test_a_torn_index_is_named(screen):
    first = sorted((screen / "crops").iterdir())[0]
    first.write_bytes(first.read_bytes()[:100])
    done = run("split_cells", *arguments(screen))
    assert done.returncode == 1 and f"{first}: not an index of crops" in done.stderr
    assert not (screen / "split.parquet").exists()
