"""Which fields the page shows, and what of them, in the order in which they are read.

First everything of the leading compound; then each other compound in few pictures, which are those of its
wells too; then as many whole montages as the page takes; then the other wells, and the cells of the map.
"""

from __future__ import annotations

from morphodose.report import tiles
from morphodose.report.cells import Cloud, wanted_cells
from morphodose.report.inputs import ReportInputs
from morphodose.report.montage import few_places, images_by_well, places_of
from morphodose.report.tiles import Wanted


def wanted_of(screen: ReportInputs, cloud: Cloud | None) -> dict[str, Wanted]:
    """What the page shows of each field, by the rank of the compounds.

    Parameters
    ----------
    screen : ReportInputs
        With the projected images (`fields`).
    cloud : Cloud or None
        The cells of the map, which have crops.

    Returns
    -------
    dict of str to Wanted
        Image id → what is asked of it; the field that matters most comes first.
    """
    found: dict[str, Wanted] = {}
    ranked = [hit.compound for hit in screen.ranked]
    for compound in ranked[:1]:
        for image in places_of(screen, compound)[0].values():
            found[image] = Wanted(tile=True)
    for compound in ranked:
        for image in few_places(screen, compound)[0].values():
            found.setdefault(image, Wanted())
    tiled = len({image for image, ask in found.items() if ask.tile})
    for compound in ranked[1:]:
        images = set(places_of(screen, compound)[0].values())
        tiled += sum(not (image in found and found[image].tile) for image in images)
        if tiled > tiles.MOST_TILES:
            break  # the others have the few pictures
        for image in places_of(screen, compound)[0].values():
            found.setdefault(image, Wanted()).tile = True
    by_well = images_by_well(screen)
    names = screen.wells["Metadata_Acquisition"].astype(str) + "_Well_" + screen.wells["Metadata_Well"]
    for row, name in enumerate(names):
        if first := by_well.get(name):
            found.setdefault(first, Wanted()).wells.append(row)
    if cloud is not None:
        for image, asked in wanted_cells(cloud).items():
            found.setdefault(image, Wanted()).cells += asked
    return found
