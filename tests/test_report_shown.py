"""The images that the page shows: chosen by the tables, and enough to draw the same pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morphodose.imaging.images import Field, write_field
from morphodose.report import shown, tiles
from morphodose.report.cells import Cloud
from morphodose.report.inputs import ReportInputs
from morphodose.report.pictures import wanted_of
from morphodose.report.tiles import make_tiles
from report_screen import screen_of
from report_tables import Tables

FIELDS = (1, 2, 3)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> ReportInputs:
    """Three fields of each well, of which the first of one well was dropped."""
    folder = tmp_path_factory.mktemp("fields")
    one = screen_of(Tables(doses=(1.0, 10.0), times=(4, 48), replicates=1, shapes=()))
    rng = np.random.default_rng(0)
    names = one.wells["Metadata_Acquisition"] + "_Well_" + one.wells["Metadata_Well"]
    images = [f"{name}_Field_{field}" for name in names for field in FIELDS]
    for image in images:
        planes = rng.integers(100, 200, (1, 40, 50)).astype(np.uint16)
        write_field(folder / f"{image}.ome.tiff", Field(planes, ("PI",), 0.5))
    table = pd.DataFrame({"Metadata_ImageID": images, "Metadata_QCVerdict": "keep"})
    table.loc[0, "Metadata_QCVerdict"] = "drop"
    design = {"roles": {"late_death": "PI"}, "image": {"width": 50, "height": 40}, "channels": [{}]}
    fields = {image: folder / f"{image}.ome.tiff" for image in images}
    return replace(one, images=table, fields=fields, design=design)


@pytest.mark.parametrize("most", [3, 7, 1000])
def test_the_chosen_fields_are_enough_for_the_same_pictures(
    screen: ReportInputs, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # cells of every third field, the rest of which no other picture shows
    thirds = [image for image in screen.fields if image.endswith("_Field_3")]
    cells = pd.DataFrame({"Metadata_ImageID": thirds, "Metadata_ObjectLabel": 1})
    cloud = Cloud(cells, ())
    monkeypatch.setattr(shown, "cloud_of", lambda _screen: cloud)
    monkeypatch.setattr(tiles, "MOST_PIXELS", most * 40 * 50)
    files = shown.files_shown(replace(screen, fields={}))
    chosen = {name.removesuffix(".ome.tiff") for names in files.values() for name in names if "ome" in name}
    few = replace(screen, fields={image: path for image, path in screen.fields.items() if image in chosen})
    assert not any(image.endswith("_Field_2") for image in chosen - {next(iter(thirds))[:-1] + "2"})
    made, again = (make_tiles(each, wanted_of(each, cloud), len(cells)) for each in (screen, few))
    assert (made.layers, made.thumbs, made.spent) == (again.layers, again.thumbs, again.spent)
    assert made.spent == (most < 1000) and made.layers and made.thumbs
    if most < 1000:
        assert len(chosen) < len(screen.fields) / 2


def test_the_worst_fields_have_their_overlays_and_masks_come_with_an_image(screen: ReportInputs) -> None:
    wells = len(screen.wells)
    counts = {"Count_Nuclei": 100, "Count_NucleiInBorderCells": 0, "Count_NucleiWithoutCell": 0}
    images = screen.images.assign(**counts)
    images.loc[1, "Count_NucleiWithoutCell"] = 50
    files = shown.files_shown(replace(screen, images=images, fields={}))
    assert len(files) == wells
    worst = str(images.loc[1, "Metadata_ImageID"])
    names = files[worst.rpartition("_Field_")[0]]
    assert names == [f"{worst}{end}" for end in (".ome.tiff", "_cells.tif", "_nuclei.tif", "_overlay.png")]
    assert sum(len(each) for each in files.values()) == 3 * wells + 1


def test_without_a_table_of_images_nothing_is_shown(screen: ReportInputs, tmp_path: Path) -> None:
    shown.write_shown(replace(screen, images=pd.DataFrame(), fields={}), tmp_path)
    assert (tmp_path / "fields.json").read_text() == "{}\n"
