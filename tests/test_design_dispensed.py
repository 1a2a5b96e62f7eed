"""Plate maps as dispensers write them."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from morphodose.design.faults import Faults
from morphodose.design.platemap import read_platemap
from morphodose.design.wells import PlateWells

ECHO = (
    "Source Plate Name,Source Plate Barcode,Source Plate Type,Source Well,Source Concentration,"
    "Source Concentration Units,Destination Plate Name,Destination Plate Barcode,Destination Well,"
    "Destination Concentration,Destination Concentration Units,Compound Name,Transfer Volume,Actual Volume,"
    "Transfer Status,Current Fluid Height,Current Fluid Volume,% DMSO"
)
RUN = "Run ID,14618\nRun Date/Time,02/09/2021 10:30:32\nApplication Name,\n\n\n"


def echo(well: str, compound: str, stock: str = "0,N/A", dose: str = "0,N/A", volume: str = "25", actual: str = "", status: str = "") -> str:  # fmt: skip
    return f"384LDV,LLD_1,384LDV_DMSO,A10,{stock},Corning_384,BC7,{well},{dose},{compound},{volume},{actual or volume},{status},2.0,9.9,99.2"


def read(path: Path, plates: tuple[str, ...] = ("P1",)) -> tuple[PlateWells, str]:
    found = read_platemap(path, plates, 384, faults := Faults())
    return found, "\n".join(fault.text() for fault in faults.found)


def written(folder: Path, *lines: str) -> Path:
    (folder / "echo.csv").write_text("\n".join(lines) + "\n")
    return folder / "echo.csv"


def test_a_report_of_the_echo_is_a_plate_map(tmp_path: Path) -> None:
    found, faults = read(
        written(
            tmp_path, RUN + "[DETAILS]", ECHO, echo("B2", "Taxol", "10,mM", "0.005,mM"), echo("B2", "DMSO"),
            echo("AA1"[1:], "DMSO"), echo("C3", "Taxol", "10,mM", "500,nM"),
        )
    )  # fmt: skip
    held = {well: (one.compound, one.dose, one.dose_unit, one.role) for (_, well), one in found.items()}
    assert held["A01"][0::3] == ("DMSO", "vehicle") and held["A01"][1] == 0
    doses = {well: dose if unit == "uM" else dose * 1000 for well, (_, dose, unit, _) in held.items()}
    assert doses == {"A01": 0, "B02": pytest.approx(5), "C03": pytest.approx(0.5)}
    assert held["B02"][3] == "treated"
    assert (
        "warning: echo.csv: row 7: read as the transfers of a dispenser ('Destination Well' as well" in faults
    )
    assert "3 wells, of which 1 with solvent alone are vehicle" in faults
    assert "→ nothing, if that is right; for other roles write a plate map with a column role" in faults


def test_stock_and_volumes_give_the_dose_and_the_volume_of_the_well_is_asked_for(tmp_path: Path) -> None:
    lines = [ECHO, echo("B2", "Taxol", "10,mM"), echo("C3", "DMSO")]
    found, faults = read(written(tmp_path, *lines))
    assert not found
    assert "the dose from 25 nL of 10 mM depends on the volume in the well, which is not given" in faults
    assert "add a column 'Well Volume (uL)': the volume in the well after dispensing" in faults
    found, _ = read(written(tmp_path, ECHO + ",Well Volume (uL)", lines[1] + ",50", lines[2] + ",50"))
    well = found["P1", "B02"]
    assert (well.dose, well.dose_unit) == (pytest.approx(5), "uM")


def test_a_pick_list_says_what_it_lacks(tmp_path: Path) -> None:
    header = "Source Plate Barcode,Source Well,Destination Plate Barcode,Destination Well,Transfer Volume"
    _, faults = read(written(tmp_path, header, "S,A1,D,B2,25"))
    assert "row 2: value 'B2': a transfer does not name its compound → add a column 'Compound Name'" in faults
    _, faults = read(written(tmp_path, header + ",Compound Name", "S,A1,D,B2,25,Taxol"))
    assert (
        "gives neither the dose nor the stock → add a column 'Destination Concentration (uM)'; or" in faults
    )
    found, _ = read(
        written(tmp_path, header + ",Compound Name,Destination Concentration (uM)", "S,A1,D,B2,25,Taxol,2.5")
    )
    assert (found["P1", "B02"].compound, found["P1", "B02"].dose) == ("Taxol", 2.5)


def test_failed_transfers_are_empty_wells_and_drops_of_one_compound_add_up(tmp_path: Path) -> None:
    found, faults = read(
        written(
            tmp_path, "[EXCEPTIONS]", ECHO, echo("D4", "Taxol", "10,mM", "5,uM", actual="0", status="MM0202007: no fluid"),
            "[DETAILS]", ECHO, echo("B2", "Taxol", dose="2,uM"), echo("B2", "Taxol", dose="3,uM", volume="30"), echo("C3", "DMSO"),
        )
    )  # fmt: skip
    assert found["P1", "D04"].role == "empty" and found["P1", "B02"].dose == pytest.approx(5)
    assert "value 'D4': 1 well with transfers that failed are taken as empty" in faults


def test_two_compounds_are_a_combination_and_three_are_refused(tmp_path: Path) -> None:
    rows = [ECHO, echo("B2", "Taxol", dose="2,uM"), echo("B2", "Olaparib", dose="1,uM"), echo("C3", "DMSO")]
    found, _ = read(written(tmp_path, *rows))
    well = found["P1", "B02"]
    assert (well.compound, well.dose) == ("Taxol", 2)
    assert well.extra == {"compound_2": "Olaparib", "dose_2": "1", "dose_unit_2": "uM"}
    _, faults = read(written(tmp_path, *rows, echo("B2", "Cisplatin", dose="1,uM")))
    assert "value 'B2': 3 compounds in one well (Taxol, Olaparib, Cisplatin)" in faults


def test_the_sheet_tabular_detail_of_a_d300_is_found_and_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Summary", "of the run"])
    sheet = book.create_sheet("Tabular detail")
    for line in (
        ["Plate", "Plate ID", "Dispensed\nwell", "Dispensed\nrow", "Dispensed\ncol", "Fluid name", "Dispensed\nconcentration (µM)", "Volume (nL)"],
        [1, "x", "B2", 2, 2, "Taxol", 0.98, 25], [1, "x", "B2", 2, 2, "DMSO normalization", None, 75], [1, "x", "C3", 3, 3, "DMSO normalization", None, 100],
    ):  # fmt: skip
        sheet.append(line)
    book.save(tmp_path / "d300.xlsx")
    found, faults = read(tmp_path / "d300.xlsx")
    assert [(w, one.compound, one.dose, one.dose_unit, one.role) for (_, w), one in found.items()] == [
        ("B02", "Taxol", 0.98, "uM", "treated"), ("C03", "DMSO", 0, "", "vehicle"),
    ]  # fmt: skip
    assert "the plate map is read from Tabular detail" in faults


def test_plates_of_a_report_are_those_of_the_samplesheet(tmp_path: Path) -> None:
    rows = [ECHO, echo("B2", "Taxol", dose="2,uM"), echo("B2", "Taxol", dose="4,uM").replace("BC7", "BC8")]
    found, _ = read(written(tmp_path, *rows), ("BC7", "BC8"))
    assert {plate: one.dose for (plate, _), one in found.items()} == {"BC7": 2, "BC8": 4}
    _, faults = read(written(tmp_path, *rows), ("P1", "BC8"))
    assert "value 'BC7': no acquisition of the samplesheet is of this plate" in faults


def layout(folder: Path, *groups: str, wells: str) -> Path:
    registered = "".join(f'<Content ID="{n}" GroupName="{group}" />' for n, group in enumerate(groups))
    (folder / "layout.xml").write_text(
        "\ufeff<?xml version='1.0' encoding='utf-8'?><AssayLayout xmlns='http://www.perkinelmer.com/PEHH/HarmonyV5'>"
        f"<Registration>{registered}</Registration><Wells>{wells}</Wells></AssayLayout>",
        encoding="utf-8",
    )
    return folder / "layout.xml"


def contents(row: int, column: int, *values: str) -> str:
    held = "".join(
        f'<Content ContentID="{n}"><Value>{value}</Value></Content>' for n, value in enumerate(values)
    )
    return f'<Well WellID="{row}{column}" Row="{row}" Column="{column}">{held}</Well>'


def test_an_assay_layout_of_harmony_is_a_plate_map(tmp_path: Path) -> None:
    wells = (
        contents(2, 2, "DMSO", "", "HeLa")
        + contents(3, 3, "Taxol", "0.5", "HeLa")
        + contents(4, 4, "", "", "")
    )
    found, faults = read(layout(tmp_path, "Compound", "Concentration (µM)", "CellLine", wells=wells))
    assert [(w, one.compound, one.dose, one.role, one.extra) for (_, w), one in found.items()] == [
        ("B02", "DMSO", 0, "vehicle", {"CellLine": "HeLa"}), ("C03", "Taxol", 0.5, "treated", {"CellLine": "HeLa"}),
    ]  # fmt: skip
    assert found["P1", "C03"].dose_unit == "uM"
    assert "the layout says no roles: 1 wells with solvent are vehicle" in faults
    _, faults = read(layout(tmp_path, "Compound", "Concentration", wells=contents(3, 3, "Taxol", "0.5")))
    assert "the unit of the doses is not given → name the contents with their unit" in faults
    (tmp_path / "other.xml").write_text("<Root><A/></Root>")
    assert (
        "the XML is neither an assay layout with contents nor a protocol" in read(tmp_path / "other.xml")[1]
    )


def protocol(folder: Path, *plates: str, fluids: str = "", backfill: str = "", ending: str = "tdd") -> Path:
    fluids = fluids or (
        "<Fluid ID='0'><Name>Taxol</Name><ByVol>False</ByVol><Concentration>10000</Concentration>"
        "<ConcentrationUnit>mM</ConcentrationUnit></Fluid><Fluid ID='1'><Name>EGF</Name><ByVol>False</ByVol>"
        "<Concentration>1</Concentration><ConcentrationUnit>mg_mL</ConcentrationUnit></Fluid>"
    )
    path = folder / f"plan.{ending}"
    path.write_text(
        "\ufeff<?xml version='1.0' encoding='utf-8'?><Protocol><Version>3</Version><VolumeUnit>nL</VolumeUnit>"
        "<ConcentrationUnit>µM</ConcentrationUnit><MolarityConcentrationUnit>µM</MolarityConcentrationUnit>"
        f"<MassConcentrationUnit>ng_mL</MassConcentrationUnit><Fluids>{fluids}</Fluids><Plates>{''.join(plates)}</Plates>"
        f"<Backfills><Backfill ClassID='0'><Wells>{backfill}</Wells></Backfill></Backfills></Protocol>",
        encoding="utf-8",
    )
    return path


def planned(name: str, wells: str, randomize: str = "") -> str:
    return (
        f"<Plate><Rows>8</Rows><Cols>12</Cols><Name>{name}</Name><Wells>{wells}</Wells>"
        f"<Randomize>{randomize}</Randomize></Plate>"
    )


TAXOL = "<Well Row='1' Col='1'><Fluid ID='0'>0.98</Fluid></Well>"


def test_a_protocol_of_the_d300_is_a_plate_map(tmp_path: Path) -> None:
    wells = TAXOL + (
        "<Well Row='1' Col='2'><Fluid ID='1'>5E-1</Fluid></Well>"
        "<Well Row='2' Col='2'><Fluid ID='0'>3</Fluid><Fluid ID='1'>2</Fluid></Well>"
    )
    backfill = "<Well P='0' R='1' C='1'/><Well P='0' R='3' C='3'/>"
    found, faults = read(protocol(tmp_path, planned("", wells, randomize="False"), backfill=backfill))
    assert [(w, one.compound, one.dose, one.dose_unit, one.role) for (_, w), one in found.items()] == [
        ("B02", "Taxol", 0.98, "uM", "treated"), ("B03", "EGF", 0.5, "ng/mL", "treated"),
        ("C03", "Taxol", 3, "uM", "treated"), ("D04", "DMSO", 0, "", "vehicle"),
    ]  # fmt: skip
    assert found["P1", "C03"].extra["dose_2"] == "2" and found["P1", "C03"].extra["dose_unit_2"] == "ng/mL"
    assert "read as a protocol of the D300, with the doses that were planned, Row 0 and Col 0 being" in faults


def test_plates_of_a_protocol_have_names_or_are_alike(tmp_path: Path) -> None:
    other = TAXOL.replace("0.98", "2")
    found, _ = read(protocol(tmp_path, planned("A", TAXOL), planned("B", other), ending="hpdd"), ("A", "B"))
    assert {plate: one.dose for (plate, _), one in found.items()} == {"A": 0.98, "B": 2}
    found, _ = read(protocol(tmp_path, planned("", TAXOL), planned("", TAXOL)), ("A", "B"))
    assert {plate: one.dose for (plate, _), one in found.items()} == {"A": 0.98, "B": 0.98}
    _, faults = read(protocol(tmp_path, planned("A", TAXOL), planned("", other)), ("A", "B"))
    assert "it has 2 plates that differ, and not all of them have a name → name them" in faults


@pytest.mark.parametrize(
    ("fluids", "randomize", "message"),
    [
        ("", "<From Row='1' Col='1'/>", "its wells are randomised: it does not say where each dose went"),
        ("<Fluid ID='0'><Name>Taxol</Name><ByVol>True</ByVol></Fluid>", "",
         "value 'Taxol': fluids are dispensed by volume, which gives no concentration"),
    ],
)  # fmt: skip
def test_what_a_protocol_does_not_say_is_refused_with_the_report(
    tmp_path: Path, fluids: str, randomize: str, message: str
) -> None:
    _, faults = read(protocol(tmp_path, planned("", TAXOL, randomize), fluids=fluids))
    assert f"{message} → give the report of the D300 instead (.xlsx, sheet 'Tabular detail')" in faults


def test_a_row_of_a_protocol_that_is_not_a_number_is_told(tmp_path: Path) -> None:
    _, faults = read(protocol(tmp_path, planned("", TAXOL.replace("Row='1'", "Row='B'"))))
    assert "value 'B': a row, column or plate of a well is not a number → give the report" in faults


def test_a_column_for_each_compound_is_read(tmp_path: Path) -> None:
    found, faults = read(
        written(
            tmp_path, "Well;CellLine;Taxol (µM);Olaparib [nM];DMSO (%)", "A1;HeLa;0,98;;0,1", "A2;HeLa;;300;0,1",
            "A3;U2OS;2,5;100;0,1", "A4;U2OS;0;0;0,1", "A5;U2OS;;;",
        )
    )  # fmt: skip
    assert [(w, one.compound, one.dose, one.dose_unit, one.role) for (_, w), one in found.items()] == [
        ("A01", "Taxol", 0.98, "uM", "treated"), ("A02", "Olaparib", 300, "nM", "treated"),
        ("A03", "Taxol", 2.5, "uM", "treated"), ("A04", "DMSO", 0, "", "vehicle"),
    ]  # fmt: skip
    assert {one.extra["CellLine"] for one in found.values()} == {"HeLa", "U2OS"}
    assert found["P1", "A03"].extra["compound_2"] == "Olaparib"
    assert (
        "read as a table with a column for each compound (Taxol in µM, Olaparib in nM, DMSO in %)" in faults
    )


def test_concentrations_of_a_compound_are_its_column_and_measured_values_are_none(tmp_path: Path) -> None:
    found, _ = read(
        written(tmp_path, "well,Taxol concentration (uM),DMSO final conc (%),Viability (%)", "A1,2,0.1,40", "A2,0,0.1,98")
    )  # fmt: skip
    assert [(one.compound, one.dose, one.role) for one in found.values()] == [
        ("Taxol", 2, "treated"), ("DMSO", 0, "vehicle"),
    ]  # fmt: skip
    assert all(not one.extra for one in found.values()), "what was measured divides no groups"
    found, faults = read(written(tmp_path, "well,role,Viability (%),OD 600 nm", "A1,vehicle,98,0.4"))
    assert not found and "column for each compound" not in faults


def test_roles_beside_a_column_for_each_compound_count(tmp_path: Path) -> None:
    found, _ = read(
        written(tmp_path, "plate,well,role,Taxol (uM),Stauro (uM)", "P1,A1,pos,,1", "P1,A2,,2,0", "P1,A3,vehicle,0,0")
    )  # fmt: skip
    assert [(one.compound, one.dose, one.role) for one in found.values()] == [
        ("Stauro", 1, "positive"), ("Taxol", 2, "treated"), ("vehicle", 0, "vehicle"),
    ]  # fmt: skip


MARS = (
    "User: USER,Path: C:\\Data\\,Test run no.: 17,,", "Test name: VIABILITY,Date: 15/10/2025,Time: 11:58:41,,",
    "Fluorescence (FI),,,,",
)  # fmt: skip


def test_a_layout_of_mars_with_sample_ids_and_concentrations_is_a_plate_map(tmp_path: Path) -> None:
    rows = (
        "Well Row,Well Col,Content,Sample IDs,Concentration [µM],Raw Data (544),Raw Data (544)",
        ",,Time,,,0 h ,0 h 15 min", "A,1,Sample X1,Taxol,0.98,0.1,0.2", "A,2,Negative control N,DMSO,,0.2,0.2",
        "A,3,Positive control P,Stauro,1,0.1,0.1", "A,4,Blank B,,,0.0,0.1",
    )  # fmt: skip
    found, faults = read(written(tmp_path, *MARS, *rows))
    assert [(w, one.compound, one.dose, one.dose_unit, one.role) for (_, w), one in found.items()] == [
        ("A01", "Taxol", 0.98, "uM", "treated"), ("A02", "DMSO", 0, "uM", "vehicle"),
        ("A03", "Stauro", 1, "uM", "positive"), ("A04", "", None, "uM", "empty"),
    ]  # fmt: skip
    assert all(not one.extra for one in found.values()), "what was measured divides no groups"
    assert "read as a layout of the reader (BMG MARS): samples and standards are treated" in faults
    assert "2 other columns are passed over" in faults


@pytest.mark.parametrize(
    "header", ["Well,Content,Raw Data (600)", "Well Row,Well Col,Content,Raw Data (600)"]
)
def test_a_layout_of_mars_without_compounds_says_what_it_lacks(tmp_path: Path, header: str) -> None:
    well = "A01" if header.startswith("Well,") else "A,1"
    _, faults = read(written(tmp_path, *MARS, header, f"{well},Sample X1,0.08"))
    assert (
        "row 4: value 'Sample X1': the layout of the reader (BMG MARS) gives the kind of each well and numbers the "
        "samples, but names neither compound nor dose → add columns 'compound' and 'dose (uM)' beside Content"
    ) in faults


def test_a_grid_of_contents_is_the_grid_of_roles(tmp_path: Path) -> None:
    grid = ("Content,1,2,3", "A,X1,N,B", "B,X2,P,", "compound,1,2,3", "A,Taxol,DMSO,", "B,Taxol,Stauro,",
            "dose (uM),1,2,3", "A,1,0,", "B,2,1,")  # fmt: skip
    found, _ = read(written(tmp_path, *grid))
    assert {w: one.role for (_, w), one in found.items()} == {
        "A01": "treated", "A02": "vehicle", "A03": "empty", "B01": "treated", "B02": "positive",
    }  # fmt: skip
    _, faults = read(written(tmp_path, *grid[:3]))
    assert "no grid of 'compound' → add a grid with 'compound' above it" in faults
