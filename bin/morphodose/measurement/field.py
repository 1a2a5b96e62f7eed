"""All features of the cells of one field, and their units."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError
from morphodose.images import Field
from morphodose.measurement.compartments import Compartment, compartments_of
from morphodose.measurement.correlation import correlation
from morphodose.measurement.families import FAMILIES
from morphodose.measurement.granularity import Spectrum, granularity, sampling
from morphodose.measurement.intensity import grey_levels, intensity, texture
from morphodose.measurement.radial import geometry, radial_distribution
from morphodose.measurement.shape import AREAS, LENGTHS, Features, neighbors, size_and_shape, zernike


@dataclass(frozen=True)
class Settings:
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

    families: tuple[str, ...] = FAMILIES
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
    warned : Counter of str
        How often each warning was given: of objects of a few pixels, say, which have no hull, no variance, no
        perimeter, and NaN for what is made of them.
    """

    labels: npt.NDArray[np.int64]
    features: dict[str, npt.NDArray[np.float32]]
    warned: Counter[str] = field(default_factory=Counter)


def measure_field(
    image: Field,
    cells: npt.NDArray[np.integer],
    nuclei: npt.NDArray[np.integer] | None,
    settings: Settings | None = None,
) -> Measured:
    """Measure the cells of one field.

    Parameters
    ----------
    image : Field
        Raw counts; intensities are reported in them.
    cells, nuclei : (Y, X) array of int
        Label masks; a nucleus carries the label of its cell. None where the screen has no nuclear stain:
        only Cells are measured then.
    settings : Settings, optional
        What is measured.

    Returns
    -------
    Measured
        Areas in µm² and lengths in µm where the field knows its pixel size, else px² and px; positions
        always in px.
    """
    settings = settings or Settings()
    if cells.shape != image.pixels.shape[1:]:
        raise InputError(f"the cell mask is {cells.shape}, the image {image.pixels.shape[1:]}")
    labels, parts = compartments_of(cells, nuclei)
    features: dict[str, npt.NDArray[np.float32]] = {}
    if not len(labels):
        # an empty field has the columns of any other
        return Measured(labels, {name: np.zeros(0, np.float32) for name in _columns(image, nuclei, settings)})
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        measured = _measure(image, labels, parts, settings)
    for part, found in zip(parts, measured, strict=True):
        for name, values in found.items():
            column = np.full(len(labels), np.nan, dtype=np.float32)
            # infinities (a form factor without perimeter) would spoil every mean they enter
            column[part.rows] = np.where(np.isfinite(values), values, np.nan)
            features[f"{part.name}_{name}"] = column
    if image.pixel_size_um is not None:
        _to_um(features, image.pixel_size_um)
    said = (f"{warning.category.__name__}: {str(warning.message).splitlines()[0]}" for warning in caught)
    return Measured(labels, features, Counter(said))


def _measure(
    image: Field, labels: npt.NDArray[np.int64], parts: list[Compartment], settings: Settings
) -> list[Features]:
    """Features of each compartment in px and counts."""
    wanted = settings.families
    found: list[Features] = [{} for _ in parts]
    channels = {name: image.channel(name).astype(np.float64) for name in image.channels}
    for part, into in zip(parts, found, strict=True):
        if not part.count:
            # cp_measure's whole-image helpers fail without objects; names from one that has
            into |= dict.fromkeys(_names_of_one(tuple(channels), part.name, settings), np.zeros(0))
            continue
        if "sizeshape" in wanted:
            into |= size_and_shape(part)
        if "zernike" in wanted:
            into |= zernike(part)
        if "neighbors" in wanted and part.name == "Cells":
            into |= neighbors(part, labels, settings.neighbor_distance)
        rings = geometry(part) if "radial" in wanted else None
        for name, pixels in channels.items():
            if "intensity" in wanted:
                into |= intensity(part, pixels, name)
            if "texture" in wanted:
                levels = grey_levels(image.channel(name), settings.texture_scaling)
                into |= texture(part, levels, name, settings.texture_scales)
            if rings is not None:
                into |= radial_distribution(rings, pixels, name)
        if "correlation" in wanted:
            into |= correlation(part, channels)
    if "granularity" in wanted:
        _granularity(parts, channels, settings, found)
    return found


def _granularity(
    parts: list[Compartment],
    channels: Mapping[str, npt.NDArray[np.float64]],
    settings: Settings,
    found: list[Features],
) -> None:
    """Granularity of all compartments, channel by channel."""
    there = [index for index, part in enumerate(parts) if part.count]
    chosen = [parts[index] for index in there]
    samplings = [sampling(part, settings.spectrum) for part in chosen]
    for name, pixels in channels.items():
        for index, values in zip(
            there, granularity(chosen, samplings, pixels, name, settings.spectrum), strict=True
        ):
            found[index] |= values


def _names_of_one(channels: tuple[str, ...], compartment: str, settings: Settings) -> list[str]:
    """Names of the features of a compartment, from a cell that is there in any case."""
    square = np.zeros((24, 24), dtype=np.int32)
    square[4:20, 4:20] = 1
    core = np.zeros_like(square)
    core[8:16, 8:16] = 1
    pixels = np.ones((len(channels), 24, 24), dtype=np.uint16)
    measured = measure_field(Field(pixels, channels, None), square, core, settings)
    prefix = f"{compartment}_"
    return [name.removeprefix(prefix) for name in measured.features if name.startswith(prefix)]


def _columns(image: Field, nuclei: npt.NDArray[np.integer] | None, settings: Settings) -> list[str]:
    """Columns of a field, whatever is in it."""
    names = ["Cells"] if nuclei is None else ["Cells", "Nuclei", "Cytoplasm"]
    return [f"{name}_{each}" for name in names for each in _names_of_one(image.channels, name, settings)]


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
