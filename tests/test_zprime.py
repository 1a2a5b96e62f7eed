"""Z′ of control wells."""

import math

import pandas as pd
import pytest

from morphodose.responses.zprime import z_prime, zprime_table


def test_z_prime_known_value():
    # SDs 1 and 1, means 10 and 0: 1 - 3 * 2 / 10
    assert z_prime([9, 10, 11], [-1, 0, 1]) == (pytest.approx(0.4), "")


def test_a_single_control_well_has_no_z_prime_but_a_reason():
    value, reason = z_prime([1.0], [0.0, 1.0])
    assert math.isnan(value) and "1 positive and 2 vehicle" in reason


def wells():
    rows = []
    for compound, positive, shift in (("A", [10, 10.5, 11], 0), ("B", [5, 5.5, 6], 1)):
        for role, values in (("positive", positive), ("vehicle", [0, 0.5, 1]), ("treated", [3])):
            rows += [
                {"Metadata_Compound": compound, "Metadata_Role": role, "Endpoint_X": v + shift}
                for v in values
            ]
    frame = pd.DataFrame(rows)
    return frame.assign(Metadata_Plate="P", Metadata_Timepoint=4.0, Metadata_Dose=1.0, Count_Cells=50)


def test_a_compound_is_judged_by_its_own_controls():
    rows = {row["Metadata_Compound"]: row["ZPrime"] for row in zprime_table(wells(), ["Endpoint_X"])}
    assert rows == {"A": pytest.approx(0.7), "B": pytest.approx(0.4)}


def test_a_compound_without_controls_is_judged_by_those_of_the_plate_and_a_plate_without_has_no_row():
    table = wells()
    table = table[(table["Metadata_Role"] != "positive") | (table["Metadata_Compound"] == "A")]
    rows = {row["Metadata_Compound"]: row for row in zprime_table(table, ["Endpoint_X"])}
    assert rows["B"]["N_Positive"] == 3
    assert zprime_table(table[table["Metadata_Role"] != "positive"], ["Endpoint_X"]) == []
