"""A dose × time montage of one compound: composites of the stains, all tiles on the same contrast."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from morphodose.images import read_field
from morphodose.names import field_of
from morphodose.report.draw import dose_name
from morphodose.report.html import Safe, escape
from morphodose.report.inputs import Screen
from morphodose.report.summary import wells_of
from morphodose.report.words import hours, listed, number
from morphodose.segmentation.overlay import LEAST_RANGE, pixel_noise

if TYPE_CHECKING:
    import pandas as pd

#: Role of a channel → colour it is drawn in (red, green, blue), and the word for it.
COLOURS: dict[str, tuple[tuple[float, float, float], str]] = {
    "cell": ((0.15, 0.60, 0.25), "green"),
    "nuclear": ((0.25, 0.40, 1.00), "blue"),
    "early_death": ((0.95, 0.80, 0.05), "yellow"),
    "late_death": ((1.00, 0.10, 0.35), "red"),
}
#: Doses and times that are shown at most, vehicle and the highest dose among them.
MOST_DOSES, MOST_TIMES = 9, 6
#: Side of a tile in px, of the page and of the image at most.
TILE, CROP = 120, 360
#: Percentiles between which a channel is shown: of the darkest and the brightest tile but one in ten.
LOW, HIGH = 2.0, 99.7

Image = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tile:
    """One place of the montage: its field, and the channels cut from it."""

    image_id: str
    well: str
    planes: dict[str, Image]
    pixel_size_um: float | None


def montage(screen: Screen, compound: str) -> Safe:
    """The montage as an HTML table of pictures, or a line that says why there is none."""
    channels = channels_of(screen)
    if not screen.fields:
        return _none("the projected images of project_z were not given (--focus)")
    if not channels:
        return _none("no channel has a role (cell, nucleus, death stain), so there is nothing to compose")
    places, doses, times = _places(screen, compound)
    tiles = {place: tile for place, image in places.items() if (tile := _tile(screen, image, channels))}
    if not tiles:
        return _none(f"no field of {compound} is among the projected images")
    scale = contrast(list(tiles.values()))
    unit = screen.dose_unit(compound)
    head = "".join(f'<th scope="col">{escape(dose_name(dose, unit))}</th>' for dose in doses)
    rows = ""
    for time in times:
        cells = "".join(
            f"<td>{_picture(tiles.get((dose, time)), scale, dose_name(dose, unit), time)}</td>"
            for dose in doses
        )
        rows += f'<tr><th scope="row">{escape(hours(time))}</th>{cells}</tr>'
    grid = f"<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody>"
    return Safe(
        f'<figure class="md-montage"><div class="md-scroll"><table style="--md-tiles:{len(doses)}">{grid}'
        f"</table></div><figcaption>{escape(_caption(screen, channels, tiles))}</figcaption></figure>"
    )


def pixels_of(screen: Screen, compound: str) -> int:
    """Pixels that the montage of a compound has to read, by the size of the images in the design."""
    image = screen.design.get("image") or {}
    size = int(image.get("width") or 2000) * int(image.get("height") or 2000)
    channels = len(screen.design.get("channels") or []) or len(COLOURS)
    return len(_places(screen, compound)[0]) * size * channels if screen.fields else 0


def _none(why: str) -> Safe:
    return Safe(f'<div class="md-notice">{escape(f"Montage left out: {why}.")}</div>')


def channels_of(screen: Screen) -> dict[str, str]:
    """Channel → role, of the channels that are drawn."""
    roles = screen.design.get("roles") or {}
    named = {role: roles.get(role) or screen.params.get(f"{role}_channel") for role in COLOURS}
    return {str(name): role for role, name in named.items() if name}


def _places(screen: Screen, compound: str) -> tuple[dict[tuple[float, float], str], list[float], list[float]]:
    """(dose, time) → image id, the doses and the times shown."""
    wells = wells_of(screen, compound)
    treated = wells[wells["Dose"] > 0]
    wells = wells[wells["Metadata_Plate"].isin(treated["Metadata_Plate"])]
    dropped = _dropped(screen.images)
    by_well: dict[str, list[str]] = {}
    for image in screen.fields:
        if image not in dropped:
            by_well.setdefault(image.rpartition("_Field_")[0], []).append(image)
    doses = _some(sorted(float(d) for d in wells["Dose"].unique()), MOST_DOSES)
    times = _some(sorted(float(t) for t in wells["Metadata_Timepoint"].unique()), MOST_TIMES)
    order = ["Metadata_Plate", "Metadata_Replicate", "Metadata_Well"]
    places: dict[tuple[float, float], str] = {}
    for row in wells.sort_values(order).to_dict("records"):
        place = (float(row["Dose"]), float(row["Metadata_Timepoint"]))
        images = by_well.get(f"{row['Metadata_Acquisition']}_Well_{row['Metadata_Well']}")
        if images and place not in places and place[0] in doses and place[1] in times:
            places[place] = min(images, key=field_of)
    return places, doses, times


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


def _tile(screen: Screen, image: str, channels: dict[str, str]) -> Tile | None:
    """The middle of a field, in the channels that are drawn; None where it has none of them."""
    field = read_field(screen.fields[image])
    height, width = field.pixels.shape[1:]
    side = min(height, width, CROP)
    top, left = (height - side) // 2, (width - side) // 2
    planes = {
        name: field.channel(name)[top : top + side, left : left + side].astype(np.float32)
        for name in channels
        if name in field.channels
    }
    well = image.partition("_Well_")[2].partition("_Field_")[0]
    return (
        Tile(image, well, {channels[n]: p for n, p in planes.items()}, field.pixel_size_um)
        if planes
        else None
    )


def contrast(tiles: list[Tile]) -> dict[str, tuple[float, float]]:
    """Role → grey levels shown as black and as full colour, the same for all tiles.

    Black is the middle of the tiles' 2nd percentiles, full colour the 90th percentile of their 99.7th, so
    that neither an empty nor one glaring tile sets the scale of all; at least `LEAST_RANGE` times the noise
    apart, so that a stain without signal is not shown as a storm.
    """
    found = {}
    for role in COLOURS:
        planes = [tile.planes[role] for tile in tiles if role in tile.planes]
        if planes:
            low = float(np.median([np.percentile(plane, LOW) for plane in planes]))
            high = float(np.percentile([np.percentile(plane, HIGH) for plane in planes], 90))
            noise = float(np.median([pixel_noise(plane) for plane in planes]))
            found[role] = (low, max(high, low + LEAST_RANGE * noise, low + 1e-6))
    return found


def composite(planes: dict[str, Image], scale: dict[str, tuple[float, float]]) -> npt.NDArray[np.uint8]:
    """(Y, X, 3) picture of some stains, each between its two grey levels, their colours added."""
    shape = next(iter(planes.values())).shape
    total = np.zeros((*shape, 3), np.float32)
    for role, plane in planes.items():
        low, high = scale[role]
        light = np.clip((plane - low) / (high - low), 0, 1)
        total += light[..., None] * np.array(COLOURS[role][0], np.float32)
    return (255 * np.clip(total, 0, 1)).astype(np.uint8)


def _picture(tile: Tile | None, scale: dict[str, tuple[float, float]], dose: str, time: float) -> str:
    from PIL import Image as Pictures

    if tile is None:
        return '<span class="md-none">no image</span>'
    picture = Pictures.fromarray(composite(tile.planes, scale))
    picture = picture.resize((TILE, TILE), Pictures.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    source = base64.b64encode(buffer.getvalue()).decode()
    text = f"{dose}, {hours(time)}: {tile.image_id}"
    return f'<img src="data:image/jpeg;base64,{source}" alt="{escape(text)}" title="{escape(text)}">'


def _caption(screen: Screen, channels: dict[str, str], tiles: dict[tuple[float, float], Tile]) -> str:
    present = {role for tile in tiles.values() for role in tile.planes}
    stains = listed(f"{name} {COLOURS[role][1]}" for name, role in channels.items() if role in present)
    tile = next(iter(tiles.values()))
    side = next(iter(tile.planes.values())).shape[0]
    edge = f"{number(side * tile.pixel_size_um)} µm" if tile.pixel_size_um else f"{side} px"
    return f"{stains}; the middle {edge} of one field a condition, all on the same contrast."
