"""Broken images from their pixels to the words of the page."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from morphodose.cells.unusable import features_of_channels
from morphodose.imaging.broken import missing_block
from morphodose.imaging.images import Field, write_field
from morphodose.imaging.judgement import MissingPlane, judge_field
from morphodose.imaging.quality import field_figures
from morphodose.report import plates
from morphodose.report.checks import Check
from morphodose.report.quality import verdict_part
from morphodose.report.recorded import recorded_checks
from morphodose.report.verdict import cell_checks, gate_checks, image_checks, vehicle_checks
from morphodose.simulate.field import CHANNELS, render_field
from morphodose.tables import read_table, write_table
from report_screen import screen_of
from report_tables import Tables
from stats_tables import measurements, plate_map, succeed

WELLS = {"A01": ("DMSO", 0, "vehicle"), "A02": ("Drug", 10, "treated")}
ROLES = ("--nuclear_channel", "Hoechst", "--cell_channel", "CellMask", "--brightfield_channel", "Brightfield")


def keys_json(well: str) -> str:
    acquisition = {"plate": "P", "timepoint_h": 4, "replicate": "1", "acquisition": "Time_4hrs_R1"}
    return json.dumps({**acquisition, "id": f"Time_4hrs_R1_Well_{well}", "well": well})


def page(images: pd.DataFrame, params: dict[str, str]) -> Check:
    screen = dataclasses.replace(screen_of(Tables()), images=images, params=params)
    (check,) = recorded_checks(screen)
    return check


@pytest.mark.parametrize("projection", ["max", "mean"])
def test_a_broken_copy_of_one_plane_drops_its_field_and_is_named(tmp_path: Path, projection: str) -> None:
    well = "Time_4hrs_R1_Well_A02"
    rows = ["id\tfile\tfield\tz\tchannel"]
    for field in (1, 2):
        made = render_field(np.random.default_rng(field), size=160, n_cells=25.0)
        for z in (1, 2):
            for index, channel in enumerate(CHANNELS):
                pixels = made.planes[min(z, len(made.planes)) - 1][index].copy()
                if (field, z, channel) == (2, 1, "PI"):
                    pixels[80:] = 0
                name = f"{field}_{z}_{channel}.tif"
                tifffile.imwrite(tmp_path / name, pixels)
                rows.append(f"{well}\t{name}\t{field}\t{z}\t{channel}")
    (tmp_path / "planes.tsv").write_text("\n".join(rows))
    common = ("--keys", keys_json("A02"))
    succeed("project_z", *common, "--planes", tmp_path / "planes.tsv", "--planes_dir", tmp_path,
            "--projection", projection, "--out", tmp_path / "projected")  # fmt: skip
    succeed("qc_images", *common, "--images", tmp_path / "projected", *ROLES,
            "--out", tmp_path)  # fmt: skip
    images = read_table(tmp_path / f"{well}_qc.parquet")
    assert list(images["Metadata_QCVerdict"]) == ["keep", "drop"]
    assert images["Metadata_QCReason"][1] == (
        "PI, plane z=1: a block of 50.0 % of the image is constant at 0 counts: "
        "it was not recorded or not copied"
    )
    check = page(images, {})
    assert check.state == "warn"
    assert "1 field with images of which a part is missing (1 field dropped)" in check.answer
    assert f"{well}_Field_2" in check.answer


@pytest.mark.slow
def test_a_death_stain_that_is_constant_gives_no_state_there_and_the_page_says_so(tmp_path: Path) -> None:
    """A02 has two fields: in the first all of stain P is 0."""
    names = ("Hoechst", "CellMask", "V", "P")
    order = [list(CHANNELS).index(name) for name in ("Hoechst", "CellMask", "AnnexinV", "PI")]
    for well, fields in (("A01", (1,)), ("A02", (1, 2))):
        for field in fields:
            made = render_field(np.random.default_rng(field), size=160, n_cells=25.0)
            pixels = made.planes.max(axis=0)[order]
            if (well, field) == ("A02", 1):
                pixels[3] = 0
            name = f"Time_4hrs_R1_Well_{well}"
            write_field(tmp_path / name / f"{name}_Field_{field}.ome.tiff", Field(pixels, names, None))
        succeed("qc_images", "--keys", keys_json(well), "--images", tmp_path, *ROLES[:4],
                "--out", tmp_path / "qc")  # fmt: skip
    measurements(tmp_path / "m", "A01", ["viable"] * 60, seed=1)
    measurements(tmp_path / "two" / "1", "A02", ["late_apoptotic"] * 20, seed=2)
    measurements(tmp_path / "two" / "2", "A02", ["viable"] * 5 + ["necrotic"] * 5, seed=3, field=2)
    both = [read_table(tmp_path / "two" / field / "Time_4hrs_R1_Well_A02.parquet") for field in "12"]
    both[0]["Nuclei_Intensity_MeanIntensity_P"] = 0.0
    write_table(pd.concat(both), tmp_path / "m" / "Time_4hrs_R1_Well_A02.parquet")
    table = ("--measurements", tmp_path / "m", "--plate_map", plate_map(tmp_path / "map.csv", WELLS))
    done = succeed("call_death", *table, "--qc", tmp_path / "qc", "--early_death_channel", "V", "--late_death_channel", "P",
                   "--out_prefix", tmp_path / "acq")  # fmt: skip
    assert "P: constant, or nothing but noise, in 1 field" in done.stderr
    succeed("annotate_cells", *table, "--qc", tmp_path / "qc", "--death",
            tmp_path / "acq_death.parquet", "--cells_out", tmp_path / "cells", "--images_out",
            tmp_path / "images" / "a.parquet")  # fmt: skip
    cells = read_table(tmp_path / "cells" / "Time_4hrs_R1_Well_A02.parquet")
    first = cells["Metadata_Field"] == 1
    assert cells.loc[first, "Metadata_DeathState"].isna().all()
    assert cells.loc[first, "Nuclei_Intensity_MeanIntensity_P"].isna().all()
    assert cells.loc[first, "Cells_Intensity_MeanIntensity_V"].notna().all()
    assert cells.loc[~first, "Metadata_DeathState"].tolist() == ["viable"] * 5 + ["necrotic"] * 5
    succeed("profile_wells", "--cells", tmp_path / "cells", "--images", tmp_path / "images", "--out",
            tmp_path / "wells.parquet", "--conditions_out", tmp_path / "conditions.parquet")  # fmt: skip
    well = read_table(tmp_path / "wells.parquet").set_index("Metadata_Well").loc["A02"]
    assert (well["Count_Cells"], well["Count_Called"]) == (30, 10)
    assert well["Fraction_Dying"] == pytest.approx(0.5)
    check = page(read_table(tmp_path / "images"), {"late_death_channel": "P"})
    assert check.state == "stop"  # a third of the fields
    assert "P is constant, or nothing but noise, in 1 field (33 %) of Time_4hrs_R1 A02" in check.answer
    assert "the cells of these fields have no death state" in check.answer


def test_a_cell_stain_that_is_cut_off_drops_its_field_and_the_page_says_so(tmp_path: Path) -> None:
    """Field 2 is cut off at 2,047 counts, as by a camera of 11 bits; hot pixels lie above."""
    well = "Time_4hrs_R1_Well_A02"
    for field in (1, 2):
        made = render_field(np.random.default_rng(field), size=160, n_cells=25.0)
        pixels = made.planes.max(axis=0)[[list(CHANNELS).index(name) for name in ("Hoechst", "CellMask")]]
        if field == 2:
            stain = np.minimum(pixels[1] / np.percentile(pixels[1], 80) * 2047, 2047).astype(np.uint16)
            stain[5, 5] = 4000
            pixels[1] = stain
        image = Field(pixels, ("Hoechst", "CellMask"), None)
        write_field(tmp_path / well / f"{well}_Field_{field}.ome.tiff", image)
    succeed("qc_images", "--keys", keys_json("A02"), "--images", tmp_path, *ROLES[:4],
            "--out", tmp_path)  # fmt: skip
    images = read_table(tmp_path / f"{well}_qc.parquet")
    assert list(images["Metadata_QCVerdict"]) == ["keep", "drop"]
    assert re.match(r"CellMask: (19|20)\.\d % of the pixels are saturated", images["Metadata_QCReason"][1])
    screen = dataclasses.replace(screen_of(Tables()), images=images)
    check = image_checks(screen)[0]
    assert (check.state, check.answer) == ("stop", "1 of 2 fields kept, 0 flagged, 1 dropped (50 %).")
    assert "of the pixels are saturated" in verdict_part(screen).html


def test_images_that_are_there_twice_are_found_in_a_well_and_between_wells(tmp_path: Path) -> None:
    order = [list(CHANNELS).index(name) for name in ("Hoechst", "CellMask", "PI")]
    stacks = [
        render_field(np.random.default_rng(seed), size=96, n_cells=9.0).planes.max(axis=0)[order]
        for seed in (1, 2, 3)
    ]
    swapped = stacks[2].copy()
    swapped[2] = swapped[1]  # the file of one channel under the name of another
    tables = []
    for well, fields in (("A01", [stacks[0], stacks[1], stacks[0]]), ("A02", [stacks[1], swapped])):
        name = f"Time_4hrs_R1_Well_{well}"
        for number, pixels in enumerate(fields, start=1):
            field = Field(pixels, ("Hoechst", "CellMask", "PI"), None)
            write_field(tmp_path / name / f"{name}_Field_{number}.ome.tiff", field)
        succeed("qc_images", "--keys", keys_json(well), "--images", tmp_path, *ROLES[:4],
                "--out", tmp_path)  # fmt: skip
        tables.append(read_table(tmp_path / f"{name}_qc.parquet"))
    images = pd.concat(tables)
    dropped = images[images["Metadata_QCVerdict"] == "drop"].set_index("Metadata_ImageID")[
        "Metadata_QCReason"
    ]
    assert list(dropped.index) == ["Time_4hrs_R1_Well_A01_Field_3"]
    assert "the same image as in Time_4hrs_R1_Well_A01_Field_1" in dropped.iloc[0]
    last = images.iloc[-1]
    assert last["Metadata_QCVerdict"] == "flag"
    assert "CellMask and PI are the same image" in last["Metadata_QCReason"]
    check = page(images, {})
    assert check.state == "stop"
    pair = "Time_4hrs_R1_Well_A01_Field_2 and Time_4hrs_R1_Well_A02_Field_1 (Hoechst)"
    assert f"the same image was used for two fields: {pair}; " in check.answer


def test_a_doubtful_stain_and_dead_lines_are_said_on_the_page_with_their_fields() -> None:
    rng = np.random.default_rng(0)
    pixels = render_field(rng, size=240, n_cells=40.0).planes.max(axis=0)
    pixels = (pixels / 300).clip(0, 255).astype(np.uint8)
    pixels[-1] = rng.normal(-6, 4, pixels.shape[1:]).clip(0)
    pixels[2, 100] = 255
    field = Field(pixels, tuple(CHANNELS), None)
    part = missing_block(field.channel("CellMask"))
    assert part is not None
    found = judge_field(
        field_figures(field, "Brightfield"),
        "Hoechst",
        "CellMask",
        missing=[MissingPlane("CellMask", 2, part)],
    )
    images = pd.DataFrame(
        {
            "Metadata_ImageID": ["A_Field_1", "A_Field_2"],
            "Metadata_Acquisition": "Time_4hrs_R1",
            "Metadata_Well": "A02",
            "Metadata_QCVerdict": ["keep", found.verdict],
            "Metadata_QCReason": ["", found.reason],
            "Metadata_QCUnusable": "",
        }
    )
    check = page(images, {"late_death_channel": "PI"})
    assert check.state == "warn"
    assert "PI shows no trace of the cells in 1 field of Time_4hrs_R1 A02" in check.answer
    assert "look at these images, since their cells count as negative for it" in check.answer
    assert "1 field with a few dead rows or columns: A_Field_2" in check.answer


def test_a_screen_of_zeros_has_a_page_that_says_so_first() -> None:
    """As the tables of such a screen are: no cell, counts per field and fractions missing."""
    screen = screen_of(Tables())
    wells = screen.wells.copy()
    for name in wells.columns[~wells.columns.str.startswith("Metadata_")]:
        wells[name] = 0.0 if name.startswith("Count_") and not name.endswith("PerField") else np.nan
    wells["Count_BorderCells"] = 0.0
    images = screen.images.copy()
    images["Metadata_QCVerdict"] = "drop"
    images["Metadata_QCReason"] = (
        "DNA is constant at 0 counts: nothing is measured in it; Cell is constant at 0"
    )
    dark = dataclasses.replace(screen, wells=wells, images=images)
    (check,) = cell_checks(dark)
    assert check.state == "stop"
    assert check.answer == (
        "No whole cell was found in any well: there are no results. Quality control dropped all of "
        f"{len(images)} fields: DNA is constant at 0 counts: nothing is measured in it, and 1 further reason."
    )
    assert "export or record them again" in check.fix
    assert [one.state for one in vehicle_checks(dark)] == ["none"]
    # what segmentation lost is all that there is to show
    assert {name.partition("_")[0] for name in plates.endpoints_of(dark)} == {"Share"}
    assert "md-plate-view" in "".join(str(part.html) for part in plates.section(dark).parts)


def test_values_that_a_blank_channel_lacks_are_not_put_down_to_small_cells() -> None:
    images = pd.DataFrame(
        {
            "Metadata_ImageID": ["A_Field_1", "A_Field_2"],
            "Metadata_QCUnusable": ["PI", ""],
            "Count_Cells": [20, 40],
            "Count_ObjectsLackingValues": [20, 1],
            "Metadata_LackingValues": ["20 Cells without some intensity", "1 Nuclei without some radial"],
        }
    )
    screen = dataclasses.replace(screen_of(Tables()), images=images)
    (check,) = (one for one in image_checks(screen) if one.question == "Was every cell fully measured?")
    assert check.state == "ok"
    assert "1 object of 40 cells" in check.answer and "A_Field_2" in check.answer


def test_sound_images_are_called_so() -> None:
    images = pd.DataFrame(
        {"Metadata_QCVerdict": ["keep"], "Metadata_QCReason": [""], "Metadata_QCUnusable": [""]}
    )
    assert page(images, {}).state == "ok"
    assert gate_checks(screen_of(Tables()))[0].state == "ok"


def test_features_of_a_channel_are_told_apart_where_names_contain_each_other() -> None:
    features = [
        "Cells_Intensity_MeanIntensity_PI",
        "Cells_Intensity_MeanIntensity_PI_2",
        "Nuclei_RadialDistribution_FracAtD_PI_1of4",
        "Cells_Correlation_Correlation_Hoechst_PI",
        "Cells_AreaShape_Area",
        "Cells_Intensity_MeanIntensity_API",
    ]
    found = features_of_channels(features, ["PI", "PI_2", "API", "Hoechst"])
    assert found["PI"] == [features[0], features[2], features[3]]
    assert (found["PI_2"], found["Hoechst"], found["API"]) == ([features[1]], [features[3]], [features[5]])


def test_failed_stains_and_acquisitions_that_differ_are_said_on_the_page() -> None:
    screen = screen_of(Tables())
    gates = pd.DataFrame(
        {
            "Metadata_Acquisition": ["a", "b", "c"],
            "Channel": "PI",
            "Column": "Nuclei_Intensity_MeanIntensity_PI",
            "Threshold": 300.0,
            "Centre": [200.0, 205.0, 900.0],
            "Spread": [12.0, 13.0, 14.0],
            "Fraction_VehiclePositive": 0.02,
            "Fraction_Stained_treated": 0.4,
            "Fraction_Stained_treated_GateLower": [0.6, 0.42, 0.42],
            "Fraction_Stained_treated_GateHigher": 0.38,
            "Doubt": [None, "the positive controls do not rise above the gate", None],
        }
    )
    (check,) = gate_checks(dataclasses.replace(screen, gates=gates))
    assert check.state == "warn"
    assert "States are doubtful because of 1 of 3 gates: the positive controls do not rise" in check.answer
    assert "(PI b)" in check.answer
    assert "unstained cells differ between acquisitions: PI of c (900 ± 14 counts" in check.answer
    assert "PI of a (38 % to 60 %)" in check.answer
