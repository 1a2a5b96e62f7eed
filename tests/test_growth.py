"""Growth rates, comparisons of EC50s, points of departure."""

import math

import numpy as np
import pandas as pd
import pytest

from morphodose.responses.compare import comparison_rows, departure_rows, ratio
from morphodose.responses.growth import growth_rate, growth_rows
from morphodose.responses.select import check_wells
from stats_tables import wells_table


def test_growth_rates_worked_by_hand():
    # vehicle grows from 100 to 400 cells, two doublings; treated wells end with 400, 200, 100, 50 and no cells:
    # 2^(2/2) - 1, 2^(1/2) - 1, 2^0 - 1, 2^(-1/2) - 1, 2^(-inf) - 1
    found = growth_rate(np.array([400, 200, 100, 50, 0]) / 400, 2.0)
    assert found == pytest.approx([1, math.sqrt(2) - 1, 0, 1 / math.sqrt(2) - 1, -1])


#: MCF10A, drugA, replicate 1, 48 h of the toy example of gr_metrics (github.com/datarail/gr_metrics): counts at
#: the end, and the GR values of its table of results. Control 1212.5 cells, 299.5 at the start.
PUBLISHED = {
    0.001: (1131, 0.932193), 0.003162: (1205, 0.993858), 0.01: (1021, 0.836636), 0.03162: (743, 0.568912),
    0.1: (459, 0.235692), 0.3162: (318, 0.0301564), 1.0: (284, -0.0259976), 3.162: (274, -0.0431516),
    10.0: (249, -0.0874719),
}  # fmt: skip


def test_growth_rates_are_those_of_gr_metrics():
    counts, published = np.array(list(PUBLISHED.values())).T
    assert growth_rate(counts / 1212.5, math.log2(1212.5 / 299.5)) == pytest.approx(published, abs=1e-6)
    rows = [(4.0, 0.0, 299.5)] * 4 + [(52.0, 0.0, 1212.5 * (1 + off)) for off in (-0.02, -0.01, 0.01, 0.02)]
    rows += [(52.0, dose, count) for dose, (count, _) in PUBLISHED.items()]
    table = pd.DataFrame(rows, columns=["Metadata_Timepoint", "Metadata_Dose", "Count_CellsPerField"]).assign(
        Metadata_Well=[f"A{n + 1:02d}" for n in range(len(rows))], Metadata_Compound="drugA",
        Metadata_DoseUnit="uM", Count_Cells=300,
    )  # fmt: skip
    table["Metadata_Role"] = np.where(table["Metadata_Dose"] > 0, "treated", "vehicle")
    table["Relative_CellCount"] = table["Count_CellsPerField"] / np.where(
        table["Metadata_Timepoint"] > 4, 1212.5, 299.5
    )
    (row,) = growth_rows(check_wells(table, "wells"))
    # between the published values at 0.03162 and 0.1, along the logarithm of the dose
    gr50 = 0.03162 * (0.1 / 0.03162) ** ((0.568912 - 0.5) / (0.568912 - 0.235692))
    assert row["State"] == "fitted" and row["GR50"] == pytest.approx(gr50, rel=0.05)
    assert row["GR50_Low"] < gr50 < row["GR50_High"] and row["GRmax"] == pytest.approx(-0.0874719, abs=1e-6)


def growing(doublings=2.0, gr50=1.0, bottom=0.0, scatter=0.03):
    """Counts after 4 h and 52 h along a GR curve from 1 to `bottom` whose value is 0.5 at `gr50`."""
    middle = gr50 / ((1 - bottom) / (0.5 - bottom) - 1) ** (1 / 1.5)

    def relative(dose, hours, rng):
        gr = bottom + (1 - bottom) / (1 + (dose / middle) ** 1.5) if dose else 1.0
        return (
            ((gr + 1) / 2) ** doublings * rng.lognormal(0, scatter)
            if hours > 4
            else rng.lognormal(0, scatter)
        )

    table = wells_table({"Relative_CellCount": relative}, times=(4.0, 52.0), vehicle=4)
    growth = np.where(table["Metadata_Timepoint"] > 4, 2.0**doublings, 1.0)
    return check_wells(table.assign(Count_CellsPerField=100 * growth * table["Relative_CellCount"]), "wells")


@pytest.mark.parametrize("doublings", [1.0, 3.0])
def test_gr50_and_grmax_do_not_depend_on_how_fast_cells_divide(doublings):
    (row,) = growth_rows(growing(doublings))
    assert (row["State"], row["Metadata_Timepoint"], row["Start_h"]) == ("fitted", 52.0, 4.0)
    assert row["Doublings"] == pytest.approx(doublings, abs=0.1)
    assert row["GR50_Low"] < 1.0 < row["GR50_High"] and row["GR50"] == pytest.approx(1.0, rel=0.2)
    assert (
        row["GRmax"] == pytest.approx(0.0, abs=0.05) and row["GRmax_Low"] < row["GRmax"] < row["GRmax_High"]
    )


def test_a_drug_that_only_slows_growth_has_no_gr50_but_a_bound():
    (row,) = growth_rows(growing(bottom=-0.5, gr50=300.0))
    assert row["State"] == "unbounded" and math.isnan(row["GR50"]) and row["GR50_Low"] > 10


def test_growth_of_vehicle_that_is_missing_is_a_reason_and_no_number():
    (row,) = growth_rows(growing(doublings=0.1))
    assert row["State"] == "refused" and math.isnan(row["GR50"]) and math.isnan(row["GRmax"])
    assert "doublings on plate P; 0.3 are needed" in row["Reason"]
    assert growth_rows(growing()[lambda t: t["Metadata_Timepoint"] == 4.0]) == []


def response(
    compound, ec50, factor=1.5, group="", endpoint="Fraction_Dying", state="fitted", departure=math.nan
):
    return {
        "Metadata_Compound": compound, "Metadata_Group": group, "Metadata_Timepoint": 24.0,
        "Metadata_DoseUnit": "uM", "Endpoint": endpoint, "State": state, "EC50": ec50,
        "EC50_Low": ec50 / factor, "EC50_High": ec50 * factor, "PointOfDeparture": departure,
        "PointOfDeparture_Low": departure / 2, "PointOfDeparture_High": departure * 2,
    }  # fmt: skip


def test_a_ratio_of_ec50s_worked_by_hand():
    # ln 2 = 0.693 apart, standard errors of ln 1.5 / 1.96 = 0.2069 each: z = 0.693 / 0.2926 = 2.369
    found = ratio(response("A", 2.0), response("B", 1.0))
    assert found["Ratio"] == pytest.approx(2)
    assert found["P"] == pytest.approx(0.0178, abs=2e-4)
    half = math.hypot(math.log(1.5), math.log(1.5))
    assert math.log(found["Ratio_High"]) == pytest.approx(math.log(2) + half)


def test_pairs_of_groups_and_of_compounds_are_compared_and_adjusted():
    rows = [response("A", 1.0, group="CellLine=X"), response("A", 10.0, group="CellLine=Y")]
    rows += [
        response("B", 1.1, group="CellLine=X"),
        response("C", 9.0, state="unbounded", group="CellLine=X"),
    ]
    rows.append(response("A", 3.0, group="CellLine=X", endpoint="Relative_CellCount"))
    found = {(row["Kind"], row["First"], row["Second"]): row for row in comparison_rows(rows)}
    assert set(found) == {("groups", "CellLine=X", "CellLine=Y"), ("compounds", "A", "B")}
    assert found["groups", "CellLine=X", "CellLine=Y"]["P_Adjusted"] < 1e-6
    assert found["compounds", "A", "B"]["P_Adjusted"] > 0.5
    three = comparison_rows([response(name, ec50) for name, ec50 in (("A", 1.0), ("B", 2.0), ("C", 4.0))])
    smallest = min(row["P"] for row in three)
    assert min(row["P_Adjusted"] for row in three) == pytest.approx(3 * smallest)
    many = [response(f"C{n:02d}", 1.0 + n) for n in range(13)]
    assert comparison_rows(many) == []


def test_the_point_of_departure_of_shape_stands_beside_that_of_death():
    area, round_ = "MedianViable_Cells_AreaShape_Area", "MedianViable_Cells_AreaShape_FormFactor"
    rows = [
        response("A", 5.0, departure=2.0),
        response("A", 3.0, endpoint=area, departure=1.0),
        response("A", 3.0, endpoint=round_, departure=0.5),
        response("A", 3.0, endpoint="Median_Cells_AreaShape_Area", departure=0.1),
        response("A", 3.0, endpoint=round_, departure=0.01, state="refused"),
        response("B", 5.0, departure=2.0),
    ]
    first, second = departure_rows(rows)
    assert (first["ShapeEndpoint"], first["DeathEndpoint"], first["Ratio"]) == (
        round_,
        "Fraction_Dying",
        0.25,
    )
    assert second["ShapeEndpoint"] is None and math.isnan(second["Ratio"])
