"""Metadata that instruments write beside their images: what is read, what is refused, and what they contradict."""

from __future__ import annotations

from pathlib import Path

import pytest

import sidecar_files as beside
from instrument_files import MADE, MICRON, WELLS, by_name
from morphodose.design.faults import Faults
from morphodose.design.start import look
from morphodose.reading.harmony import read_harmony
from morphodose.reading.said import Channel
from morphodose.reading.tiff_text import channel_of_tiff
from morphodose.reading.xmltext import BadXml, parse
from morphodose.reading.yokogawa import read_yokogawa
from test_instruments import screen_of

BOMB = "<!DOCTYPE r [<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>"


@pytest.mark.parametrize("version", [5, 6, 7])
def test_each_version_of_harmony_says_names_wavelengths_and_pixel_size(tmp_path: Path, version: int) -> None:
    by_name("r{row:02d}c{col:02d}f{f:02d}p{z:02d}-ch{c}sk1fk1fl1.tiff")(tmp_path)
    beside.harmony(version, "Index.xml")(tmp_path)
    said = read_harmony(str(tmp_path / "Index.xml"))
    assert said.channels["1"] == Channel("HOECHST 33342", pytest.approx(MICRON), 375, 456)
    assert said.channels["1"].text() == "HOECHST 33342, 375/456 nm"
    assert (said.plate, said.plate_format, len(said.images)) == ("X1", 384, 16)


def test_the_sidecars_of_a_real_cv8000_are_read(shared_data: Path) -> None:
    path = next((shared_data / "formats" / "cv8000").rglob("MeasurementDetail.mrf"))
    said = read_yokogawa(str(path))
    assert said.channels["1"] == Channel("405 BP445/45", 0.325, 405, 445)
    assert (said.plate_format, len(said.images)) == (96, 96)
    first = said.images["CV8000-Minimal-DataSet-2C-3W-4S-FP2-stack_D08_T0001F001L01A01Z01C01.tif"]
    assert (first.hours, first.x_um, first.y_um) == (0, -567.1, 402.9)
    found = look(str(path.parent), "P1", 0, "auto", faults := Faults())
    # its publishers set the pixels to 0
    assert [fault.kind for fault in faults.found] == ["blank_channel"]
    assert found.wells == ["D08", "E03", "F08"] and found.pixel_um == 0.325
    assert found.channels == {"1": "405_BP445_45", "2": "488_BP525_50"}


def test_metamorphs_text_in_a_real_tiff_says_stain_and_pixel_size(shared_data: Path) -> None:
    folder = shared_data / "formats" / "imagexpress_projection_mix"
    said = channel_of_tiff(str(next(folder.rglob("*_w1*.tif"))))
    assert said == Channel("FITC_05", pytest.approx(1.3668), None, 536)


def test_a_document_type_is_refused_before_its_entities_are_read(tmp_path: Path) -> None:
    with pytest.raises(BadXml, match="declares a document type"):
        parse(f"<?xml version='1.0'?><!-- long{'x' * 10_000} -->{BOMB}<r>&b;</r>")
    screen = screen_of(tmp_path)
    by_name("r{row:02d}c{col:02d}f{f:02d}p{z:02d}-ch{c}sk1fk1fl1.tiff")(tmp_path / "images")
    (tmp_path / "images" / "Index.xml").write_text(f"{BOMB}<EvaluationInputData/>")
    design = screen.judge(file_pattern="auto", channels="1:DNA,2:Actin")
    assert [fault.kind for fault in design.faults] == ["metadata"]
    assert "declares a document type" in design.faults[0].message
    assert {plane.well for plane in design.planes} == set(WELLS)


def test_another_plates_metadata_say_nothing_of_these_images(tmp_path: Path) -> None:
    by_name("r{row:02d}c{col:02d}f{f:02d}p{z:02d}-ch{c}sk1fk1fl1.tiff")(tmp_path / "images")
    other = tmp_path / "other"
    by_name("r09c09f{f:02d}p{z:02d}-ch{c}sk1fk1fl1.tiff")(other)
    beside.harmony(5, "Index.xml")(other)
    (other / "Index.xml").rename(tmp_path / "Index.xml")
    found = look(str(tmp_path / "images"), "P1", 0, "auto", Faults())
    assert found.pixel_um is None and not found.described


def test_parameters_that_the_metadata_contradict_are_said(tmp_path: Path) -> None:
    screen = screen_of(tmp_path)
    MADE["opera_phenix"].make(tmp_path / "images")
    design = screen.judge(
        file_pattern="auto", channels="1:Alexa_568_Phalloidin,2:Hoechst", pixel_size_um=0.65
    )
    texts = "\n".join(fault.text() for fault in design.faults)
    assert "by the metadata, channel 1 is 'HOECHST 33342', and 'Alexa_568_Phalloidin' is channel 2" in texts
    assert "--pixel_size_um: value '0.65': the metadata of the images say 0.325 um" in texts
    assert "--plate_format: value '96': the metadata of the instrument (Index.idx.xml)" in texts
    assert design.settings["pixel_size_um"] == 0.325


def test_wells_that_are_counted_on_another_plate_than_the_metadata_say_are_an_error(tmp_path: Path) -> None:
    screen = screen_of(tmp_path)
    MADE["cq1"].make(tmp_path / "images")
    message = screen.message(file_pattern="auto", channels="1:DNA,2:Actin", plate_format=384)
    assert "the plate has 96 wells, and the names of the images count its wells row by row" in message
    assert "→ --plate_format 96" in message


def test_acquisitions_of_different_magnification_are_said(tmp_path: Path) -> None:
    screen = screen_of(tmp_path)
    rows = ["plate,timepoint_h,replicate,images"]
    for number, size in enumerate((MICRON, 2 * MICRON)):
        folder = tmp_path / f"images{number}"
        MADE["opera_phenix"].make(folder)
        index = folder / "Images" / "Index.idx.xml"
        text = index.read_text("utf-8-sig").replace(f"{MICRON * 1e-6:.6E}", f"{size * 1e-6:.6E}")
        index.write_text(text, encoding="utf-8-sig")
        rows.append(f"P1,{number},1,images{number}")
    screen.sheet.write_text("\n".join(rows) + "\n")
    design = screen.judge(file_pattern="auto", channels="1:DNA,2:Actin", plate_format=384)
    assert [fault.kind for fault in design.faults] == ["pixel_sizes"]
    assert "0.325 um in" in design.faults[0].message and "0.65 um in" in design.faults[0].message
    assert design.settings["pixel_size_um"] is None


def test_names_and_stains_of_later_acquisitions_are_seen_by_start_screen(tmp_path: Path) -> None:
    template = "r{row:02d}c{col:02d}f{f:02d}p{z:02d}-ch{c}sk1fk1fl1.tiff"
    by_name(template, (1, 2))(tmp_path / "4h_R1")
    by_name(template, (1, 2, 3))(tmp_path / "24h_R1")
    for folder in ("4h_R1", "24h_R1"):
        beside.harmony(6, "Index.xml")(tmp_path / folder) if folder == "4h_R1" else None
    found = look(str(tmp_path), "P1", 0, "auto", faults := Faults())
    assert not faults.found
    assert found.channels == {"1": "HOECHST_33342", "2": "Alexa_568_Phalloidin", "3": "Channel3"}
    assert found.partly == {"Channel3": ["24h_R1"]}
    assert "channel Channel3 is in only some acquisitions: 24h_R1" in found.lines()
