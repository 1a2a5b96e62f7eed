"""Tables of wells that nobody checked before: each has its right value, or a refusal with the reason."""

import numpy as np
import pandas as pd
import pytest

from morphodose.errors import InputError
from morphodose.responses.fit import respond
from morphodose.responses.gathering import gather
from morphodose.responses.hits import judged
from morphodose.responses.logistic import logistic
from morphodose.responses.select import called, check_wells
from morphodose.responses.table_checks import check_values, one_name
from morphodose.responses.wells_file import read_wells
from stats_tables import wells_table


def rising():
    return wells_table({"Endpoint_X": lambda d, h, rng: logistic(d, 1, 2, 0.0, 1.5) + rng.normal(0, 0.02)})


def rows_of(table, endpoint="Endpoint_X"):
    return respond(gather(check_wells(table, "wells"), [endpoint]))[0]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("Metadata_Dose", -2.0, "dose -2 is below 0, first in well .*; if it is a logarithm"),
        ("Metadata_Dose", np.inf, "dose inf is infinite"),
        ("Metadata_Dose", 1e-31, "below 1e-30, first in well .*; give the doses in a smaller unit"),
        ("Metadata_Dose", 1e31, "above 1e.30"),
        ("Metadata_Dose", np.nan, "3 treated wells without a dose.*write it in Metadata_Dose"),
        ("Metadata_Compound", None, "3 treated wells without a compound"),
        ("Metadata_Compound", "  ", "3 treated wells without a compound"),
        ("Metadata_Timepoint", np.nan, "3 wells without a timepoint"),
        ("Metadata_Timepoint", np.inf, "3 wells without a timepoint"),
    ],
)
def test_wells_without_a_place_in_the_analysis_are_named(column, value, words):
    table = rising()
    table.loc[table["Metadata_Dose"] == 1, column] = value
    with pytest.raises(InputError, match=words):
        check_wells(table, "wells")


def test_copies_of_rows_are_no_replicates_and_names_that_are_no_places_say_nothing():
    table = rising()
    with pytest.raises(InputError, match="copies of others, with the same place and the same values"):
        check_wells(pd.concat([table, table.iloc[:3]]), "wells")
    table["Metadata_Well"] = "A01"
    assert len(check_wells(table, "wells")) == len(table)


def test_roles_and_compounds_are_read_whatever_their_case():
    table = rising()
    table["Metadata_Role"] = table["Metadata_Role"].str.title() + " "
    treated = table["Metadata_Role"] == "Treated "
    names = np.resize(["Drug", "drug", "DRUG\u00a0", "D\uff52ug"], int(treated.sum()))
    table.loc[treated, "Metadata_Compound"] = names
    (row,) = rows_of(table)
    assert row["State"] == "fitted" and row["EC50"] == pytest.approx(1, rel=0.1)
    assert row["Metadata_Compound"].casefold().strip() in ("drug", "d\uff52ug")
    (line,) = one_name(table.assign(Metadata_Line="HeLa"))[1]
    assert "'Drug' and 'drug'" in line and "taken as one" in line
    said = one_name(rising().assign(Metadata_Line=np.resize(["HeLa", "hela"], len(table))))[1]
    assert said == [
        "Metadata_Line: 'HeLa' and 'hela' differ only in case, blanks or encoding and are taken as different"
    ]
    with pytest.raises(InputError, match="roles: compound, dmso"):
        check_wells(table.assign(Metadata_Role=np.resize(["DMSO", "compound"], len(table))), "wells")


def test_treatments_without_any_dose_have_dose_one_as_in_a_plate_map():
    table = rising()
    table.loc[table["Metadata_Role"] == "treated", "Metadata_Dose"] = np.nan
    assert set(check_wells(table, "wells")["Metadata_Dose"]) == {0.0, 1.0}


def test_a_treated_well_at_dose_zero_is_said():
    table = rising()
    table.loc[table["Metadata_Dose"] == 0.01, "Metadata_Dose"] = 0.0
    (row,) = rows_of(table)
    assert row["State"] == "fitted" and "treated, with dose 0, and taken as vehicle: well " in row["Notes"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_compound_without_any_value_is_refused_and_not_left_out_of_the_table(value):
    one, other = rising(), rising()
    other.loc[other["Metadata_Role"] == "treated", ["Metadata_Compound", "Endpoint_X"]] = "Other", value
    other["Metadata_Well"] = "X" + other["Metadata_Well"]
    rows = {row["Metadata_Compound"]: row for row in rows_of(pd.concat([one, other]))}
    assert rows["Drug"]["State"] == "fitted" and rows["Other"]["State"] == "refused"
    assert "no well with a dose has a value" in rows["Other"]["Reason"]
    # what was not measured at all, as a stain of the end point, has no row
    one["Endpoint_X"] = np.nan
    assert rows_of(one) == []


@pytest.mark.parametrize(
    ("endpoint", "value", "words"),
    [
        ("Fraction_Dying", 37.0, "Fraction_Dying is 37, first in well .*; .* divide per cent by 100"),
        ("Fraction_Dying", -0.2, "a fraction lies between 0 and 1"),
        ("Relative_CellCount", -1.0, "a number of cells is 0 or more"),
        ("Count_Cells", -1.0, "a number of cells is 0 or more"),
        ("Count_Cells", np.inf, "Count_Cells is infinite"),
        ("Endpoint_X", 1e150, "give it in a unit in which values lie between"),
    ],
)
def test_values_that_cannot_be_are_named(endpoint, value, words):
    table = rising().assign(Fraction_Dying=0.1, Relative_CellCount=1.0, Count_Cells=100.0)
    table.loc[3, endpoint] = value
    with pytest.raises(InputError, match=words):
        check_values(table, [name for name in table if name.startswith(("Endp", "Frac", "Rel"))], "wells")


def test_a_value_in_a_table_that_names_no_wells_is_told_by_its_row():
    table = pd.DataFrame({"Fraction_Dying": [0.1, 37.0]})
    with pytest.raises(InputError, match="is 37, first in row 2 below the header; .* divide per cent by 100"):
        check_values(table, ["Fraction_Dying"], "wells")


def test_values_of_a_unit_that_no_fit_computes_with_are_named_and_rounding_is_taken_out():
    table = rising()
    table["Endpoint_X"] *= 1e-150
    with pytest.raises(InputError, match="Endpoint_X is .*e-150"):
        check_values(table, ["Endpoint_X"], "wells")
    table = rising().assign(Fraction_Dying=1 + 1e-9, Fraction_Lost=-0.3)
    assert check_values(table, ["Fraction_Dying", "Fraction_Lost"], "wells")["Fraction_Dying"].eq(1).all()


def test_a_missing_number_of_cells_is_few_cells():
    assert called(pd.DataFrame({"Count_Cells": [np.nan, 80.0]})).tolist() == [5, 80]


def test_hits_where_most_vehicle_wells_are_equal_have_no_robust_z_but_a_p_value():
    row = judged(np.array([0.9]), np.array([0, 0, 0, 0, 0, 0.01, 0.02]))
    assert (
        np.isnan(row["RobustZ"]) and row["SSMD"] > 10 and row["P"] < 1e-6 and "no robust z" in row["Reason"]
    )


def test_another_table_is_told_as_such_before_its_endpoints_are_looked_for(tmp_path):
    rising().drop(columns=["Metadata_Well", "Metadata_Role", "Endpoint_X"]).to_csv(
        tmp_path / "a.csv", index=False
    )
    with pytest.raises(
        InputError, match="no column Metadata_Well, Metadata_Role; the table wells of profile_wells"
    ):
        read_wells(tmp_path / "a.csv", [])
