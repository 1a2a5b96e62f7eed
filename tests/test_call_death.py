"""The command that calls death states."""

import numpy as np
import pandas as pd
import pytest

from morphodose.death.plot import plot_gates
from morphodose.tables import column_units, write_table
from stats_tables import measurements, plate_map, run, succeed

STATES = ["viable", "early_apoptotic", "late_apoptotic", "necrotic"]
WELLS = {"A01": ("DMSO", 0, "vehicle"), "A02": ("Drug", 1, "treated")}


@pytest.fixture
def folder(tmp_path):
    measurements(tmp_path / "m", "A01", ["viable"] * 50 + ["necrotic"] * 2, seed=1)
    measurements(tmp_path / "m", "A02", STATES * 5, seed=2)
    plate_map(tmp_path / "map.csv", WELLS)
    return tmp_path


def call(folder, *more):
    return succeed(
        "call_death",
        "--measurements",
        folder / "m",
        "--plate_map",
        folder / "map.csv",
        "--out_prefix",
        folder / "acq 'x'",
        *more,
    )


def test_every_cell_gets_the_state_that_its_dyes_show(folder):
    call(folder, "--early_death_channel", "V", "--late_death_channel", "P")
    death = pd.read_parquet(folder / "acq 'x'_death.parquet").set_index("Metadata_CellID")
    found = [death.loc[f"Time_4hrs_R1_Well_A02_Field_1_obj{i}", "Metadata_DeathState"] for i in range(1, 21)]
    assert found == STATES * 5
    assert len(death) == 72
    assert column_units(folder / "acq 'x'_death.parquet")["Death_Intensity_P"] == "counts"
    assert (folder / "acq 'x'_gates.png").stat().st_size > 5000


def test_the_table_of_gates_says_what_they_rest_on(folder):
    call(folder, "--early_death_channel", "V", "--late_death_channel", "P")
    gates = pd.read_parquet(folder / "acq 'x'_gates.parquet").set_index("Stain")
    assert gates.loc["early", "Count_VehicleCells"] == 52
    assert gates.loc["late", "Fraction_VehiclePositive"] == pytest.approx(2 / 52, abs=1e-6)
    assert gates.loc["late", "Column"] == "Nuclei_Intensity_MeanIntensity_P"
    assert gates["Threshold"].between(250, 1400).all()
    assert list(gates["Metadata_Acquisition"]) == ["Time_4hrs_R1"] * 2


def test_pi_alone_tells_viable_from_dead(folder):
    call(folder, "--late_death_channel", "P")
    death = pd.read_parquet(folder / "acq 'x'_death.parquet")
    assert death["Metadata_DeathState"].value_counts().to_dict() == {"viable": 60, "dead": 12}


def test_without_vehicle_wells_states_are_null_and_the_reason_is_in_the_table(folder):
    plate_map(folder / "map.csv", {"A01": ("Drug", 2, "treated"), "A02": ("Drug", 1, "treated")})
    call(folder, "--early_death_channel", "V", "--late_death_channel", "P")
    assert pd.read_parquet(folder / "acq 'x'_death.parquet")["Metadata_DeathState"].isna().all()
    gates = pd.read_parquet(folder / "acq 'x'_gates.parquet")
    assert set(gates["Reason"]) == {"0 vehicle cells; a gate needs 20"}
    assert gates["Threshold"].isna().all()


def test_an_acquisition_without_a_cell_has_empty_tables(folder):
    for well in ("A01", "A02"):
        measurements(folder / "m", well, [])
    call(folder, "--early_death_channel", "V", "--late_death_channel", "P")
    assert len(pd.read_parquet(folder / "acq 'x'_death.parquet")) == 0


def test_no_channel_and_an_unknown_channel_and_an_unmapped_well_are_named(folder):
    base = ("--measurements", folder / "m", "--plate_map", folder / "map.csv", "--out_prefix", folder / "x")
    assert "no dye marks death" in run("call_death", *base).stderr
    assert "'W'" in run("call_death", *base, "--early_death_channel", "W").stderr
    plate_map(folder / "map.csv", {"A01": WELLS["A01"]})
    assert "no row for well A02 of plate 'P'" in run("call_death", *base, "--early_death_channel", "V").stderr


def test_a_gate_by_hand_another_quantity_and_moved_gates_are_in_the_table(folder):
    cells = folder / "m" / "Time_4hrs_R1_Well_A01.parquet"
    for path in (cells, cells.with_name("Time_4hrs_R1_Well_A02.parquet")):
        table = pd.read_parquet(path)
        write_table(table.assign(Cells_Intensity_UpperQuartileIntensity_V=table.iloc[:, -2] * 2), path)
    options = (
        "--early_death_channel",
        "V",
        "--late_death_channel",
        "P",
        "--gates",
        "Time_4hrs_R1:V=900,P=1000",
    )
    call(folder, *options, "--death_quantities", "V=Cells:UpperQuartileIntensity")
    gates = pd.read_parquet(folder / "acq 'x'_gates.parquet").set_index("Stain")
    assert list(gates["Method"]) == ["manual", "manual"]
    assert list(gates["Threshold"]) == [900, 1000]
    assert gates.loc["early", "Column"] == "Cells_Intensity_UpperQuartileIntensity_V"
    assert gates.loc["early", "Fraction_Stained_treated"] == pytest.approx(0.5)
    assert gates.loc["late", "Fraction_Stained_treated_GateHigher"] == pytest.approx(0.5)


def test_states_at_moved_gates_are_in_the_table_and_a_well_that_hangs_on_the_gate_is_doubtful(folder):
    measurements(folder / "m", "A01", ["viable"] * 200, seed=1)
    # stained cells have 2,000 counts of P: 1,800 counts let them through, 0.1 of a decade more does not
    call(folder, "--early_death_channel", "V", "--late_death_channel", "P", "--gates", "V=700,P=1800")
    death = pd.read_parquet(folder / "acq 'x'_death.parquet").set_index("Metadata_CellID")
    well = death.index.str.contains("Well_A02")
    assert death.loc[well, "Metadata_DeathStateGateLower"].tolist() == STATES * 5
    alive = ["viable", "early_apoptotic", "early_apoptotic", "viable"]
    assert death.loc[well, "Metadata_DeathStateGateHigher"].tolist() == alive * 5
    said = "more than 10% of the cells lie so near the gate that a small move of it changes their state"
    assert death.loc[well, "Metadata_DeathDoubt"].str.contains(said).all()
    assert not death.loc[~well, "Metadata_DeathDoubt"].fillna("").str.contains(said).any()


@pytest.mark.parametrize("name", ["gate_base", "gate_debris_12_of_3012"])
def test_debris_among_the_vehicle_does_not_hide_death(shared_data, tmp_path, name):
    place = shared_data.parent / "cases" / "responses"
    succeed("call_death", "--measurements", place / f"{name}.parquet", "--plate_map",
            place / f"{name}_plate_map.csv", "--early_death_channel", "AnnexinV", "--late_death_channel", "PI",
            "--out_prefix", tmp_path / "x")  # fmt: skip
    gate = pd.read_parquet(tmp_path / "x_gates.parquet").set_index("Stain").loc["early"]
    assert 650 <= gate["Threshold"] <= 900
    assert gate["Fraction_Stained_treated"] == pytest.approx(0.65, abs=0.01)
    assert gate["Count_FarObjects"] == (12 if "debris" in name else 0)


def two_lines(folder, shift=2.0, vehicle_b=40):
    """Cell line A in row A; B, which takes up `shift` times as much of both dyes, in row B."""
    rows = []
    for line, times, count in (("A", 1.0, 40), ("B", shift, vehicle_b)):
        for column, (role, states) in enumerate(
            (("vehicle", ["viable"] * count), ("treated", ["viable"] * 30 + ["necrotic"] * 10)), start=1
        ):
            well = f"{line}{column:02d}"
            measurements(folder / "m", well, states, seed=ord(line) + column)
            path = folder / "m" / f"Time_4hrs_R1_Well_{well}.parquet"
            table = pd.read_parquet(path)
            dyes = [name for name in table if "Intensity" in name]
            write_table(table.assign(**{name: table[name] * times for name in dyes}), path)
            dose, compound = (0, "DMSO") if role == "vehicle" else (1, "Drug")
            rows.append(("P", well, compound, dose, "uM", role, f"Line{line}"))
    names = ["plate", "well", "compound", "dose", "dose_unit", "role", "CellLine"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "map.csv", index=False)


def dead_of(folder):
    death = pd.read_parquet(folder / "acq 'x'_death.parquet")
    well = death["Metadata_CellID"].str.extract(r"Well_(\w+?)_")[0]
    return death, (death["Metadata_DeathState"] == "dead").groupby(well).mean()


def test_two_cell_lines_have_a_gate_each_from_their_own_vehicle(tmp_path):
    two_lines(tmp_path)
    call(tmp_path, "--late_death_channel", "P")
    gates = pd.read_parquet(tmp_path / "acq 'x'_gates.parquet").set_index("Metadata_Group")
    assert list(gates.index) == ["CellLine=LineA", "CellLine=LineB"]
    assert gates["Centre"].tolist() == pytest.approx([210, 420], rel=0.05)
    assert gates["Count_VehicleCells"].tolist() == [40, 40]
    assert gates["Doubt"].isna().all()
    _death, dead = dead_of(tmp_path)
    assert dead.to_dict() == {"A01": 0, "A02": 0.25, "B01": 0, "B02": 0.25}


def test_a_line_with_few_vehicle_cells_has_the_gate_of_all_and_says_so(tmp_path):
    two_lines(tmp_path, shift=1.0, vehicle_b=8)
    call(tmp_path, "--late_death_channel", "P")
    gates = pd.read_parquet(tmp_path / "acq 'x'_gates.parquet").set_index("Metadata_Group")
    assert gates["Count_VehicleCells"].to_dict() == {"CellLine=LineA": 40, "CellLine=LineB": 48}
    said = "8 vehicle cells of CellLine=LineB: the gate is that of the controls of all groups"
    assert gates["Doubt"].fillna("").to_dict() == {"CellLine=LineA": "", "CellLine=LineB": said}
    death, dead = dead_of(tmp_path)
    assert dead["B02"] == 0.25
    of_b = death["Metadata_CellID"].str.contains("Well_B")
    assert (death.loc[of_b, "Metadata_DeathDoubt"] == said).all()
    assert death.loc[~of_b, "Metadata_DeathDoubt"].isna().all()


def test_groups_that_are_not_to_divide_share_a_gate(tmp_path):
    two_lines(tmp_path, shift=1.0)
    call(tmp_path, "--late_death_channel", "P", "--group_by", "none")
    gates = pd.read_parquet(tmp_path / "acq 'x'_gates.parquet")
    assert gates["Metadata_Group"].tolist() == [""]
    assert gates["Count_VehicleCells"].tolist() == [80]
    assert "'Line' is not a column" in run(
        "call_death", "--measurements", tmp_path / "m", "--plate_map", tmp_path / "map.csv",
        "--out_prefix", tmp_path / "y", "--late_death_channel", "P", "--group_by", "Line",
    ).stderr  # fmt: skip


def two_solvents(folder, background=0.0, vehicle="viable"):
    """Drug in DMSO in row A; Other in methanol in row B, whose light adds `background` counts to every cell."""
    rows = []
    for row, solvent, drug, more in (("A", "DMSO", "Drug", 0.0), ("B", "MeOH", "Other", background)):
        alive = ["viable"] * 40 if row == "A" else [vehicle] * 40
        for column, (role, states) in enumerate(
            (("vehicle", alive), ("treated", ["viable"] * 30 + ["necrotic"] * 10)), start=1
        ):
            well = f"{row}{column:02d}"
            measurements(folder / "m", well, states, seed=ord(row) + column)
            path = folder / "m" / f"Time_4hrs_R1_Well_{well}.parquet"
            table = pd.read_parquet(path)
            dyes = [name for name in table if "Intensity" in name]
            write_table(table.assign(**{name: table[name] + more for name in dyes}), path)
            treated = role == "treated"
            rows.append(("P", well, drug if treated else solvent, 1 if treated else 0, "uM", role, solvent))
    names = ["plate", "well", "compound", "dose", "dose_unit", "role", "solvent"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "map.csv", index=False)


def test_each_solvent_has_a_gate_from_its_own_vehicle_where_its_cells_lie_elsewhere(tmp_path):
    two_solvents(tmp_path, background=150.0)
    call(tmp_path, "--late_death_channel", "P")
    gates = pd.read_parquet(tmp_path / "acq 'x'_gates.parquet").set_index("Metadata_Group")
    assert gates["Centre"].to_dict() == {
        "vehicle=DMSO": pytest.approx(210, abs=8),
        "vehicle=MeOH": pytest.approx(360, abs=8),
    }
    assert gates["Count_VehicleCells"].tolist() == [40, 40]
    assert gates["Doubt"].isna().all()
    _death, dead = dead_of(tmp_path)
    assert dead.to_dict() == {"A01": 0, "A02": 0.25, "B01": 0, "B02": 0.25}


def test_solvents_whose_cells_are_alike_share_a_gate(tmp_path):
    two_solvents(tmp_path, background=10.0)
    call(tmp_path, "--late_death_channel", "P")
    gates = pd.read_parquet(tmp_path / "acq 'x'_gates.parquet")
    assert gates["Metadata_Group"].tolist() == [""]
    assert gates["Count_VehicleCells"].tolist() == [80]


def test_a_solvent_whose_vehicle_is_dead_is_judged_by_the_other_and_doubtful(tmp_path):
    two_solvents(tmp_path, vehicle="necrotic")
    cells = tmp_path / "m" / "Time_4hrs_R1_Well_B01.parquet"
    table = pd.read_parquet(cells)
    wide = np.random.default_rng(0).lognormal(0, 0.4, len(table))
    stain = "Nuclei_Intensity_MeanIntensity_P"
    write_table(table.assign(**{stain: table[stain] * wide}), cells)
    call(tmp_path, "--late_death_channel", "P")
    death, dead = dead_of(tmp_path)
    assert dead.to_dict() == {"A01": 0, "A02": 0.25, "B01": 1, "B02": 0.25}
    of_b = death["Metadata_CellID"].str.contains("Well_B")
    assert death.loc[of_b, "Metadata_DeathDoubt"].str.contains("vehicle cells of MeOH lie above a gate").all()
    assert death.loc[~of_b, "Metadata_DeathDoubt"].isna().all()


@pytest.mark.parametrize(
    "first", [[np.nan] * 5, [1, np.nan, np.nan, np.nan, np.nan], [0] * 5, [-5, -3, 0, 0, 2]]
)
@pytest.mark.parametrize("role", ["vehicle", "treated"])
def test_gates_are_drawn_where_cells_have_no_count_that_a_logarithm_has(tmp_path, first, role):
    stains = {"A": np.array(first, float), "B": np.array([np.nan, 2, 3, 4, 5])}
    states, roles = np.full(5, None, object), np.array([role] * 4 + ["treated"], object)
    plot_gates(tmp_path / "gates.png", "none", stains, {"A": {"": np.nan}, "B": {"": 3.0}}, states, roles)
    assert (tmp_path / "gates.png").stat().st_size > 1000
