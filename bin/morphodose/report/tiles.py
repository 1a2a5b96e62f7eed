"""Small pictures of the page: tiles of montages, images of wells, crops of cells; each field is read once.

All have one contrast for the whole screen, so that a brighter picture is a brighter field.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from morphodose.imaging.images import Field, read_field, read_labels
from morphodose.report.inputs import ReportInputs
from morphodose.segmentation.overlay import LEAST_RANGE, outlines, pixel_noise

#: Role of a channel → colour it is drawn in (red, green, blue), and the word for it.
COLOURS: dict[str, tuple[tuple[float, float, float], str]] = {
    "cell": ((0.15, 0.60, 0.25), "green"),
    "nuclear": ((0.25, 0.40, 1.00), "blue"),
    "early_death": ((0.95, 0.80, 0.05), "yellow"),
    "late_death": ((1.00, 0.10, 0.35), "red"),
}
#: Side of a tile of a montage, of the image of a well, of the crop of a cell, in px of the page.
TILE, THUMB, CROP = 120, 84, 44
#: Side of what is cut from the middle of a field, in px of the image, at most.
CUT = 360
#: Percentiles between which a channel is shown: of the darkest and the brightest tile but one in ten.
LOW, HIGH = 2.0, 99.7
#: Fields that set the contrast.
SAMPLE = 48
#: Pixels of projected images that are read at most, half of them for crops; beyond, pictures are left out and
#: said to be.
MOST_PIXELS = 2_000_000_000
#: Rows that a strip of an image has besides those of its middle, at most (`write_field`: 256 KiB).
STRIP = 64
#: Wells with an image, and fields with a tile, at most: the page is not to grow beyond what a browser opens.
MOST_THUMBS, MOST_TILES = 2200, 700
#: Crops side by side in the sheet of cells.
ACROSS = 50
_QUALITY = 75

Image = npt.NDArray[np.float32]
Planes = dict[str, Image]
Scale = dict[str, tuple[float, float]]


@dataclass
class Wanted:
    """What is asked of one field: a tile, the image of some wells, crops of cells by label and place."""

    tile: bool = False
    wells: list[int] = field(default_factory=list)
    cells: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Tiles:
    """Pictures of a screen, as data addresses.

    Attributes
    ----------
    layers : dict
        Image id → role → tile in the colour of its role, on black.
    masks : dict
        Image id → outlines of cells and nuclei, transparent elsewhere.
    thumbs : dict
        Row of the wells → composite.
    sheet : (Y, X, 3) array or None
        Crops of cells, `ACROSS` side by side.
    cropped : set of int
        Places in the sheet that hold a crop.
    edge : str
        Side of what a tile shows, with its unit.
    roles : set of str
        Roles that were found in the images.
    spent : bool
        Whether pictures were left out since the pixels that may be read were used up.
    """

    layers: dict[str, dict[str, str]] = field(default_factory=dict)
    masks: dict[str, str] = field(default_factory=dict)
    thumbs: dict[int, str] = field(default_factory=dict)
    sheet: npt.NDArray[np.uint8] | None = None
    cropped: set[int] = field(default_factory=set)
    edge: str = ""
    roles: set[str] = field(default_factory=set)
    spent: bool = False


def channels_of(screen: ReportInputs) -> dict[str, str]:
    """Channel → role, of the channels that are drawn."""
    roles = screen.design.get("roles") or {}
    named = {role: roles.get(role) or screen.params.get(f"{role}_channel") for role in COLOURS}
    return {str(name): role for role, name in named.items() if name}


def readable(screen: ReportInputs, wanted: Mapping[str, Wanted]) -> dict[str, bool]:
    """The fields that may be read, in the order in which they are wanted.

    A tile and the image of a well need the middle of a field; crops need all of it, and the masks.

    Parameters
    ----------
    screen : ReportInputs
        With the projected images (`fields`) and the size of an image in the design.
    wanted : mapping
        Image id → what is asked of it.

    Returns
    -------
    dict of str to bool
        Image id → whether the whole field is read.
    """
    image = screen.design.get("image") or {}
    width, height = (int(image.get(side) or 2000) for side in ("width", "height"))
    channels = len(channels_of(screen)) or len(COLOURS)
    whole, middle = (width * rows * channels for rows in (height, min(height, CUT + 2 * STRIP)))
    left, for_crops = MOST_PIXELS, MOST_PIXELS // 2
    found: dict[str, bool] = {}
    for name, ask in wanted.items():
        if name not in screen.fields:
            continue
        if ask.cells and whole <= min(left, for_crops):
            found[name], left, for_crops = True, left - whole, for_crops - whole
        elif (ask.tile or ask.wells) and (middle <= left or not found):
            found[name], left = False, left - middle
    return found


def make_tiles(screen: ReportInputs, wanted: dict[str, Wanted], cells: int = 0) -> Tiles:
    """Read the fields that are wanted and may be read (`readable`), in this order, each once.

    Parameters
    ----------
    screen : ReportInputs
        With the projected images (`fields`) and the masks.
    wanted : dict
        Image id → what is asked of it.
    cells : int
        Places of the sheet of crops.
    """
    made, channels = Tiles(), channels_of(screen)
    images = readable(screen, wanted)
    made.spent = len(images) < sum(name in screen.fields for name in wanted)
    if not images or not channels:
        return made
    names = list(images)
    chosen = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, SAMPLE).round().astype(int))]
    scale = contrast(
        [cut(planes_of(_read(screen.fields[name], channels, False), channels)) for name in chosen]
    )
    if cells:
        made.sheet = np.zeros((-(-cells // ACROSS) * CROP, ACROSS * CROP, 3), np.uint8)
    for name, all_of_it in images.items():
        ask, found = wanted[name], _read(screen.fields[name], channels, all_of_it)
        planes = planes_of(found, channels)
        if not planes:
            continue
        made.roles |= set(planes)
        if all_of_it and made.sheet is not None and name in screen.cell_masks:
            _crops(made, planes, read_labels(screen.cell_masks[name]), ask.cells, scale, _side(screen))
        small = cut(planes)
        side = next(iter(small.values())).shape[0]
        made.edge = made.edge or _edge(found, side)
        if ask.wells and len(made.thumbs) < MOST_THUMBS:
            address = _address(composite(small, scale, THUMB))
            made.thumbs |= dict.fromkeys(ask.wells, address)
        if ask.tile:
            made.layers[name] = {
                role: _address(composite({role: plane}, scale, TILE)) for role, plane in small.items()
            }
            if mask := _mask(screen, name, side):
                made.masks[name] = mask
    return made


def _read(path: Path, channels: Iterable[str], whole: bool) -> Field:
    return read_field(path, list(channels), None if whole else CUT)


def planes_of(whole: Field, channels: dict[str, str]) -> Planes:
    """Role → plane (Y, X), of the channels that are drawn; empty where the field has none of them."""
    return {
        role: whole.channel(name).astype(np.float32)
        for name, role in channels.items()
        if name in whole.channels
    }


def cut(planes: Planes) -> Planes:
    """The middle of a field, a square of at most `CUT` px."""
    found = {}
    for role, plane in planes.items():
        top, left, side = _middle(plane.shape)
        found[role] = plane[top : top + side, left : left + side]
    return found


def _middle(shape: Sequence[int]) -> tuple[int, int, int]:
    side = min(shape[0], shape[1], CUT)
    return (shape[0] - side) // 2, (shape[1] - side) // 2, side


def contrast(tiles: Sequence[Planes]) -> Scale:
    """Role → grey levels shown as black and as full colour, the same for all tiles.

    Black is the middle of the tiles' 2nd percentiles, full colour the 90th percentile of their 99.7th, so
    that neither an empty nor one glaring tile sets the scale of all; at least `LEAST_RANGE` times the noise
    apart, so that a stain without signal is not shown as a storm.
    """
    found = {}
    for role in COLOURS:
        planes = [tile[role] for tile in tiles if role in tile]
        if planes:
            low = float(np.median([np.percentile(plane, LOW) for plane in planes]))
            high = float(np.percentile([np.percentile(plane, HIGH) for plane in planes], 90))
            noise = float(np.median([pixel_noise(plane) for plane in planes]))
            found[role] = (low, max(high, low + LEAST_RANGE * noise, low + 1e-6))
    return found


def composite(planes: Planes, scale: Scale, side: int = 0) -> npt.NDArray[np.uint8]:
    """(Y, X, 3) picture of some stains, each between its two grey levels, their colours added.

    Of a square of `side` px, where that is given.
    """
    shades = []
    for role, plane in planes.items():
        low, high = scale.get(role) or contrast([planes])[role]
        light = np.clip((plane - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
        shades.append(_SHADES[role][_resized(light, side) if side else light])
    return np.minimum(sum(shades[1:], start=shades[0]), 255).astype(np.uint8)


#: Role → colour of each of 256 lights.
_SHADES = {
    role: (np.arange(256)[:, None] * np.array(colour)).astype(np.uint16)
    for role, (colour, _) in COLOURS.items()
}


def _crops(
    made: Tiles,
    planes: Planes,
    labels: npt.NDArray[np.int32],
    cells: list[tuple[int, int]],
    scale: Scale,
    side: int,
) -> None:
    """Squares round the middles of some cells, black beyond the field, into their places of the sheet."""
    from scipy.ndimage import find_objects

    boxes = find_objects(labels)
    height, width = labels.shape
    half = side // 2
    for label, place in cells:
        box = boxes[label - 1] if 0 < label <= len(boxes) else None
        if box is None or made.sheet is None:
            continue
        y, x = ((part.start + part.stop) // 2 for part in box)
        top, left = max(y - half, 0), max(x - half, 0)
        bottom, right = min(y + half, height), min(x + half, width)
        colours = composite({r: plane[top:bottom, left:right] for r, plane in planes.items()}, scale)
        square = np.zeros((side, side, 3), np.uint8)
        square[top - y + half : bottom - y + half, left - x + half : right - x + half] = colours
        row, column = divmod(place, ACROSS)
        made.sheet[row * CROP : (row + 1) * CROP, column * CROP : (column + 1) * CROP] = _resized(
            square, CROP
        )
        made.cropped.add(place)


def _side(screen: ReportInputs) -> int:
    """Side of a crop in px: that of the crops of the network, else two and a half diameters."""
    size, diameter = screen.params.get("crop_size"), screen.params.get("diameter")
    if isinstance(size, int) and size > 0:
        return min(size, 400) // 2 * 2
    return int(2.5 * diameter) // 2 * 2 if isinstance(diameter, int | float) and diameter > 0 else 80


def _mask(screen: ReportInputs, image: str, side: int) -> str:
    """Outlines of a tile, cells yellow and nuclei magenta, as a transparent PNG; empty without masks."""
    from PIL import Image as Pictures

    drawn = np.zeros((TILE, TILE), np.uint8)
    for value, files in ((1, screen.cell_masks), (2, screen.nuclear_masks)):
        if image in files:
            labels = read_labels(files[image])
            top, left, _ = _middle(labels.shape)
            at = ((np.arange(TILE) + 0.5) * side / TILE).astype(int)
            drawn[outlines(labels[top : top + side, left : left + side][np.ix_(at, at)])] = value
    if not drawn.any():
        return ""
    picture = Pictures.frombytes("P", (TILE, TILE), drawn.tobytes())
    picture.putpalette([0, 0, 0, 255, 221, 51, 255, 102, 255])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", transparency=0, optimize=True)
    return _encoded(buffer.getvalue(), "image/png")


def _resized(picture: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    from PIL import Image as Pictures

    return np.asarray(Pictures.fromarray(picture).resize((side, side), Pictures.Resampling.BOX))


def _address(picture: npt.NDArray[np.uint8], quality: int = _QUALITY) -> str:
    """The picture as WebP, in an address."""
    from PIL import Image as Pictures

    buffer = io.BytesIO()
    Pictures.fromarray(picture).save(buffer, "WEBP", quality=quality, method=2)
    return _encoded(buffer.getvalue(), "image/webp")


def sheet_address(made: Tiles) -> str:
    """The sheet of crops as WebP, in an address; empty without a crop."""
    return _address(made.sheet) if made.sheet is not None and made.cropped else ""


def _encoded(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _edge(whole: Field, side: int) -> str:
    from morphodose.report.words import number

    size = whole.pixel_size_um
    return f"{number(side * size)} µm" if size else f"{side} px"
