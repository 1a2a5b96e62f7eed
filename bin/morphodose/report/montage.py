"""A dose × time montage of one compound: its stains as layers that can be switched, and the masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from morphodose.names import field_of
from morphodose.report.draw import dose_name
from morphodose.report.html import Safe, escape, notice
from morphodose.report.inputs import ReportInputs
from morphodose.report.summary import wells_of
from morphodose.report.tiles import COLOURS, Tiles, channels_of
from morphodose.report.words import hours, listed

if TYPE_CHECKING:
    import pandas as pd

#: Doses and times that are shown at most, vehicle and the highest dose among them.
MOST_DOSES, MOST_TIMES = 9, 6

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
    if not any(image in tiles.layers for image in places.values()):
        return _none(
            "montages are drawn for the first compounds of the ranking only, since reading the images of all "
            "would take too long"
        )
    unit = screen.dose_unit(compound)
    head = "".join(f'<th scope="col">{escape(dose_name(dose, unit))}</th>' for dose in doses)
    rows = ""
    for time in times:
        cells = "".join(
            f"<td>{_picture(tiles, places.get((dose, time)), dose_name(dose, unit), time)}</td>"
            for dose in doses
        )
        rows += f'<tr><th scope="row">{escape(hours(time))}</th>{cells}</tr>'
    grid = f"<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody>"
    switches = _switches(channels, tiles, any(image in tiles.masks for image in places.values()))
    return Safe(
        f'<figure class="md-montage md-no-mask" data-name="{escape(compound)} montage">{switches}'
        f'<div class="md-scroll" tabindex="0" role="group" aria-label="Montage"><table '
        f'style="--md-tiles:{len(doses)}">{grid}</table></div>'
        f"<figcaption>The middle {escape(tiles.edge)} of one field per condition; one contrast for the whole "
        "screen.</figcaption></figure>"
    )


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


def _picture(tiles: Tiles, image: str | None, dose: str, time: float) -> str:
    layers = tiles.layers.get(image or "")
    if not layers:
        return '<span class="md-none">no image</span>'
    text = escape(f"{dose}, {hours(time)}: {image}")
    stains = "".join(f'<img class="md-{role}" src="{source}" alt="">' for role, source in layers.items())
    if mask := tiles.masks.get(image or ""):
        stains += f'<img class="md-mask" src="{mask}" alt="">'
    return f'<span class="md-tile" role="img" aria-label="{text}" title="{text}">{stains}</span>'


def stains(screen: ReportInputs, tiles: Tiles) -> str:
    """The stains that are drawn, with their colours, in words."""
    named = channels_of(screen).items()
    return listed(f"{name} {COLOURS[role][1]}" for name, role in named if role in tiles.roles)
