"""All features of the cells of one field, and their units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.imaging.images import Field
from morphodose.measurement.compartments import Compartment, compartments_of
from morphodose.measurement.correlation import correlation, correlation_names
from morphodose.measurement.costes import costes, costes_names, full_scale
from morphodose.measurement.distances import squared_distances
from morphodose.measurement.families import STANDARD
from morphodose.measurement.granularity import Spectrum, granularity, granularity_names
from morphodose.measurement.intensity import intensity, intensity_names
from morphodose.measurement.neighbors import neighbors
from morphodose.measurement.objects import Objects, gathered, objects_of
from morphodose.measurement.ordered import ordered
from morphodose.measurement.radial import (
    SLOTS,
    radial_distribution,
    radial_names,
    radial_sums,
    rings_and_wedges,
)
from morphodose.measurement.shape import AREAS, LENGTHS, Features, moment_features, size_and_shape
from morphodose.measurement.texture import grey_levels, texture, texture_names
from morphodose.measurement.zernike import (
    circles_of,
    radial_zernike,
    radial_zernike_names,
    zernike,
    zernike_names,
)

#: Families of which a cell lacks nothing unless it is too small; in others a missing value says something.
COMPLETE = ("sizeshape", "zernike", "intensity", "texture", "granularity", "radial")


@dataclass(frozen=True)
class MeasurementSettings:
    """What is measured, and how.

    Attributes
    ----------
    families : tuple of str
        Some of `morphodose.measurement.families.FAMILIES`.
    texture_scaling : {"log", "linear"}
        How counts become grey levels (`morphodose.measurement.intensity.grey_levels`).
    texture_scales : tuple of int
        Distances of the pixel pairs, px.
    neighbor_distance : int
        Cells this far apart from each other (each expanded by it, px) count as neighbours.
    spectrum : Spectrum
        Settings of granularity.
    """

    families: tuple[str, ...] = STANDARD
    texture_scaling: str = "log"
    texture_scales: tuple[int, ...] = (3,)
    neighbor_distance: int = 10
    spectrum: Spectrum = field(default_factory=Spectrum)


@dataclass(frozen=True)
class Measured:
    """Cells of one field.

    Attributes
    ----------
    labels : (C,) array of int
        Labels of the cells in the mask, ascending.
    features : dict of str to (C,) array of float32
        ``<Compartment>_<Feature>``; NaN where a cell has no such compartment or value.
    lacking : Counter of str
        How many objects lack a value of a family, by ``<Compartment> without some <family>``: those of a few
        pixels, say, have no perimeter and no pairs of pixels at the scale of the texture.
    """

    labels: npt.NDArray[np.int64]
    features: dict[str, npt.NDArray[np.float32]]
    lacking: Counter[str] = field(default_factory=Counter)


def measure_field(
    image: Field,
    cells: npt.NDArray[np.integer],
    nuclei: npt.NDArray[np.integer] | None,
    settings: MeasurementSettings | None = None,
) -> Measured:
    """Measure the cells of one field.

    Parameters
    ----------
    image : Field
        Raw counts; intensities are reported in them.
    cells, nuclei : (Y, X) array of int
        Label masks; a nucleus carries the label of its cell. None where the screen has no nuclear stain:
        only Cells are measured then.
    settings : MeasurementSettings, optional
        What is measured.

    Returns
    -------
    Measured
        Areas in µm² and lengths in µm where the field knows its pixel size, else px² and px; positions
        always in px.

    Raises
    ------
    InputError
        If masks and image differ in size.
    """
    settings = settings or MeasurementSettings()
    if cells.shape != image.pixels.shape[1:]:
        raise InputError(f"the cell mask is {cells.shape}, the image {image.pixels.shape[1:]}")
    labels, parts = compartments_of(cells, nuclei)
    features: dict[str, npt.NDArray[np.float32]] = {}
    lacking: Counter[str] = Counter()
    for part, measured in zip(parts, _measure(image, labels, parts, settings), strict=True):
        for family, (names, values) in measured.items():
            block = np.full((len(names), len(labels)), np.nan, dtype=np.float32)
            # infinities (a form factor without perimeter) would spoil every mean they enter
            there = np.isfinite(values)
            block[:, part.rows] = np.where(there, values, np.nan)
            features |= {f"{part.name}_{name}": row for name, row in zip(names, block, strict=True)}
            if family in COMPLETE and (missing := int((~there).any(axis=0).sum())):
                lacking[f"{part.name} without some {family}"] = missing
    if image.pixel_size_um is not None:
        _to_um(features, image.pixel_size_um)
    return Measured(labels, features, lacking)


#: Family → names of its features, and their values, (F, N).
Found = dict[str, tuple[list[str], npt.NDArray[np.floating]]]


def _measure(
    image: Field, labels: npt.NDArray[np.int64], parts: list[Compartment], settings: MeasurementSettings
) -> list[Found]:
    """Features of each compartment in px and counts."""
    wanted = settings.families
    objects = [objects_of(part.labels, part.count) for part in parts]
    levels = grey_levels(image.pixels, settings.texture_scaling) if "texture" in wanted else None
    found: list[Found] = []
    totals: list[npt.NDArray[np.float64]] = []
    for part, each in zip(parts, objects, strict=True):
        into: Found = {}
        if "sizeshape" in wanted:
            into["sizeshape"] = _listed(size_and_shape(each, squared_distances(each, border_is_edge=True)))
        if "moments" in wanted:
            into["moments"] = _listed(moment_features(each))
        if "neighbors" in wanted and part.name == "Cells":
            into["neighbors"] = _listed(neighbors(each, labels, settings.neighbor_distance))
        if levels is not None:
            names = texture_names(image.channels, settings.texture_scales)
            into["texture"] = names, texture(each, levels, settings.texture_scales)
        totals.append(_of_values(image, each, wanted, into))
        found.append(into)
    if "granularity" in wanted:
        names = granularity_names(image.channels, settings.spectrum)
        for into, values in zip(
            found, granularity(objects, totals, image.pixels, settings.spectrum), strict=True
        ):
            into["granularity"] = names, values
    return [{family: into[family] for family in wanted if family in into} for into in found]


def _of_values(
    image: Field, objects: Objects, wanted: tuple[str, ...], into: Found
) -> npt.NDArray[np.float64]:
    """Families that need the values of the pixels, chunk by chunk, into `into`; and the totals, (C, N)."""
    channels = image.channels
    names = {
        "intensity": intensity_names(channels),
        "radial_zernike": radial_zernike_names(channels),
        "correlation": correlation_names(channels),
        "costes": costes_names(channels),
    }
    blocks = {
        family: np.empty((len(each), objects.count)) for family, each in names.items() if family in wanted
    }
    totals = np.empty((len(channels), objects.count))
    circles = circles_of(objects) if {"zernike", "radial_zernike"} & set(wanted) else None
    if circles and "zernike" in wanted:
        into["zernike"] = zernike_names(), zernike(objects, circles)
    slots = None
    if "radial" in wanted:
        slots = rings_and_wedges(objects, squared_distances(objects, border_is_edge=False))
        sums = np.empty((len(channels), objects.count, SLOTS))
    for first, last, values in gathered(objects, image.pixels):
        part = slice(first, last)
        starts = objects.starts[first : last + 1] - objects.starts[first]
        totals[:, part] = np.add.reduceat(values, starts[:-1], axis=1)
        if "intensity" in blocks or "correlation" in blocks:
            in_order, rank = ordered(values, starts)
        if "intensity" in blocks:
            blocks["intensity"][:, part] = intensity(objects, first, last, values, in_order)
        if "correlation" in blocks:
            blocks["correlation"][:, part] = correlation(objects, first, last, values, in_order, rank)
        if "costes" in blocks:
            top = full_scale(image.pixels.dtype)
            blocks["costes"][:, part] = costes(objects, first, last, values, top)
        if circles and "radial_zernike" in blocks:
            blocks["radial_zernike"][:, part] = radial_zernike(objects, circles, first, last, values)
        if slots is not None:
            sums[:, part] = radial_sums(objects, slots, first, last, values)
    if slots is not None:
        into["radial"] = radial_names(channels), radial_distribution(objects, slots, sums)
    for family, block in blocks.items():
        into[family] = names[family], block
    return totals


def _listed(features: Features) -> tuple[list[str], npt.NDArray[np.floating]]:
    """Names and values of features."""
    return list(features), np.stack(list(features.values()))


def _to_um(features: dict[str, npt.NDArray[np.float32]], pixel_um: float) -> None:
    """Bring areas and lengths from px to µm, in place."""
    for name, unit in feature_units(features, pixel_um).items():
        if unit in ("um", "um2"):
            features[name] = (features[name] * pixel_um ** (2 if unit == "um2" else 1)).astype(np.float32)


def feature_units(names: Iterable[str], pixel_um: float | None) -> dict[str, str]:
    """Units of feature columns: ``um`` and ``um2`` (or ``px``, ``px2``), ``counts``, ``deg``, ``%``.

    Positions are in ``px``. Ratios, Haralick features and correlations have no unit.
    """
    length, area = ("px", "px2") if pixel_um is None else ("um", "um2")
    units: dict[str, str] = {}
    for column in names:
        _, family, *rest = column.split("_")
        feature = rest[0] if rest else ""
        if family == "AreaShape":
            if feature in AREAS:
                units[column] = area
            elif feature in LENGTHS:
                units[column] = length
            elif feature == "Orientation":
                units[column] = "deg"
            elif feature in ("Center", "BoundingBoxMinimum", "BoundingBoxMaximum"):
                units[column] = "px"
        elif family == "Intensity":
            units[column] = length if feature == "MassDisplacement" else "counts"
        elif family == "Location":
            units[column] = "px"
        elif family == "Granularity":
            units[column] = "%"
        elif family == "Neighbors":
            special = {"AngleBetweenNeighbors": "deg", "PercentTouching": "%"}
            unit = special.get(feature, length if feature.endswith("ClosestDistance") else None)
            if unit:
                units[column] = unit
    return units
