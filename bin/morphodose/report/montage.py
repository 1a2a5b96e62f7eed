"""A dose × time montage of one compound: its stains as layers that can be switched, and the masks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from morphodose.names import field_of
from morphodose.report.draw import dose_name
from morphodose.report.html import Safe, escape, notice
from morphodose.report.inputs import ReportInputs
from morphodose.report.summary import wells_of
from morphodose.report.tiles import COLOURS, MOST_THUMBS, Tiles, channels_of
from morphodose.report.words import counted, hours, listed

if TYPE_CHECKING:
    import pandas as pd

#: Doses and times that are shown at most, vehicle and the highest dose among them.
MOST_DOSES, MOST_TIMES = 9, 6
#: Doses of a compound that is shown at one time alone.
FEW_DOSES = 5

Places = dict[tuple[float, float], str]


def montage(screen: ReportInputs, compound: str, tiles: Tiles) -> Safe:
    """The montage as an HTML table of pictures, or a line that says why there is none."""
    channels = channels_of(screen)
    if not screen.fields:
        return _none("the projected images of project_z were not given (--focus)")
    if not channels:
        return _none("no channel has a role (cell, nucleus, death stain), so there is nothing to compose")
    places, doses, times = places_of(screen, compound)
    if not places:
        return _none(f"no field of {compound} is among the projected images")
    unit = screen.dose_unit(compound)
    layered = [image in tiles.layers for image in places.values()]
    if all(layered) or (any(layered) and screen.ranked[0].compound == compound):
        cells = {place: _layers(tiles, image, place, unit) for place, image in places.items()}
        switches = _switches(channels, tiles, any(image in tiles.masks for image in places.values()))
        note = f"The middle {tiles.edge} of one field per condition; one contrast for the whole screen."
        note += _share_shown(screen, compound, doses, times)
        return _grid(compound, switches, cells, doses, times, unit, note)
    few, doses, time = few_places(screen, compound)
    rows = rows_by_image(screen)
    shown = {dose: row for dose, image in few.items() if (row := rows.get(image)) in tiles.thumbs}
    if not shown:
        if not tiles.spent and len(tiles.thumbs) < MOST_THUMBS:
            return _none(f"no image of {compound} has one of the channels {listed(channels)}")
        return _none(
            f"{compound} is number {_rank(screen, compound)} of the ranking, and to read the images of so "
            f"many compounds would take too long. Its images are {_where(few)}"
        )
    cells = {(dose, time): _flat(row, few[dose], (dose, time), unit) for dose, row in shown.items()}
    whole = sum(all(i in tiles.layers for i in _images(screen, hit.compound)) for hit in screen.ranked)
    note = (
        f"The middle {tiles.edge} of one field per dose, {stains(screen, tiles)} together; one contrast for "
        "the whole screen. So that the page stays small, it has all times, and stains that can be switched, "
        f"for {counted(whole, 'compound')} at the top of the ranking. The images are {_where(few)}."
        f"{_share_shown(screen, compound, doses, times)}"
    )
    return _grid(compound, "", cells, doses, [time], unit, note)


def _share_shown(screen: ReportInputs, compound: str, doses: list[float], times: list[float]) -> str:
    """How many of the doses and times are shown, where there is no room for all."""
    wells = wells_of(screen, compound)
    tested = {float(dose) for dose in wells["Dose"] if dose > 0}
    shown = [dose for dose in doses if dose > 0]
    every = wells["Metadata_Timepoint"].nunique()
    parts = [f"{len(shown)} of {len(tested)} doses"] if len(shown) < len(tested) else []
    parts += [f"{len(times)} of {every} times"] if len(times) < every else []
    return f" Shown: {listed(parts)}." if parts else ""


def _grid(
    compound: str,
    switches: str,
    cells: dict[tuple[float, float], str],
    doses: list[float],
    times: list[float],
    unit: str,
    note: str,
) -> Safe:
    """Pictures by dose and time, as a figure."""
    head = "".join(f'<th scope="col">{escape(dose_name(dose, unit))}</th>' for dose in doses)
    none = '<span class="md-none">no image</span>'
    rows = ""
    for time in times:
        line = "".join(f"<td>{cells.get((dose, time), none)}</td>" for dose in doses)
        rows += f'<tr><th scope="row">{escape(hours(time))}</th>{line}</tr>'
    grid = f"<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody>"
    return Safe(
        f'<figure class="md-montage md-no-mask" data-name="{escape(compound)} montage">{switches}'
        f'<div class="md-scroll" tabindex="0" role="group" aria-label="Montage"><table '
        f'style="--md-tiles:{len(doses)}">{grid}</table></div>'
        f"<figcaption>{escape(note)}</figcaption></figure>"
    )


def _images(screen: ReportInputs, compound: str) -> list[str]:
    return list(places_of(screen, compound)[0].values())


def _rank(screen: ReportInputs, compound: str) -> int:
    return [hit.compound for hit in screen.ranked].index(compound) + 1


def _where(images: dict[float, str]) -> str:
    """Where the run has the images of some conditions, in words."""
    names = [f"{name}.ome.tiff" for name in images.values()]
    return f"in projected/ of the results, as {listed(names, 2)}"


def _none(why: str) -> Safe:
    return Safe(notice(f"Montage left out: {why}."))


def _switches(channels: dict[str, str], tiles: Tiles, masks: bool) -> str:
    """Boxes that show and hide a stain, and the outlines; they are the key of the colours, too."""
    boxes = "".join(
        f'<label class="md-switch"><input type="checkbox" checked data-layer="{role}">'
        f'<span class="md-swatch" style="background:{_css(COLOURS[role][0])}"></span>'
        f"{escape(name)}, {COLOURS[role][1]}</label>"
        for name, role in channels.items()
        if role in tiles.roles
    )
    if masks:
        boxes += (
            '<label class="md-switch"><input type="checkbox" data-layer="mask">'
            "outlines: cells yellow, nuclei magenta</label>"
        )
    return f'<fieldset class="md-switches"><legend>Shown</legend>{boxes}</fieldset>'


def _css(colour: tuple[float, float, float]) -> str:
    return f"rgb({','.join(str(round(255 * part)) for part in colour)})"


def places_of(screen: ReportInputs, compound: str) -> tuple[Places, list[float], list[float]]:
    """(dose, time) → image id, the doses and the times shown."""
    known = screen.kept.setdefault("places", {})
    if compound not in known:
        known[compound] = _places_of(screen, compound)
    found: tuple[Places, list[float], list[float]] = known[compound]
    return found


def _places_of(screen: ReportInputs, compound: str) -> tuple[Places, list[float], list[float]]:
    wells = wells_of(screen, compound)
    treated = wells[wells["Dose"] > 0]
    wells = wells[wells["Metadata_Plate"].isin(treated["Metadata_Plate"])]
    images = images_by_well(screen)
    doses = _some(sorted(float(d) for d in wells["Dose"].unique()), MOST_DOSES)
    times = _some(sorted(float(t) for t in wells["Metadata_Timepoint"].unique()), MOST_TIMES)
    order = ["Metadata_Plate", "Metadata_Replicate", "Metadata_Well"]
    places: Places = {}
    for row in wells.sort_values(order).to_dict("records"):
        place = (float(row["Dose"]), float(row["Metadata_Timepoint"]))
        image = images.get(f"{row['Metadata_Acquisition']}_Well_{row['Metadata_Well']}")
        if image and place not in places and place[0] in doses and place[1] in times:
            places[place] = image
    return places, doses, times


def few_places(screen: ReportInputs, compound: str) -> tuple[dict[float, str], list[float], float]:
    """Dose → image id of a few doses at the time of its main curve, the doses, and that time."""
    places, doses, times = places_of(screen, compound)
    if not places:
        return {}, [], math.nan
    main = screen.ranked[_rank(screen, compound) - 1].main
    time = float(main["Metadata_Timepoint"]) if main is not None else times[-1]
    if not any(at == time for _, at in places):
        time = max(at for _, at in places)
    doses = _some(doses, FEW_DOSES)
    return {dose: places[dose, time] for dose in doses if (dose, time) in places}, doses, time


def rows_by_image(screen: ReportInputs) -> dict[str, int]:
    """Image id, of those of `images_by_well` → row of its well."""
    known = screen.kept.get("rows by image")
    if known is None:
        names = screen.wells["Metadata_Acquisition"].astype(str) + "_Well_" + screen.wells["Metadata_Well"]
        images = images_by_well(screen)
        known = {images[name]: row for row, name in enumerate(names) if name in images}
        screen.kept["rows by image"] = known
    return known


def images_by_well(screen: ReportInputs) -> dict[str, str]:
    """Acquisition and well → its first field that quality control did not drop."""
    known = screen.kept.get("images by well")
    if known is None:
        dropped = _dropped(screen.images)
        known = {}
        for image in sorted(screen.fields, key=field_of):
            if image not in dropped:
                known.setdefault(image.rpartition("_Field_")[0], image)
        screen.kept["images by well"] = known
    return known


def _dropped(images: pd.DataFrame) -> set[str]:
    if "Metadata_QCVerdict" not in images:
        return set()
    return set(images.loc[(images["Metadata_QCVerdict"] == "drop").fillna(False), "Metadata_ImageID"])


def _some(values: list[float], most: int) -> list[float]:
    """At most so many of sorted values, evenly chosen, the ends among them."""
    if len(values) <= most:
        return values
    chosen = np.unique(np.linspace(0, len(values) - 1, most).round().astype(int))
    return [values[i] for i in chosen]


def _layers(tiles: Tiles, image: str, place: tuple[float, float], unit: str) -> str:
    """A picture of stains on one another, which can be switched."""
    layers = tiles.layers.get(image)
    if not layers:
        return '<span class="md-none">no image</span>'
    stains = "".join(f'<img class="md-{role}" src="{source}" alt="">' for role, source in layers.items())
    if mask := tiles.masks.get(image):
        stains += f'<img class="md-mask" src="{mask}" alt="">'
    return _tile(stains, image, place, unit)


def _flat(row: int, image: str, place: tuple[float, float], unit: str) -> str:
    """A picture of all stains: that of the well, which the script puts in (it is on the page once)."""
    return _tile("", image, place, unit, f' data-well="{row}"')


def _tile(inner: str, image: str, place: tuple[float, float], unit: str, mark: str = "") -> str:
    text = escape(f"{dose_name(place[0], unit)}, {hours(place[1])}: {image}")
    return f'<span class="md-tile" role="img" aria-label="{text}" title="{text}"{mark}>{inner}</span>'


def _drawn(channels: dict[str, str], tiles: Tiles) -> list[tuple[str, str]]:
    """Name and colour of the stains that are drawn."""
    return [(name, COLOURS[role][1]) for name, role in channels.items() if role in tiles.roles]


def stains(screen: ReportInputs, tiles: Tiles) -> str:
    """The stains that are drawn, with their colours, in words."""
    return listed(f"{name} {colour}" for name, colour in _drawn(channels_of(screen), tiles))
