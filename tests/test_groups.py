"""Which wells belong together."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morphodose.errors import InputError
from morphodose.profiles.relative import relative_columns
from morphodose.responses.fit import respond
from morphodose.responses.gathering import gather
from morphodose.responses.groups import add_groups, as_text, find_groups, is_drug
from morphodose.responses.logistic import logistic
from morphodose.responses.select import Layout, check_wells
from stats_tables import succeed, wells_table

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "responses"


def case(name):
    if not (CASES / name).exists():
        pytest.skip(f"no {CASES / name}")
    return CASES / name


def lines(column="CellLine", values=("A", "B"), ec50s=(0.3, 10.0)):
    """Two groups of one compound, each with vehicle wells of its own."""
    tables = []
    for value, ec50 in zip(values, ec50s, strict=True):
        table = wells_table(
            {
                "Fraction_Dying": lambda d, h, rng, e=ec50: (
                    rng.binomial(400, logistic(d, 0.04, 0.95, np.log(e), 1.5)) / 400
                )
            },
            vehicle=3,
        )
        tables.append(table.assign(**{f"Metadata_{column}": value}))
    wells = pd.concat(tables, ignore_index=True)
    wells["Metadata_Well"] = [f"{'ABCDEFGH'[i // 6]}{i % 6 + 1:02d}" for i in range(len(wells))]
    return check_wells(wells, "wells")


def ec50s(wells, group_by="auto"):
    table = add_groups(wells, find_groups(wells, group_by))
    return {row["Metadata_Group"]: row for row in respond(gather(table, ["Fraction_Dying"]))[0]}


def test_two_cell_lines_have_a_curve_each_with_vehicle_of_its_own():
    rows = ec50s(lines())
    assert rows["CellLine=A"]["EC50"] == pytest.approx(0.3, rel=0.25)
    assert rows["CellLine=B"]["EC50"] == pytest.approx(10, rel=0.35)
    assert rows["CellLine=A"]["N_Wells"] == 24
    assert set(ec50s(lines(), "none")) == {""}
    assert set(ec50s(lines(), "cellline")) == set(rows)


def test_a_number_as_second_drug_at_a_fixed_dose_divides_too():
    assert set(ec50s(lines("SecondDose", (0.0, 5.0)))) == {"SecondDose=0", "SecondDose=5"}


def test_numbers_of_serum_divide_and_are_no_doses_of_a_drug():
    table = lines("Serum", (0.5, 10.0))
    assert find_groups(table).combinations == {} and set(ec50s(table)) == {"Serum=0.5", "Serum=10"}
    assert [is_drug(name) for name in ("Serum", "Medium", "Metadata_Volume", "Bottom")] == [False] * 4
    named = ("TNF_nM", "IL6 (pM)", "Second_uM", "SecondDose", "Inhibitor", "conc")
    assert all(is_drug(name) for name in named)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Source", lambda i, row: f"S{i:04d}"),
        ("PlateRow", lambda i, row: row["Metadata_Well"][0]),
        ("RowNumber", lambda i, row: str(ord(row["Metadata_Well"][0]) - 64)),
        ("row_index", lambda i, row: str(ord(row["Metadata_Well"][0]) - 65)),
        ("plate_column", lambda i, row: str(int(row["Metadata_Well"][1:]))),
        ("Barcode", lambda i, row: "X" + row["Metadata_Replicate"]),
    ],
)
def test_numbers_of_wells_places_and_barcodes_divide_nothing_and_are_said(column, value):
    table = lines().drop(columns="Metadata_CellLine")
    if column == "Barcode":
        table["Metadata_Plate"] = "P" + table["Metadata_Replicate"]
    table[f"Metadata_{column}"] = [value(i, row) for i, row in enumerate(table.to_dict("records"))]
    found = find_groups(table)
    assert found.columns == () and list(found.ignored) == [f"Metadata_{column}"]
    assert column in found.lines()[0] and "ignored" in found.lines()[0]


def test_a_column_that_is_not_there_is_an_error_that_offers_the_nearest():
    with pytest.raises(InputError, match="'CelLine' is not a column of the plate map; it has CellLine"):
        find_groups(lines(), "CelLine")


def vehicle_of(wells, compound, group=""):
    return wells.iloc[Layout(wells).vehicle(compound, group)]


def test_vehicle_is_that_of_the_group_or_says_nothing_of_it():
    table = lines()
    grouped = add_groups(table, find_groups(table))
    mine = vehicle_of(grouped, "Drug", "CellLine=A")
    assert set(mine["Metadata_CellLine"]) == {"A"} and len(mine) == 9
    table.loc[table["Metadata_Role"] == "vehicle", "Metadata_CellLine"] = None
    grouped = add_groups(table, find_groups(table))
    assert len(vehicle_of(grouped, "Drug", "CellLine=A")) == 18
    # a group whose vehicle the plate lacks has none, never that of another group
    table = lines()
    table = table[(table["Metadata_Role"] != "vehicle") | (table["Metadata_CellLine"] == "A")]
    assert vehicle_of(add_groups(table, find_groups(table)), "Drug", "CellLine=B").empty


def test_kinds_of_wells_share_the_vehicle_of_their_group_whatever_the_compound():
    table = lines()
    table.loc[0, "Metadata_Compound"] = "Drug"  # a vehicle well of its own: no kind of cells of its own
    kinds = {kind.name: kind for kind in Layout(add_groups(table, find_groups(table))).kinds()}
    assert sorted(kinds) == ["CellLine=A", "CellLine=B"]
    assert (len(kinds["CellLine=A"].wells), len(kinds["CellLine=A"].vehicle)) == (24, 9)
    # positive controls without a cell line serve both
    table.loc[23, ["Metadata_Role", "Metadata_CellLine"]] = ["positive", None]
    kinds = {kind.name: kind for kind in Layout(add_groups(table, find_groups(table))).kinds()}
    assert all(list(kinds[name].positive) == [23] for name in ("CellLine=A", "CellLine=B"))


def test_vehicle_is_that_of_the_compounds_solvent():
    table = lines("Solvent", ("DMSO", "water"))
    table.loc[table["Metadata_Role"] == "treated", "Metadata_Compound"] = "Drug " + table["Metadata_Solvent"]
    assert find_groups(table).columns == ()
    assert set(vehicle_of(table, "Drug water")["Metadata_Solvent"]) == {"water"}
    vehicle = table["Metadata_Role"] == "vehicle"
    table.loc[vehicle, "Metadata_Compound"] = table["Metadata_Solvent"]
    table.loc[vehicle, "Metadata_Solvent"] = None
    assert set(vehicle_of(table, "Drug water")["Metadata_Compound"]) == {"water"}


def test_two_varied_drugs_are_refused_as_a_combination():
    table = pd.concat([lines("SecondDose", (0.0, 5.0)), lines("SecondDose", (1.0, 10.0))], ignore_index=True)
    found = find_groups(table)
    assert found.combinations == {"Drug": "Metadata_SecondDose"}
    grouped = add_groups(table, found)
    rows = respond(gather(grouped, ["Fraction_Dying"]), grouping=found)[0]
    assert {row["State"] for row in rows} == {"refused"}
    assert all("combination" in row["Reason"] for row in rows)


def test_counts_are_relative_to_the_vehicle_of_the_compound_and_the_group():
    table = lines()
    table["Count_CellsPerField"] = np.where(table["Metadata_CellLine"] == "A", 100.0, 50.0)
    table = add_groups(table, find_groups(table))
    assert relative_columns(table)["Relative_CellCount"] == pytest.approx(np.ones(len(table)))


def test_case_two_cell_lines(tmp_path):
    succeed("fit_responses", "--wells", case("two_cell_lines.parquet"), "--out", tmp_path)
    rows = pd.read_parquet(tmp_path / "responses.parquet").set_index("Metadata_Group")
    assert rows.loc["CellLine=A549", "EC50"] == pytest.approx(0.3, rel=0.15)
    mcf7 = rows.loc["CellLine=MCF7"]
    assert mcf7["EC50"] == pytest.approx(10, rel=0.25) and mcf7["EC50_Low"] < 10 < mcf7["EC50_High"]


def test_case_own_vehicles_count_one():
    table = pd.read_parquet(case("own_vehicles.parquet"))
    found = relative_columns(check_wells(table, "wells"))["Relative_CellCount"]
    for compound in ("drugA", "drugB"):
        mine = (table["Metadata_Compound"] == compound) & (table["Metadata_Role"] == "treated")
        assert found[mine.to_numpy()].mean() == pytest.approx(1.0, abs=0.05)


def test_whatever_pandas_takes_for_missing_is_no_text():
    columns = [
        [pd.NA, None, np.nan, pd.NaT, " A ", 1.0, 2],
        pd.array([1, None], "Int64"),
        pd.array([pd.NA, "x"], "string"),
    ]
    found = [list(as_text(pd.Series(column))) for column in columns]
    assert found == [["", "", "", "", "A", "1", "2"], ["1", ""], ["", "x"]]
