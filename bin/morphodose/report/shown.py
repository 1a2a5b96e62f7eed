"""Which images the page shows, by the tables alone: only these are handed to the step that draws it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from morphodose.files import replacing
from morphodose.profiles.losses import worst_fields
from morphodose.report.cells import cloud_of
from morphodose.report.inputs import ReportInputs
from morphodose.report.montage import images_by_well
from morphodose.report.overlays import WORST
from morphodose.report.pictures import wanted_of
from morphodose.report.tiles import readable

#: Files of a field that a tile, the image of a well or the crop of a cell is drawn from.
DRAWN = (".ome.tiff", "_cells.tif", "_nuclei.tif")


def files_shown(screen: ReportInputs) -> dict[str, list[str]]:
    """The image files that the page of a screen reads.

    Parameters
    ----------
    screen : ReportInputs
        All its tables; no image is read.

    Returns
    -------
    dict of str to list of str
        Well-timepoint id → names of files, sorted; a well without any is left out.
    """
    images = screen.images.get("Metadata_ImageID", ())
    every = replace(
        screen, wells=screen.wells.reset_index(drop=True), fields={str(image): Path() for image in images}
    )
    wanted = wanted_of(every, cloud_of(every))
    drawn = readable(every, wanted)
    # one more than is read, from which the page sees that there are more; and the first field of each well,
    # in whose place it would take another one
    more = [image for image in wanted if image in every.fields and image not in drawn]
    read = {*drawn, *more[:1], *images_by_well(every).values()}
    worst = worst_fields(every.images, WORST)
    names = [f"{image}{ending}" for image in read for ending in DRAWN]
    names += [f"{image}_overlay.png" for image in worst.get("Metadata_ImageID", ())]
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(name.rpartition("_Field_")[0], []).append(name)
    return found


def write_shown(screen: ReportInputs, out: Path) -> None:
    """Write ``fields.json`` into a folder: what `files_shown` gives."""
    with replacing(out / "fields.json") as temporary:
        temporary.write_text(json.dumps(files_shown(screen), indent=1) + "\n", encoding="utf-8")
