"""The written plate: files, sheets and truth agree, on any number of workers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from morphodose.design.check import check_screen
from morphodose.design.filenames import Name, preset_pattern
from morphodose.errors import InputError
from morphodose.imaging.images import read_labels
from morphodose.names import cell_id, normalise_well
from morphodose.simulate.plate import CELL_COLUMNS, render, well_conditions, write_screen
from morphodose.simulate.screen import SimulatedScreen, acquisitions, configure, plane_paths, plate_wells
from morphodose.tables import column_units, read_table
from simulate_plate import main


def small(**options) -> SimulatedScreen:
    return configure(
        "demo",
        **{
            "times": (24.0, 48.0), "doses": (1.0, 30.0), "replicates": 1, "vehicle_wells": 1,
            "size": 160, "planes": 2, **options,
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def plate(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("plate")
    write_screen(small(), out, workers=1)
    return out


def files_of(folder: Path) -> dict[str, Path]:
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.tif"))}


def test_exactly_the_planned_planes_are_written_and_their_names_parse(plate):
    written = {name for name in files_of(plate) if name.startswith("images/")}
    assert written == set(plane_paths(small()))
    pattern = preset_pattern("cq1")
    assert all(isinstance(pattern.parse(name), Name) for name in written)
    first = tifffile.imread(plate / sorted(written)[0])
    assert (first.dtype, first.shape) == (np.uint16, (160, 160))


def test_the_pixels_do_not_depend_on_the_number_of_workers(plate, tmp_path):
    write_screen(small(), tmp_path, workers=2)
    once, again = files_of(plate), files_of(tmp_path)
    assert list(once) == list(again)
    for name in once:
        np.testing.assert_array_equal(tifffile.imread(once[name]), tifffile.imread(again[name]), name)
    for table in ("cells", "fields", "wells"):
        left, right = (read_table(folder / "truth" / f"{table}.parquet") for folder in (plate, tmp_path))
        assert left.equals(right)


def test_a_field_does_not_depend_on_what_else_is_in_the_screen():
    narrow, wide = small(times=(48.0,)), small(fields=3)
    ones = [render(s, acquisitions(s)[-1], plate_wells(s)[0], 1)[0].planes for s in (narrow, wide)]
    np.testing.assert_array_equal(*ones)
    assert not np.array_equal(
        ones[0], render(wide, acquisitions(wide)[-1], plate_wells(wide)[0], 2)[0].planes
    )


def test_another_seed_gives_another_plate(plate):
    screen = small(seed=2)
    other = render(screen, acquisitions(screen)[0], plate_wells(screen)[0], 1)[0].planes
    first = tifffile.imread(plate / "images/24hrs_R1/W0001F0001T0001Z001C1.tif")
    assert not np.array_equal(first, other[0, 0])


def test_the_cell_table_describes_the_masks(plate):
    cells = read_table(plate / "truth" / "cells.parquet")
    assert cells["Metadata_CellID"].is_unique
    assert set(CELL_COLUMNS) <= set(cells.columns)
    for image, rows in cells.groupby("Metadata_ImageID"):
        labels = read_labels(plate / "truth" / f"{image}_cells.tif")
        nuclei = read_labels(plate / "truth" / f"{image}_nuclei.tif")
        assert set(np.unique(labels)) - {0} == set(rows["Metadata_ObjectLabel"])
        np.testing.assert_array_equal(np.bincount(labels.ravel())[1:], rows["Area"])
        assert ((nuclei == 0) | (nuclei == labels)).all()
        assert rows["Metadata_CellID"].iloc[0] == cell_id(str(image), rows["Metadata_ObjectLabel"].iloc[0])
    assert column_units(plate / "truth" / "cells.parquet")["Area"] == "px2"


def test_the_well_table_counts_the_cells_that_do_not_touch_the_border(plate):
    cells = read_table(plate / "truth" / "cells.parquet")
    wells = read_table(plate / "truth" / "wells.parquet")
    assert len(wells) == 2 * 4
    for row in wells.to_dict("records"):
        mine = cells[
            (cells["Metadata_Acquisition"] == row["Metadata_Acquisition"])
            & (cells["Metadata_Well"] == row["Metadata_Well"])
        ]
        inner = mine[~mine["TouchesBorder"]]
        assert row["Count_Cells"] == len(inner)
        assert row["Count_Cells_All"] == len(mine)
        dying = (inner["Metadata_DeathState"] != "viable").mean() if len(inner) else np.nan
        np.testing.assert_allclose(row["Fraction_Dying"], dying, rtol=1e-6)
        dead = mine["Metadata_DeathState"].isin(["late_apoptotic", "necrotic"]).mean()
        np.testing.assert_allclose(row["Fraction_Dead_All"], dead, rtol=1e-6)


def test_the_truth_states_one_ec50_for_each_endpoint_and_time(plate):
    truth = json.loads((plate / "truth" / "truth.json").read_text())
    rows = {(row["timepoint_h"], row["endpoint"]): row for row in truth["endpoints"]}
    assert rows[(24.0, "Fraction_Dying")]["ec50"] == pytest.approx(2.4)
    assert rows[(48.0, "Fraction_Dying")]["ec50"] == pytest.approx(1.0)
    assert rows[(48.0, "Fraction_Dead")]["ec50"] == pytest.approx(1.4)
    assert {name for _, name in rows} >= {"Fraction_Lost", "Relative_CellCount", "Morphology_Viable"}
    assert truth["seed"] == truth["options"]["seed"] == 1


def test_the_sheets_lead_to_the_images(plate):
    with (plate / "samplesheet.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["timepoint_h"] for row in rows] == ["24", "48"]
    assert all((plate / row["images"]).is_dir() for row in rows)
    with (plate / "platemap.csv").open() as handle:
        wells = list(csv.DictReader(handle))
    assert [(w["well"], w["dose"], w["role"]) for w in wells] == [
        ("A01", "0", "vehicle"), ("A02", "1", "treated"), ("A03", "30", "treated"), ("A04", "30", "positive"),
    ]  # fmt: skip


def test_replicates_shuffled_apart_are_consistent_from_sheets_to_truth(tmp_path):
    screen = small(times=(24.0,), replicates=2, shuffle_replicates=True, size=96, planes=1)
    write_screen(screen, tmp_path)
    with (tmp_path / "samplesheet.csv").open() as handle:
        sheet = list(csv.DictReader(handle))
    assert [(row["plate"], row["replicate"]) for row in sheet] == [("P1", "1"), ("P2", "2")]
    with (tmp_path / "platemap.csv").open() as handle:
        contents = {
            (row["plate"], row["well"]): (float(row["dose"]), row["role"]) for row in csv.DictReader(handle)
        }
    assert len(contents) == 8
    wells = read_table(tmp_path / "truth" / "wells.parquet")
    found = {
        (row["Metadata_Plate"], row["Metadata_Well"]): (row["Metadata_Dose"], row["Metadata_Role"])
        for row in wells.to_dict("records")
    }
    assert found == contents
    assert {well for plate, well in contents if plate == "P1"} != {
        well for plate, well in contents if plate == "P2"
    }
    fields = read_table(tmp_path / "truth" / "fields.parquet")
    for row in fields.to_dict("records"):
        assert row["Metadata_ImageID"].startswith(
            f"{row['Metadata_Plate']}_Time_24hrs_R{row['Metadata_Replicate']}_"
        )
        assert (tmp_path / "truth" / f"{row['Metadata_ImageID']}_cells.tif").exists()
    assert {name for name in files_of(tmp_path) if name.startswith("images/")} == set(plane_paths(screen))


def test_the_design_check_takes_replicates_shuffled_apart(tmp_path):
    write_screen(small(times=(24.0,), replicates=2, shuffle_replicates=True, size=96, planes=1), tmp_path)
    design = check_screen(
        tmp_path / "samplesheet.csv",
        tmp_path / "platemap.csv",
        file_pattern="cq1",
        channels="1:Brightfield,2:Hoechst,3:CellMask,4:AnnexinV,5:PI",
        roles={},
    )
    assert {plate for plate, _ in design.platemap} == {"P1", "P2"}


def test_a_plate_with_only_empty_fields_is_written_all_the_same(tmp_path):
    write_screen(small(times=(24.0,), empty_fields=1.0), tmp_path)
    fields = read_table(tmp_path / "truth" / "fields.parquet")
    assert fields["Empty"].all()
    assert (read_table(tmp_path / "truth" / "wells.parquet")["Count_Cells"] == 0).all()
    assert len(read_table(tmp_path / "truth" / "cells.parquet")) == 0


def test_fields_out_of_focus_are_named_in_the_field_table(tmp_path):
    screen = small(times=(24.0,), out_of_focus=0.5, fields=4, size=96)
    write_screen(screen, tmp_path)
    fields = read_table(tmp_path / "truth" / "fields.parquet")
    assert 0 < fields["OutOfFocus"].sum() < len(fields)
    assert (fields["Defocus"].abs() > 10).eq(fields["OutOfFocus"]).all()


def test_wells_differ_in_potency_only_as_much_as_asked():
    calm, wild = small(well_sd=0.0), small(well_sd=0.3)
    for screen, same in ((calm, True), (wild, False)):
        acquisition = acquisitions(screen)[0]
        well = plate_wells(screen)[1]
        expected = tuple(screen.effect.at(24).fractions(well.dose))
        assert (well_conditions(screen, acquisition, well).fractions == pytest.approx(expected)) == same


def test_an_earlier_plate_is_not_overwritten_unless_forced(plate):
    with pytest.raises(InputError, match="--force"):
        write_screen(small(), plate)


def run(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


def test_the_command_counts_the_reference_screen_without_writing_it(tmp_path):
    result = run("--preset", "reference", "--dry_run", "--out", str(tmp_path / "none"))
    assert result.exit_code == 0
    assert "144 well-timepoints, 1296 fields, 38880 planes" in result.output
    assert not (tmp_path / "none").exists()


def test_the_command_writes_a_plate_under_a_hostile_name(tmp_path):
    out = tmp_path / "a plate's folder"
    result = run(
        *("--out", str(out), "--times", "4", "--doses", "1", "--replicates", "1", "--vehicle_wells", "1"),
        *("--positive_wells", "0", "--size", "96", "--planes", "1", "--ec50", "3", "--workers", "1"),
        *("--compression", "zlib", "--seed", "7"),
    )
    assert result.exit_code == 0, result.output
    assert "well 2 of 2" in result.output
    assert (out / "images/4hrs_R1/W0001F0001T0001Z001C5.tif").exists()
    truth = json.loads((out / "truth/truth.json").read_text())
    assert next(r["ec50"] for r in truth["endpoints"] if r["endpoint"] == "Fraction_Dying") == pytest.approx(
        3
    )


def test_several_compounds_on_a_plate_have_wells_and_ec50s_of_their_own(tmp_path):
    result = run(
        *(
            "--out",
            str(tmp_path),
            "--compounds",
            "A=0.3,B = 2=6,idle=none",
            "--plate_format",
            "384",
            "--shuffle",
        ),
        *("--times", "24,48", "--doses", "1,30", "--replicates", "1", "--vehicle_wells", "1"),
        *("--positive_wells", "0", "--size", "96", "--planes", "1", "--workers", "1"),
    )
    assert result.exit_code == 0, result.output
    with (tmp_path / "platemap.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert sorted(row["compound"] for row in rows) == ["A", "A", "B = 2", "B = 2", "DMSO", "idle", "idle"]
    truth = json.loads((tmp_path / "truth" / "truth.json").read_text())["endpoints"]
    ec50s = {
        (row["compound"], row["timepoint_h"]): row["ec50"]
        for row in truth
        if row["endpoint"] == "Fraction_Dying"
    }
    # as of one compound the EC50 falls from 2.4 to 1 between the times
    assert ec50s["A", 48.0] == pytest.approx(0.3) and ec50s["A", 24.0] == pytest.approx(0.72)
    assert ec50s["B = 2", 48.0] == pytest.approx(6) and ec50s["idle", 48.0] is None
    wells = read_table(tmp_path / "truth" / "wells.parquet")
    late = wells[wells["Metadata_Timepoint"] == 48].set_index(["Metadata_Compound", "Metadata_Dose"])
    expected = late["Expected_Fraction_Dying"]
    assert expected["A", 1.0] > 0.75 > 0.2 > expected["B = 2", 1.0]
    assert expected["idle", 30.0] == pytest.approx(expected["DMSO", 0.0])
    # the wells of a 384-well plate are counted in its rows
    screen = configure("demo", plate_format=384, compounds=tuple((f"C{n}", 1.0) for n in range(70)))
    assert [well.name for well in plate_wells(screen)][23:25] == ["A24", "B01"]
    assert normalise_well("W0025", 384) == "B01"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--compounds", "A", "NAME=EC50 pairs"),
        ("--compounds", "A=1,A=2", "different names"),
        ("--compounds", "DMSO=1", "different names"),
        ("--compounds", "A=-1", "an EC50 is above 0"),
        ("--plate_format", "100", "one of 6"),
        ("--doses", "1;2", "numbers separated by commas"),
        ("--ec50", "24=x", "hours=EC50"),
        ("--fields", "0", "--fields: at least 1, got 0"),
    ],
)
def test_the_command_names_the_option_that_is_wrong(tmp_path, option, value, message):
    result = run("--out", str(tmp_path), option, value)
    assert result.exit_code == 1
    assert message in result.output
