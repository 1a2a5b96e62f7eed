"""The command that profiles wells, and its parts."""

import math

import numpy as np
import pandas as pd
import pytest

from morphodose.errors import InputError
from morphodose.profiles.endpoints import Endpoint, parse_endpoints
from morphodose.profiles.relative import relative_columns
from morphodose.profiles.segmentation import drop_without_nuclei, segmentation_counts
from morphodose.profiles.wells import fractions, well_rows
from morphodose.responses.endpoints import choose
from morphodose.tables import column_units, write_table
from stats_tables import keys, measurements, plate_map, run, succeed

WELLS = {
    "A01": ("DMSO", 0, "vehicle"),
    "A02": ("Drug", 1, "treated"),
    "A03": ("Drug", 3, "treated"),
    "A04": ("Drug", 9, "treated"),
}
#: Nuclei in kept cells, in cells at the border, in no cell.
NUCLEI = {"A01": (38, 4, 2), "A02": (20, 2, 22), "A03": (0, 0, 11), "A04": (9, 1, 0)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A01: 40 vehicle cells; A02: 20 cells in each state; A03: an empty field; A04: its field was dropped."""
    tmp = tmp_path_factory.mktemp("profile")
    states = [s for s in ("viable", "early_apoptotic", "late_apoptotic", "necrotic") for _ in range(5)]
    contents = {"A01": ["viable"] * 40, "A02": states, "A03": [], "A04": ["viable"] * 9}
    for well, cells in contents.items():
        measurements(tmp / "m", well, cells)
        one = {name: column[:1] for name, column in keys(well, 1).items() if "Object" not in name}
        one.pop("Metadata_CellID")
        counts = {"Count_Cells": [len(cells)], "Count_BorderCells": [2]}
        names = ("Count_Nuclei", "Count_NucleiInBorderCells", "Count_NucleiWithoutCell")
        counts |= {name: [value] for name, value in zip(names, NUCLEI[well], strict=True)}
        write_table(pd.DataFrame(one | counts), tmp / "masks" / well / "fields.parquet")
        made = {"Metadata_CellID": keys(well, len(cells))["Metadata_CellID"]}
        made["Metadata_CellOrigin"] = ["cellpose"] * len(cells)
        write_table(pd.DataFrame(made, dtype="str"), tmp / "masks" / well / "objects.parquet")
        verdict = "drop" if well == "A04" else "keep"
        qc = one | {"Metadata_QCVerdict": [verdict], "Metadata_QCReason": ["out of focus"]}
        write_table(pd.DataFrame(qc), tmp / "qc" / f"{well}.parquet")
    plate_map(tmp / "map.csv", WELLS)
    death = {
        name: value
        for well, cells in contents.items()
        for name, value in zip(keys(well, len(cells))["Metadata_CellID"], cells, strict=True)
    }
    states_of_cells = list(death.values())
    moved = {  # a fifth of the dead are alive at higher gates, which is one of five in A02
        "Metadata_DeathStateGateLower": states_of_cells,
        "Metadata_DeathStateGateHigher": [
            "viable" if name.endswith(("obj16", "obj11")) else state for name, state in death.items()
        ],
    }
    frame = pd.DataFrame({"Metadata_CellID": list(death), "Metadata_DeathState": states_of_cells} | moved)
    write_table(frame, tmp / "death.parquet")
    succeed(
        "annotate_cells",
        "--measurements",
        tmp / "m",
        "--plate_map",
        tmp / "map.csv",
        "--masks",
        tmp / "masks",
        "--qc",
        tmp / "qc",
        "--death",
        tmp / "death.parquet",
        "--cells_out",
        tmp / "cells",
        "--images_out",
        tmp / "images" / "a.parquet",
    )
    succeed(
        "profile_wells",
        "--cells",
        tmp / "cells",
        "--images",
        tmp / "images",
        "--out",
        tmp / "wells.parquet",
        "--conditions_out",
        tmp / "conditions.parquet",
        "--endpoints",
        "VP=Cells_Intensity_MeanIntensity_V/Nuclei_Intensity_MeanIntensity_P",
    )
    return tmp


@pytest.fixture(scope="module")
def wells(folder):
    return pd.read_parquet(folder / "wells.parquet").set_index("Metadata_Well")


def test_every_well_has_a_row_the_empty_and_the_dropped_one_too(wells):
    assert list(wells.index) == ["A01", "A02", "A03", "A04"]
    assert list(wells["Count_Cells"]) == [40, 20, 0, 0]
    assert list(wells["Count_Fields"]) == [1, 1, 1, 0]
    assert list(wells["Count_FieldsDropped"]) == [0, 0, 0, 1]


def test_fractions_are_those_of_the_states_and_null_without_cells(wells):
    row = wells.loc["A02"]
    assert row["Fraction_Viable"] == row["Fraction_Necrotic"] == 0.25
    assert row["Fraction_Dead"] == 0.5 and row["Fraction_Dying"] == 0.75
    # Wilson, 15 of 20
    assert (row["Fraction_Dying_Low"], row["Fraction_Dying_High"]) == pytest.approx(
        (0.5313, 0.8881), abs=1e-4
    )
    assert wells.loc[["A03", "A04"], "Fraction_Dying"].isna().all()


def test_fractions_at_moved_gates_stand_beside_those_at_the_gates(wells, folder):
    row = wells.loc["A02"]
    assert row["Fraction_Dead_GateLower"] == 0.5 and row["Fraction_Dead_GateHigher"] == 0.4
    assert row["Fraction_Viable_GateHigher"] == 0.35 and row["Fraction_EarlyApoptotic_GateHigher"] == 0.25
    assert wells.loc[["A03", "A04"], "Fraction_Viable_GateLower"].isna().all()
    conditions = pd.read_parquet(folder / "conditions.parquet")
    assert not conditions["Endpoint"].str.contains("_Gate").any()


def test_cells_are_counted_against_vehicle(wells):
    assert list(wells["Relative_CellCount"])[:3] == pytest.approx([1.0, 0.5, 0.0])
    assert list(wells["Fraction_Lost"])[:3] == pytest.approx([0.0, 0.5, 1.0])
    assert list(wells["Relative_ViableCount"])[:3] == pytest.approx([1.0, 0.125, 0.0])
    assert math.isnan(wells.loc["A04", "Relative_CellCount"])


def test_nuclei_are_counted_wherever_they_lie_so_that_cells_without_stain_are_not_dead(wells):
    assert list(wells["Count_NucleiPerField"])[:3] == [44, 44, 11]
    assert list(wells["Relative_NucleiCount"])[:3] == pytest.approx([1.0, 1.0, 0.25])
    assert list(wells["Count_NucleiWithoutCell"]) == [2, 22, 11, 0]
    assert math.isnan(wells.loc["A04", "Relative_NucleiCount"])
    assert "Relative_NucleiCount" in choose(wells.columns)


def test_a_screen_without_a_nuclear_channel_has_no_count_of_nuclei():
    fields = pd.DataFrame({"Count_Cells": [5], "Count_Nuclei": [0], "Count_NucleiWithoutCell": [0]})
    rows = [segmentation_counts(fields), segmentation_counts(fields.iloc[:0])]
    assert rows[0]["Count_NucleiPerField"] == 0
    drop_without_nuclei(rows)
    assert not any("Count_NucleiPerField" in row for row in rows)
    assert segmentation_counts(fields.drop(columns="Count_Nuclei")) == {"Count_NucleiWithoutCell": 0}


def test_medians_are_over_all_cells_and_over_viable_cells_apart(wells, folder):
    assert wells.loc["A02", "Median_Cells_AreaShape_Area"] == 110.5
    assert wells.loc["A02", "MedianViable_Cells_AreaShape_Area"] == 103.0
    assert math.isnan(wells.loc["A03", "Median_Cells_AreaShape_Area"])
    units = column_units(folder / "wells.parquet")
    assert units["Median_Cells_AreaShape_Area"] == units["MedianViable_Cells_AreaShape_Area"] == "um2"


def test_an_own_endpoint_is_the_median_of_the_ratio_of_each_cell(wells, folder):
    cells = pd.read_parquet(folder / "cells" / "Time_4hrs_R1_Well_A02.parquet")
    ratio = cells["Cells_Intensity_MeanIntensity_V"] / cells["Nuclei_Intensity_MeanIntensity_P"]
    assert wells.loc["A02", "Endpoint_VP"] == pytest.approx(ratio.median(), rel=1e-5)


def test_conditions_have_vehicle_as_dose_zero_of_the_compound(folder):
    table = pd.read_parquet(folder / "conditions.parquet")
    dying = table[table["Endpoint"] == "Fraction_Dying"].set_index("Metadata_Dose")
    assert set(dying["Metadata_Compound"]) == {"Drug"}
    assert dict(dying["Mean"]) == {0.0: 0.0, 1.0: 0.75} and dying["Low"].isna().all()


def test_without_death_states_the_fractions_are_absent(folder, tmp_path):
    succeed(
        "annotate_cells",
        "--measurements",
        folder / "m",
        "--plate_map",
        folder / "map.csv",
        "--cells_out",
        tmp_path / "c",
        "--images_out",
        tmp_path / "i" / "a.parquet",
    )
    succeed(
        "profile_wells",
        "--cells",
        tmp_path / "c",
        "--images",
        tmp_path / "i",
        "--out",
        tmp_path / "w.parquet",
    )
    names = pd.read_parquet(tmp_path / "w.parquet").columns
    assert {n for n in names if n.startswith("Fraction_")} == {"Fraction_Lost"}
    assert not [n for n in names if n.startswith("MedianViable_") or n == "Relative_ViableCount"]


def test_an_endpoint_that_was_not_measured_offers_the_nearest_one(folder):
    done = run(
        "profile_wells",
        "--cells",
        folder / "cells",
        "--images",
        folder / "images",
        "--out",
        folder / "x",
        "--endpoints",
        "a=Cells_AreaShape_Aera",
    )
    assert done.returncode == 1 and "did you mean Cells_AreaShape_Area" in done.stderr


def test_endpoints_are_names_columns_and_ratios():
    have = ["A", "B"]
    assert parse_endpoints("r=A/B, A", have) == [Endpoint("r", "A", "B"), Endpoint("A", "A")]
    assert parse_endpoints("", have) == []
    for text, message in (
        ("r=A,r=B", "given twice"),
        ("1=A", "is not a name"),
        ("r=A*B", "'A[*]B' is not the name of a column"),
        ("r=C", "not a measured"),
    ):
        with pytest.raises(InputError, match=message):
            parse_endpoints(text, have)


def test_a_ratio_by_zero_is_missing_not_infinite():
    values = Endpoint("r", "A", "B").of_cells({"A": np.array([1.0, 2.0]), "B": np.array([0.0, 4.0])})
    assert np.isnan(values[0]) and values[1] == 0.5


def test_what_a_single_dye_cannot_tell_is_null():
    images = np.array(["f"] * 4, dtype=object)
    pi = fractions(np.array(["viable", "dead", "dead", None], dtype=object), images)
    assert pi["Fraction_Dead"] == pytest.approx(2 / 3) and pi["Count_Called"] == 3
    assert math.isnan(pi["Fraction_EarlyApoptotic"]) and math.isnan(pi["Fraction_Necrotic"])
    annexin = fractions(np.array(["viable", "dying", "viable", "viable"], dtype=object), images)
    assert annexin["Fraction_Dying"] == 0.25 and math.isnan(annexin["Fraction_Dead"])


def reference_rows(vehicles):
    """Replicates 1 and 2 with `vehicles` vehicle wells each; replicate 2 has twice the cells."""
    rows = []
    for replicate, factor in (("1", 1), ("2", 2)):
        for role, count in [("vehicle", 100)] * vehicles + [("treated", 50)]:
            rows.append(
                {
                    "Metadata_Plate": "P",
                    "Metadata_Timepoint": 4.0,
                    "Metadata_Acquisition": f"R{replicate}",
                    "Metadata_Role": role,
                    "Count_Fields": 1,
                    "Count_Cells": count * factor,
                    "Count_CellsPerField": float(count * factor),
                }
            )
    frame = pd.DataFrame(rows)
    return frame.assign(**relative_columns(frame)).to_dict("records")


def test_an_acquisition_with_vehicle_wells_enough_is_compared_with_its_own():
    assert [row["Relative_CellCount"] for row in reference_rows(3) if row["Metadata_Role"] == "treated"] == [
        0.5,
        0.5,
    ]


def test_an_acquisition_with_one_vehicle_well_is_compared_with_those_of_all_replicates():
    rows = reference_rows(1)
    assert [row["Count_ReferenceWells"] for row in rows] == [2] * 4
    assert [row["Relative_CellCount"] for row in rows] == pytest.approx([2 / 3, 1 / 3, 4 / 3, 2 / 3])


def test_what_is_said_of_a_field_is_no_column_of_its_well():
    """A word of one field for all wells would part their replicates into groups with curves of their own."""
    keys = {
        "Metadata_Acquisition": "T", "Metadata_Well": ["A01", "A02"], "Metadata_Role": "treated",
        "Metadata_Donor": "7", "Metadata_ImageID": ["a", "b"], "Metadata_Field": 1,
    }  # fmt: skip
    said = {
        "Metadata_QCVerdict": "keep", "Metadata_QCReason": "", "Metadata_QCUnusable": "",
        "Metadata_QCMarks": ["PI=1", "PI=2"], "Metadata_LackingValues": ["1 Nuclei without some texture", ""],
    }  # fmt: skip
    found = [names for names, _ in well_rows(pd.DataFrame(keys | said))]
    assert [set(names) for names in found] == [{"Metadata_Acquisition", "Metadata_Well", "Metadata_Role",
                                                "Metadata_Donor"}] * 2  # fmt: skip
