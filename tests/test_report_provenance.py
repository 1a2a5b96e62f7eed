"""What stands behind the answer: overlays, what was dropped, measures, cost, methods, and how tables are read."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morphodose.errors import InputError
from morphodose.report import (
    compound,
    cost,
    curves,
    dropped,
    methods,
    overlays,
    provenance,
    verdict,
)
from morphodose.report.inputs import read_document, read_wells, versions_of
from morphodose.report.models import model_part
from morphodose.segmentation.weights import REGISTRY
from morphodose.tables import write_table
from report_screen import SMALL, screen_of, text_of
from report_tables import Tables

ROOT = Path(__file__).resolve().parents[1]


def test_worst_fields_come_first_with_their_outlines(tmp_path: Path) -> None:
    from PIL import Image

    screen = screen_of()
    Image.new("RGB", (900, 900)).save(tmp_path / "a.png")
    ids = [
        f"{a}_Well_{w}_Field_2"
        for a, w in zip(screen.wells["Metadata_Acquisition"], screen.wells["Metadata_Well"], strict=True)
    ]
    worst, lost = overlays.section(replace(screen, overlays=dict.fromkeys(ids, tmp_path / "a.png"))).parts
    assert worst.title == "Worst fields" and worst.html.count("<figure") == overlays.WORST
    assert "nuclei in no cell" in worst.html and "<img" in worst.html
    assert "?view=plate&amp;endpoint=Share_Count_NucleiWithoutCell" in lost.html


def test_lines_of_the_verdict_lead_to_the_wells_and_fields_they_speak_of() -> None:
    screen = screen_of()
    text = verdict.linked(screen, "<b> above 20 % in 2 wells (P1 B03 at 48 h, P1 Q99 at 48 h); x at 48 h")
    assert "&lt;b&gt;" in text and "Q99 at 48 h" in text and text.count("<a ") == 1
    assert 'P1 <a href="?view=plate&amp;well=B03&amp;time=48&amp;plate=P1">B03 at 48 h</a>' in text
    text = verdict.linked(screen, "look at Time_48hrs_R1_Well_B03_Field_2.")
    assert '<a href="?view=plate&amp;image=Time_48hrs_R1_Well_B03_Field_2">' in text
    html = text_of(verdict.checks_section(screen, verdict.judged(screen)))
    assert 'href="#sec-gates"' in html and 'href="?view=networks"' not in html


def test_what_was_dropped_comes_with_the_command_that_runs_it_again() -> None:
    run = {"pipeline": "lab/morpho dose", "revision": "1.0", "profile": "slurm", "left_out": []}
    screen = screen_of(run=run, params={"outdir": "/data/my results"})
    text = text_of(dropped.section(screen))
    assert (
        "nextflow run &#x27;lab/morpho dose&#x27; -r 1.0 -profile slurm -params-file "
        "&#x27;/data/my results/pipeline_info/params.json&#x27; -resume"
    ) in text
    assert "If main.nf is not" not in text
    local = text_of(dropped.section(screen_of(run={**run, "revision": None}, params={"outdir": "out"})))
    assert "nextflow run main.nf -profile slurm -params-file out/pipeline_info/params.json -resume" in local
    assert "If main.nf is not in that folder" in local
    elsewhere = {**run, "revision": None, "work_dir": "/scratch/w 1"}
    asked = text_of(dropped.section(screen_of(run=elsewhere, params={"outdir": "out"})))
    assert "-profile slurm -work-dir &#x27;/scratch/w 1&#x27; -params-file out/" in asked
    assert "1 dropped" in text and "None: every step of the pipeline ran." in text


def test_growth_comparisons_and_departures_have_intervals_and_states() -> None:
    growth = pd.DataFrame(
        {
            "Metadata_Compound": "Staurosporine", "Metadata_Timepoint": 48.0, "Metadata_DoseUnit": "uM",
            "Endpoint": ["Relative_CellCount", "Relative_ViableCount"], "State": ["fitted", "refused"],
            "Reason": [None, "growth of the vehicle wells: 0.2 doublings"], "GR50": [2.0, np.nan],
            "GR50_Low": [1.5, np.nan], "GR50_High": [2.7, np.nan], "GRmax": [-0.3, np.nan],
            "GRmax_Low": [-0.4, np.nan], "GRmax_High": [-0.2, np.nan], "Doublings": [1.4, 0.2], "Start_h": 4.0,
        }
    )  # fmt: skip
    departures = pd.DataFrame(
        {
            "Metadata_Compound": ["Staurosporine"], "Metadata_Timepoint": 48.0, "Metadata_DoseUnit": "uM",
            "ShapeEndpoint": "MedianViable_Cells_AreaShape_Area", "ShapeState": "fitted",
            "DeathEndpoint": None, "DeathState": None, "Shape_PointOfDeparture": 0.3,
            "Shape_PointOfDeparture_Low": 0.2, "Shape_PointOfDeparture_High": 0.5,
            "Death_PointOfDeparture": np.nan, "Death_PointOfDeparture_Low": np.nan,
            "Death_PointOfDeparture_High": np.nan, "Ratio": np.nan,
        }
    )  # fmt: skip
    comparisons = pd.DataFrame(
        {
            "Kind": "compounds", "Shared": "", "First": ["A"], "Second": ["<B>"], "Endpoint": "Fraction_Dying",
            "Metadata_Timepoint": 48.0, "Ratio": 0.5, "Ratio_Low": 0.3, "Ratio_High": 0.8, "P": 0.001,
            "P_Adjusted": 0.002,
        }
    )  # fmt: skip
    screen = screen_of(further={"growth": growth, "departures": departures, "comparisons": comparisons})
    html = compound.view(screen, "Staurosporine")
    assert "2 µM (1.5 – 2.7)" in html and "−0.3 (−0.4 – −0.2)" in html.replace("-", "−")
    assert "growth of the vehicle wells: 0.2 doublings" in html
    assert "0.3 µM (0.2 – 0.5), fitted" in html and "none" in html
    made = compound.compared(screen)
    assert made is not None and "A : &lt;B&gt;" in text_of(made) and "0.5 (0.3 – 0.8)" in text_of(made)
    assert compound.compared(screen_of()) is None


def test_the_cost_has_its_place_which_is_filled_when_the_run_has_ended() -> None:
    text = text_of(cost.section(screen_of()))
    assert text.count(cost.BEGIN) == text.count(cost.END) == 1
    workflow = (ROOT / "lib" / "cost.nf").read_text(encoding="utf-8")
    assert cost.BEGIN in workflow and cost.END in workflow


def test_methods_follow_the_parameters_and_number_their_references() -> None:
    screen = screen_of(params={"cell_method": "from_nuclei", "nuclear_channel": "DNA", "expand_px": 9})
    writer = methods.compose(screen)
    text = " ".join(writer.paragraphs)
    assert "channel DNA" in text and "by up to 9 px" in text and "scikit-image" in text
    assert "[]" not in text
    assert writer.cited[0] == "nextflow" and len(set(writer.cited)) == len(writer.cited)
    assert set(writer.cited) <= set(methods.REFERENCES)
    for method in ("cellpose_completed", "propagate"):
        params = {"cell_method": method, "nuclear_channel": "DNA", "cell_channel": "Actin"}
        writer = methods.compose(screen_of(params=params))
        text = " ".join(writer.paragraphs)
        assert "propagation [" in text and "channel Actin" in text and "[]" not in text
        assert "propagation" in writer.cited
    plain = " ".join(methods.compose(screen_of(Tables(death=False, **SMALL))).paragraphs)
    assert "apoptotic" not in plain


def test_the_page_says_how_to_cite_and_names_files_that_the_guide_names() -> None:
    screen = screen_of(run={"version": "9.8.7"})
    (cite,) = [part for part in methods.section(screen).parts if part.title == "How to cite"]
    assert "morphodose 9.8.7" in cite.html and "The morphodose authors" in cite.html
    guide = (Path(__file__).parents[1] / "docs" / "output.md").read_text(encoding="utf-8")
    (files,) = [part for part in provenance.provenance(screen).parts if part.title == "Files"]
    for path, _ in provenance.FILES:
        assert path.split(",")[0].split("/")[-1].strip() in guide or f"{path.split('/')[-2]}/" in guide, path
        assert path.split("/")[0] + "/" in guide and path.split("<")[0] in files.html


def test_versions_are_read_from_yaml_and_from_yaml_in_json(tmp_path: Path) -> None:
    yaml = '"A:B:STEP":\n    python: 3.11.7\n'
    (tmp_path / "v.yml").write_text(yaml)
    (tmp_path / "v.json").write_text('"' + yaml.replace('"', '\\"').replace("\n", "\\n") + '"')
    for name in ("v.yml", "v.json"):
        assert versions_of(read_document(tmp_path / name)) == {"STEP": {"python": "3.11.7"}}
    (tmp_path / "bad").write_text("{ no")
    with pytest.raises(InputError, match="neither JSON nor YAML"):
        read_document(tmp_path / "bad")


def test_wells_are_read_without_the_columns_nobody_shows(tmp_path: Path) -> None:
    wells = Tables(**SMALL).wells().assign(Median_Cells_Zernike_1=1.0, Median_Cells_Texture_9=2.0)
    write_table(wells, tmp_path / "wells.parquet")
    names = set(read_wells(tmp_path / "wells.parquet", ["Median_Cells_Texture_9"]).columns)
    assert "Median_Cells_Texture_9" in names and "Median_Cells_Zernike_1" not in names
    write_table(wells.drop(columns="Metadata_Role"), tmp_path / "bad.parquet")
    with pytest.raises(InputError, match="no column Metadata_Role; the table wells of profile_wells"):
        read_wells(tmp_path / "bad.parquet")


def test_files_of_curves_are_those_of_the_hits_of_all_or_of_none() -> None:
    screen = screen_of(Tables(**{**SMALL, "compounds": ("A", "B")}))
    screen.responses.loc[screen.responses["Metadata_Compound"] == "B", "State"] = "refused"
    chosen = {kind: curves.figured(replace(screen, figures=kind)) for kind in ("hits", "all", "none")}
    assert chosen == {"hits": ["A"], "all": ["A", "B"], "none": []}


def test_the_models_are_named_with_hash_terms_scores_and_card() -> None:
    shipped = asdict(REGISTRY["morphodose"]) | {"model": "morphodose", "checked": True}
    own = {
        "name": "my_cells.npz", "origin": "a file of the user", "start": "cyto3", "cells": 310, "fields": ["a", "<b>"],
        "held_out": ["c"], "f1_before": [0.41, 0.2], "f1_after": [0.88, 0.6], "licence": "terms of cyto3",
        "model": "my_cells.npz", "file": "my_cells.npz", "sha256": "ab12", "checked": False,
    }  # fmt: skip
    part = model_part(screen_of(run={"weights": {"cell_model": own, "nuclear_model": shipped}}))
    for words in (
        "cyto3", "310 corrected cells of 2 fields (a and &lt;b&gt;)", "0.41 and 0.20 before, 0.88 and 0.60 after",
        "held out: 1 field (c)", "terms of cyto3", "my_cells.md, beside the file", "ab12",
        "no hash to compare with", "assets/models/morphodose.md", "<dd>nuclei</dd>",
    ):  # fmt: skip
        assert words in part.html, words
    # one file for both is told once; a file without a card says so; an unrecorded run says why
    both = model_part(screen_of(run={"weights": {"cell_model": shipped, "nuclear_model": shipped}})).html
    assert both.count("<dl") == 1 and "cells and nuclei" in both
    bare = {"name": "x", "model": "x", "file": "x", "sha256": "1", "origin": "a file of the user"}
    assert "none came with the file" in model_part(screen_of(run={"weights": {"cell_model": bare}})).html
    assert "Left out: the record of the run" in model_part(screen_of()).html
