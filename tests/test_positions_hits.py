"""Place and dose, hits of a primary screen, and tables for spreadsheets."""

import csv

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from morphodose.errors import ParameterError
from morphodose.responses.correction import correct, note_of, parse_terms
from morphodose.responses.fit import respond
from morphodose.responses.gathering import gather
from morphodose.responses.hits import hit_rows, judged
from morphodose.responses.layout import layout_doubt
from morphodose.responses.logistic import logistic
from morphodose.responses.positions import places_of, position_rows
from morphodose.responses.select import check_wells
from morphodose.tables import write_csv
from stats_tables import wells_table


def plate(order=None, vehicle=4):
    """A curve whose wells stand in the given order along the columns of rows A, B and C."""
    table = wells_table(
        {"Endpoint_X": lambda d, h, rng: logistic(d, 1, 2, 0.0, 1.5) + rng.normal(0, 0.02)}, vehicle=vehicle
    )
    rng = np.random.default_rng(3)
    for letter, (_, mine) in zip("ABC", table.groupby("Metadata_Replicate"), strict=True):
        places = np.arange(len(mine)) if order is None else rng.permutation(len(mine))
        table.loc[mine.index, "Metadata_Well"] = [f"{letter}{place + 1:02d}" for place in places]
    return check_wells(table, "wells")


def test_doses_along_the_columns_are_marked_and_random_places_are_not():
    (one,) = gather(plate(), ["Endpoint_X"])
    assert "run along the rows or columns" in layout_doubt(one)
    (row,) = respond([one])[0]
    assert row["Layout"] and "dose and place cannot be told apart" in row["Notes"]
    (one,) = gather(plate("random"), ["Endpoint_X"])
    assert layout_doubt(one) == "" and respond([one])[0][0]["Layout"] is None


def test_vehicle_in_one_column_is_marked():
    table = plate("random")
    vehicle = table["Metadata_Role"] == "vehicle"
    table.loc[vehicle, "Metadata_Well"] = [f"{chr(65 + n)}12" for n in range(int(vehicle.sum()))]
    (one,) = gather(table, ["Endpoint_X"])
    assert layout_doubt(one) == "all vehicle wells stand in one column, without treated wells"


def test_names_that_are_no_places_say_nothing():
    assert places_of(["B07", "AA01", "W12x"])[:2].tolist() == [[1, 6], [26, 0]]
    (one,) = gather(plate().assign(Metadata_Well="A01"), ["Endpoint_X"])
    assert layout_doubt(one) == ""


def test_a_gradient_over_the_vehicle_wells_is_found():
    rng = np.random.default_rng(0)
    wells = [f"{r}{c:02d}" for r in "ABCDEFGH" for c in range(1, 13)]
    table = pd.DataFrame({"Metadata_Well": wells}).assign(
        Metadata_Plate="P", Metadata_Timepoint=24.0, Metadata_Role="vehicle", Count_Cells=100
    )
    column = places_of(wells)[:, 1]
    table["Endpoint_X"] = 1 + 0.05 * column + rng.normal(0, 0.1, 96)
    found = {row["Term"]: row for row in position_rows(table, ["Endpoint_X"])}
    assert found["column"]["Q"] < 1e-6 and found["row"]["P"] > 0.01 and found["edge"]["P"] > 0.01

    # a measurement that no vehicle well has, and one that few have
    table["Endpoint_X"] = np.where(np.arange(96) < 3, 1.0, np.nan)
    assert {row["Reason"] for row in position_rows(table, ["Endpoint_X"])} == {
        "3 vehicle wells; 8 are needed"
    }
    table["Endpoint_X"] = np.nan
    assert {row["Reason"] for row in position_rows(table, ["Endpoint_X"])} == {
        "0 vehicle wells; 8 are needed"
    }


def gradient(slope=0.05, vehicle=16):
    """A plate on which the value grows along the columns, vehicle at random places, the rest inactive."""
    rng = np.random.default_rng(0)
    wells = [f"{r}{c:02d}" for r in "ABCDEFGH" for c in range(1, 13)]
    table = pd.DataFrame({"Metadata_Well": wells}).assign(
        Metadata_Plate="P", Metadata_Timepoint=24.0, Metadata_Compound="Drug", Metadata_Dose=1.0,
        Metadata_Role="treated", Count_Cells=100,
    )  # fmt: skip
    chosen = rng.permutation(96)[:vehicle]
    table.loc[chosen, ["Metadata_Role", "Metadata_Compound", "Metadata_Dose"]] = ["vehicle", "DMSO", 0.0]
    column = np.tile(np.arange(12), 8)
    return check_wells(
        table.assign(Endpoint_X=np.exp(slope * column + rng.normal(0, 0.02, 96))), "wells"
    ), column


def test_a_gradient_is_corrected_by_vehicle_wells_alone_and_said():
    table, column = gradient()
    treated = (table["Metadata_Role"] == "treated").to_numpy()
    table.loc[treated & (column > 5), "Endpoint_X"] *= 2  # an effect along the columns stays
    found, said = correct(table, ["Endpoint_X"], ("column",))
    value = np.log(found["Endpoint_X"].to_numpy())
    left, right = value[treated & (column <= 5)], value[treated & (column > 5)]
    assert right.mean() - left.mean() == pytest.approx(np.log(2), abs=0.03)
    assert left.std() < 0.03 and right.std() < 0.03
    assert said == {("P", 24.0, "Endpoint_X"): ""}
    assert (
        note_of(said, {"P"}, 24.0, "Endpoint_X", ("column",)) == "corrected for column by the vehicle wells"
    )


def test_where_vehicle_cannot_tell_the_place_nothing_is_corrected_and_it_is_said():
    table, column = gradient(vehicle=5)
    found, said = correct(table, ["Endpoint_X"], ("row", "column"))
    assert found["Endpoint_X"].equals(table["Endpoint_X"])
    note = note_of(said, {"P"}, 24.0, "Endpoint_X", ("row", "column"))
    assert note == "not corrected for row, column on plate P (5 vehicle wells; 7 are needed)"
    table, column = gradient()
    table = table[(table["Metadata_Role"] == "treated") | (column == 3)].reset_index(drop=True)
    line = [f"{r}04" for r in "ABCDEFGH"]
    vehicle = table[:8].assign(Metadata_Role="vehicle", Metadata_Compound="DMSO", Metadata_Well=line)
    table = pd.concat([vehicle, table[table["Metadata_Role"] == "treated"]], ignore_index=True)
    assert "do not tell it" in correct(table, ["Endpoint_X"], ("column",))[1]["P", 24.0, "Endpoint_X"]
    assert correct(table, ["Endpoint_X"], ())[0] is table
    # vehicle in two columns of the middle: a line through them goes anywhere at the sides
    table, column = gradient()
    middle = np.isin(column, (5, 6))
    table = table[middle | (table["Metadata_Role"] == "treated")].reset_index(drop=True)
    inside = table["Metadata_Well"].str[1:].isin(["06", "07"])
    table.loc[inside, ["Metadata_Role", "Metadata_Compound", "Metadata_Dose"]] = ["vehicle", "DMSO", 0.0]
    said = correct(table, ["Endpoint_X"], ("column",))[1]
    assert "too far from others" in said["P", 24.0, "Endpoint_X"]
    assert correct(table, ["Endpoint_X"], ("row",))[1]["P", 24.0, "Endpoint_X"] == ""


def test_terms_of_the_place_are_read_and_others_named():
    assert parse_terms("none") == () and parse_terms("edge, row") == ("row", "edge")
    with pytest.raises(ParameterError, match="'well'"):
        parse_terms("row,well")


def test_hits_of_one_dose_are_those_that_differ_and_few_others():
    rng = np.random.default_rng(1)
    rows = [("DMSO", "vehicle", 0.0)] * 16 + [(f"C{n}", "treated", 1.0) for n in range(60) for _ in range(2)]
    table = pd.DataFrame(rows, columns=["Metadata_Compound", "Metadata_Role", "Metadata_Dose"]).assign(
        Metadata_Plate="P", Metadata_Timepoint=24.0, Metadata_Replicate="1", Metadata_DoseUnit="uM",
        Metadata_Well="A01", Count_Cells=100,
    )  # fmt: skip
    table["Endpoint_X"] = rng.normal(10, 1, len(table)) + 8.0 * table["Metadata_Compound"].isin(["C0", "C1"])
    found = {row["Metadata_Compound"]: row for row in hit_rows(check_wells(table, "w"), ["Endpoint_X"])}
    hits = {name for name, row in found.items() if row["Hit"]}
    assert {"C0", "C1"} <= hits and len(hits) <= 4
    assert found["C0"]["RobustZ"] > 4 and found["C0"]["SSMD"] > 3


@pytest.mark.parametrize("columns", [(1, 24), (5, 12)])
def test_hits_say_where_their_layout_cannot_tell_them_from_the_place(columns):
    rng = np.random.default_rng(1)
    rows = []
    for letter in "ABCDEFGHIJKLMNOP":
        for column in range(1, 25):
            vehicle = column in columns
            name = "DMSO" if vehicle else f"{letter}{column}"
            rows.append((f"{letter}{column:02d}", name, "vehicle" if vehicle else "treated"))
    table = pd.DataFrame(rows, columns=["Metadata_Well", "Metadata_Compound", "Metadata_Role"]).assign(
        Metadata_Plate="P", Metadata_Dose=10.0, Metadata_DoseUnit="uM", Count_Cells=100
    )
    table["Endpoint_X"] = rng.normal(10, 1, len(table))
    said = {row["Layout"] for row in hit_rows(check_wells(table, "w"), ["Endpoint_X"])}
    apart = "all vehicle wells stand in two columns, on either side of all treated wells"
    assert said == ({apart} if columns == (1, 24) else {None})


def test_ssmd_and_robust_z_known_values():
    row = judged(np.array([4.0, 6.0]), np.array([-1.0, 0.0, 1.0, 2.0, -2.0]))
    assert row["RobustZ"] == pytest.approx(5 / 1.4826)
    assert row["SSMD"] == pytest.approx(5 / np.sqrt(2.5 + 2.0))
    assert "2 of vehicle" in judged(np.array([1.0]), np.array([0.0, 1.0]))["Reason"]


def test_cells_of_a_spreadsheet_are_no_formulas(tmp_path):
    table = pa.table(
        {
            "Metadata_Compound": ["=1+1", "-x", "@y", "plain", None, "\uff1d1"],
            "N": [-1.5, 2.0, None, 3.0, 4.0, 5.0],
        }
    )
    write_csv(table, tmp_path / "t.csv")
    with open(tmp_path / "t.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'-x", "'@y", "plain", "", "'\uff1d1"]
    assert [row[1] for row in rows[1:4]] == ["-1.5", "2.0", ""]
