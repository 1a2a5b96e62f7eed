"""What is one compound, one dose, one unit: however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from morphodose.design.faults import Faults
from morphodose.design.platemap import PlateWells, read_platemap
from morphodose.design.units import convert, read_unit, unit_in

HEADER = "well,compound,dose,dose_unit,role"


def read(
    folder: Path, *rows: str, header: str = HEADER, plates: tuple[str, ...] = ("P1",)
) -> tuple[PlateWells, str]:
    path = folder / "map.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    faults = Faults()
    found = read_platemap(path, plates, 96, faults)
    return found, "\n".join(fault.text() for fault in faults.found)


#: Written beside 'Drug X' → one compound with it; a word of the warning.
OTHERS = {
    "Drug\u00a0X": (True, ""), "Drug  X": (True, ""), "\u200bDrug X\ufeff": (True, ""), "Drug\u202e X": (True, ""), "Drug\u2009X": (True, ""),
    "Drug Ｘ": (True, ""), "Dr\u00adug X": (True, ""), "drug x": (True, "only in case are taken as one"),
    "Drug\u200bX": (False, "only in blanks and dashes"), "Drug–X": (False, "only in blanks and dashes"),
    "Drug_X": (False, "only in blanks and dashes"), "Drug Y": (False, ""),
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERS)
def test_compounds_that_look_alike_are_one_or_warned_of(tmp_path: Path, other: str) -> None:
    rows = ("A01,DMSO,0,uM,vehicle", "A02,Drug X,1,uM,treated", "A03,Drug X,2,uM,treated")
    found, faults = read(tmp_path, *rows, f"A04,{other},3,uM,treated")
    one, words = OTHERS[other]
    assert (found["P1", "A04"].compound == "Drug X") == one
    assert words in faults and bool(faults) == bool(words)


def test_dashes_of_all_kinds_are_one(tmp_path: Path) -> None:
    rows = [f"A0{n},AB{dash}1,{n},uM,treated" for n, dash in enumerate("-‐‑–—−", 1)]
    found, faults = read(tmp_path, *rows)
    assert not faults and {well.compound for well in found.values()} == {"AB-1"}


def test_further_columns_are_one_too_but_for_case(tmp_path: Path) -> None:
    rows = ("A01,D,1,uM,treated,U2OS", "A02,D,1,uM,treated,U2OS\u200b", "A03,D,1,uM,treated,u2os")
    found, faults = read(tmp_path, *rows, header=HEADER + ",cell_line")
    assert [well.extra["cell_line"] for well in found.values()] == ["U2OS", "U2OS", "u2os"]
    assert "values of column 'cell_line' differ only in case and are taken as different" in faults


#: Doses beside 1, 1 and 10 → what becomes of them, whether there is a warning.
DOSES = {"1.0000005": (1.0, False), "0.999": (1.0, True), "1.009": (1.0, True), "1.02": (1.02, False)}


@pytest.mark.parametrize("dose", DOSES)
def test_doses_that_differ_by_rounding_are_one(tmp_path: Path, dose: str) -> None:
    rows = ("A01,D,1,uM,treated", "A02,D,1,uM,treated", "A03,D,10,uM,treated", f"A04,D,{dose},uM,treated")
    found, faults = read(tmp_path, *rows, "A05,Other,1.001,uM,treated")
    number, warned = DOSES[dose]
    assert found["P1", "A04"].dose == number
    assert found["P1", "A05"].dose == 1.001
    assert ("count as one" in faults) == warned and bool(faults) == warned


def test_plates_that_round_otherwise_have_the_same_three_doses(tmp_path: Path) -> None:
    plates = ("P1", "P2", "P3")
    rows = [
        f"A0{n},D,{dose * (1 + 0.001 * p):.6g},uM,treated,{plate}"
        for p, plate in enumerate(plates)
        for n, dose in enumerate((0.1, 1, 10), 1)
    ]
    found, faults = read(tmp_path, *rows, header=HEADER + ",plate", plates=plates)
    assert {well.dose for well in found.values()} == {0.1, 1, 10}
    assert faults.count("near") == 0 and faults.count("count as one") == 3


def test_doses_of_a_dense_series_are_as_many_as_were_given(tmp_path: Path) -> None:
    rows = [f"A{n:02d},D,{99 + n},uM,treated" for n in range(1, 13)]
    found, faults = read(tmp_path, *rows)
    assert not faults and [well.dose for well in found.values()] == list(range(100, 112))


UNITS = {
    "µM": "uM", "μM": "uM", "uM": "uM", "um": "uM", "micromolar": "uM", "µmol/L": "uM", "NM": "nM", "M": "M",
    "ug/ml": "ug/mL", "µg / mL": "ug/mL", "mcg/mL": "ug/mL", "mg per ml": "mg/mL", "percent": "%", "% (v/v)": "% v/v",
    "MM": "MM", "cells": "cells",
}  # fmt: skip


@pytest.mark.parametrize("text", UNITS)
def test_a_unit_has_one_name(text: str) -> None:
    assert read_unit(text).name == UNITS[text]
    assert read_unit(UNITS[text]).name == UNITS[text]


def test_units_of_one_kind_convert_and_others_do_not() -> None:
    assert convert(300, read_unit("nM"), read_unit("µM")) == 0.3
    assert convert(0.0003, read_unit("mM"), read_unit("nM")) == 300
    assert convert(2, read_unit("mg/mL"), read_unit("ug/mL")) == 2000
    for unit, other in (("uM", "mg/mL"), ("%", "uM"), ("% v/v", "%"), ("x", "y")):
        with pytest.raises(ValueError, match="cannot be converted"):
            convert(1, read_unit(unit), read_unit(other))


@pytest.mark.parametrize(
    ("text", "unit"),
    [("dose (µM)", "µM"), ("conc_nM", "nM"), ("Dose [mg/mL]", "mg/mL"), ("dose in uM", "uM"), ("dose", ""), ("dose_2", "")],
)  # fmt: skip
def test_the_unit_in_a_heading_is_found(text: str, unit: str) -> None:
    assert unit_in(text) == unit


def test_doses_of_a_compound_are_converted_into_its_main_unit_and_it_is_said(tmp_path: Path) -> None:
    rows = (
        "A01,D,1,uM,treated",
        "A02,D,10,µM,treated",
        "A03,D,100,nM,treated",
        "A04,D,1000,nM,treated",
        "A05,D,5,uM,treated",
    )
    found, faults = read(tmp_path, *rows)
    assert [(well.dose, well.dose_unit) for well in found.values()] == [
        (1, "uM"), (10, "uM"), (0.1, "uM"), (1, "uM"), (5, "uM"),
    ]  # fmt: skip
    (line,) = faults.splitlines()
    assert line.startswith("warning: map.csv: row 4: value 'nM'") and "they are converted into uM" in line


def test_treatments_without_a_dose_need_none_and_a_forgotten_dose_is_a_fault(tmp_path: Path) -> None:
    rows = ("A01,siCtrl,,,vehicle", "A02,siPLK1,,,treated", "A03,siKIF11,,,positive", "A04,D,1,uM,treated")
    found, faults = read(tmp_path, *rows)
    assert [(well.dose, well.dose_unit) for well in found.values()] == [(0, ""), (1, ""), (1, ""), (1, "uM")]
    (line,) = faults.splitlines()
    assert line.startswith("warning: map.csv: row 3: value 'siPLK1, siKIF11': these treatments have no dose")
    _, faults = read(tmp_path, *rows, "A05,D,,,treated")
    assert "row 6: value 'A05, D, , , treated': dose is empty → write a number; a treatment without" in faults


def test_a_map_without_doses_has_no_column_of_them(tmp_path: Path) -> None:
    found, faults = read(tmp_path, "A01,ctrl,vehicle", "A02,siPLK1,treated", header="well,siRNA,role")
    assert found["P1", "A02"].compound == "siPLK1"
    found, faults = read(tmp_path, "A01,ctrl,vehicle", "A02,siPLK1,treated", header="well,compound,role")
    assert found["P1", "A02"].dose == 1 and "these treatments have no dose" in faults
    assert (
        "column 'dose' is missing → rename column 'does'"
        in read(tmp_path, "A01,c,1,vehicle", header="well,compound,does,role")[1]
    )


def test_two_compounds_of_one_well_are_told_how_a_combination_is_written(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "A01,D,1,uM,treated", "A01,E,2,uM,treated")
    assert (
        "with 'D' there and 'E' here → for a combination, write one row and give the second drug columns"
        in faults
    )
    _, faults = read(tmp_path, "A01,D,1,uM,treated", "A01,D,2,uM,treated")
    assert "with other content → correct the well of one of the two rows" in faults


def test_a_well_whose_row_is_broken_is_on_the_map(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "A01,D,,uM,treated", "A02,D,1,uM,treated", "Z99,D,1,uM,treated")
    assert {well: one.broken for (_, well), one in found.items()} == {"A02": False, "A01": True}


def test_thousands_beside_decimal_commas_are_read_and_said(tmp_path: Path) -> None:
    rows = ("A01;D;0,98;uM;treated", "A02;D;31,25;uM;treated", "A03;D;1.250;uM;treated")
    found, faults = read(tmp_path, *rows, header=HEADER.replace(",", ";"))
    assert [well.dose for well in found.values()] == [0.98, 31.25, 1250]
    assert "row 4: value '1.250': dose is read as 1250" in faults
