"""The design of a simulated screen: which wells, doses, times, fields and planes there are."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from morphodose.errors import InputError
from morphodose.names import (
    PLATE_FORMATS,
    acquisition_id,
    normalise_well,
    plate_shape,
    well_position,
    well_timepoint_id,
)
from morphodose.simulate.biology import Compound
from morphodose.simulate.optics import CHANNELS, Optics

#: Compounds of the controls.
VEHICLE, POSITIVE = "DMSO", "SimControl"


@dataclass(frozen=True)
class SimulatedScreen:
    """Everything that decides what a simulated screen looks like.

    Attributes
    ----------
    seed : int
        The same seed and options give the same pixels, on any number of workers.
    times, doses : tuple of float
        Hours, and doses of the treated wells (vehicle, dose 0, is extra).
    replicates, fields : int
        Replicates of each timepoint; fields of each well.
    dose_wells, vehicle_wells, positive_wells : int
        Wells of each dose and of the controls, in every replicate.
    size : int
        Edge of a field in pixels.
    density : float
        Expected cells of an untreated field at 24 h.
    cell_diameter : float
        Pixels, of a healthy cell.
    well_sd : float
        Standard deviation, between wells, of the logarithm (base 10) of the potency; twice as much in
        percent goes into the number of cells.
    position_bias : float
        Relative change of all dyes from the first to the last row, and column, of the plate.
    batch_sd : float
        Relative standard deviation of the staining between acquisitions.
    out_of_focus, empty_fields : float
        Shares of the fields.
    compounds : tuple of (str, float)
        Several compounds on the plate, in place of `compound`: the name of each and its EC50 of dying at the
        last timepoint, infinite for one that does nothing. At other times, and for the rest, `effect` is
        theirs too.
    plate_format : int
        Wells of the plate.
    shuffle : bool
        Put the wells in random places instead of in order of the dose.
    shuffle_replicates : bool
        Each replicate is a plate of its own, P1, P2, …, with its own random places: only then does the place
        not tell the dose.
    """

    seed: int = 1
    plate: str = "SimPlate"
    compound: str = "SimDrug"
    dose_unit: str = "uM"
    times: tuple[float, ...] = (24.0, 48.0)
    doses: tuple[float, ...] = (0.12, 0.48, 1.9, 7.5, 30.0)
    replicates: int = 3
    fields: int = 1
    dose_wells: int = 1
    vehicle_wells: int = 2
    positive_wells: int = 1
    size: int = 360
    density: float = 44.0
    cell_diameter: float = 40.0
    clustering: float = 0.6
    well_sd: float = 0.04
    position_bias: float = 0.0
    batch_sd: float = 0.04
    out_of_focus: float = 0.0
    empty_fields: float = 0.0
    compounds: tuple[tuple[str, float], ...] = ()
    plate_format: int = 96
    shuffle: bool = False
    shuffle_replicates: bool = False
    optics: Optics = Optics()
    effect: Compound = field(default_factory=lambda: Compound(ec50={24.0: 2.4, 48.0: 1.0}))

    def __post_init__(self) -> None:
        for name in ("replicates", "fields", "dose_wells", "size"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name}: at least 1, got {getattr(self, name)}")
        for name in ("seed", "vehicle_wells", "positive_wells", "density", "well_sd", "batch_sd"):
            if getattr(self, name) < 0:
                raise InputError(f"--{name}: at least 0, got {getattr(self, name)}")
        for name in ("out_of_focus", "empty_fields", "clustering"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"--{name}: a share lies between 0 and 1, got {getattr(self, name)}")
        if not 0 <= self.position_bias < 1:
            raise InputError(f"--position_bias: 0 to below 1, got {self.position_bias}")
        if not 8 <= self.cell_diameter <= self.size:
            raise InputError(f"--cell_diameter: 8 to {self.size} (the field), got {self.cell_diameter}")
        if self.optics.planes < 1:
            raise InputError(f"--planes: at least 1, got {self.optics.planes}")
        if not 0 <= self.optics.illumination < 1:
            raise InputError(f"--illumination: 0 to below 1, got {self.optics.illumination}")
        for name, values in (("times", self.times), ("doses", self.doses)):
            if not values or min(values) <= 0 or len(set(values)) != len(values):
                raise InputError(f"--{name}: different numbers above 0, got {list(values)}")
        names = [name for name, _ in self.compounds]
        if len({*names, VEHICLE, POSITIVE}) < len(names) + 2 or not all(names):
            raise InputError(f"--compounds: different names, not {VEHICLE} or {POSITIVE}, got {names}")
        for name, ec50 in self.compounds:
            if not ec50 > 0:
                raise InputError(f"--compounds {name}: an EC50 is above 0, or none, got {ec50:g}")
        if self.plate_format not in PLATE_FORMATS:
            known = ", ".join(map(str, PLATE_FORMATS))
            raise InputError(f"--plate_format: one of {known}, got {self.plate_format}")
        if len(plate_wells(self)) > self.plate_format:
            raise InputError(f"{len(plate_wells(self))} wells do not fit on a plate of {self.plate_format}")


@dataclass(frozen=True)
class Well:
    """One well of the plate; `number` counts row by row as the CQ1 does."""

    name: str
    number: int
    compound: str
    dose: float
    role: str


@dataclass(frozen=True)
class Acquisition:
    """The plate imaged at one time."""

    hours: float
    replicate: int
    name: str
    folder: str
    plate: str


def plates(screen: SimulatedScreen) -> list[str]:
    """Plate of each replicate: one for all, or one for each where they are shuffled apart."""
    if screen.shuffle_replicates:
        return [f"P{replicate}" for replicate in range(1, screen.replicates + 1)]
    return [screen.plate] * screen.replicates


def plate_wells(screen: SimulatedScreen, replicate: int = 1) -> list[Well]:
    """Wells of a replicate in the order of their numbers.

    In place: half the vehicle wells, doses rising, the rest of the vehicle, positives.
    """
    ahead = (screen.vehicle_wells + 1) // 2
    vehicle = (VEHICLE, 0.0, "vehicle")
    contents = [vehicle] * ahead
    for name in [name for name, _ in screen.compounds] or [screen.compound]:
        for dose in sorted(screen.doses):
            contents += [(name, dose, "treated")] * screen.dose_wells
    contents += [vehicle] * (screen.vehicle_wells - ahead)
    contents += [(POSITIVE, max(screen.doses), "positive")] * screen.positive_wells
    numbers = list(range(1, len(contents) + 1))
    if (screen.shuffle or screen.shuffle_replicates) and len(contents) <= screen.plate_format:
        seed = f"{screen.seed} {replicate}" if screen.shuffle_replicates else screen.seed
        numbers = random.Random(seed).sample(range(1, screen.plate_format + 1), len(contents))
    wells = [
        Well(_name(number, screen.plate_format), number, *content)
        for number, content in zip(numbers, contents, strict=True)
    ]
    return sorted(wells, key=lambda well: well.number)


def _name(number: int, plate_format: int) -> str:
    """Name of a well by its number; the number itself beyond the plate, which is refused later."""
    return normalise_well(str(number), plate_format) if number <= plate_format else str(number)


def effect_of(screen: SimulatedScreen, compound: str) -> Compound:
    """What a compound does: the controls, and a compound that is alone, what `screen.effect` says."""
    ec50 = dict(screen.compounds).get(compound)
    if ec50 is None:
        return screen.effect
    if math.isinf(ec50):
        return replace(screen.effect, no_effect=True)
    ratio = ec50 / screen.effect.ec50_at(max(screen.times))
    return replace(screen.effect, ec50={hours: value * ratio for hours, value in screen.effect.ec50.items()})


def acquisitions(screen: SimulatedScreen) -> list[Acquisition]:
    """Acquisitions by time, then replicate; with several plates their names begin with the plate."""
    names = plates(screen)
    several = len(set(names)) > 1
    return [
        Acquisition(
            hours,
            replicate,
            acquisition_id(hours, str(replicate), plate if several else None),
            f"{hours:g}hrs_R{replicate}",
            plate,
        )
        for hours in sorted(screen.times)
        for replicate, plate in enumerate(names, start=1)
    ]


def well_timepoints(screen: SimulatedScreen) -> list[str]:
    """Ids of all well-timepoints."""
    return [
        well_timepoint_id(a.name, well.name)
        for a in acquisitions(screen)
        for well in plate_wells(screen, a.replicate)
    ]


def plane_name(well: int, field_number: int, z: int, channel: int) -> str:
    """File name of a plane as the CQ1 writes it; all numbers from 1."""
    return f"W{well:04d}F{field_number:04d}T0001Z{z:03d}C{channel}.tif"


def plane_paths(screen: SimulatedScreen) -> Iterator[str]:
    """Paths of all planes below the output folder, without rendering any."""
    for acquisition in acquisitions(screen):
        for well in plate_wells(screen, acquisition.replicate):
            for number in range(1, screen.fields + 1):
                for z in range(1, screen.optics.planes + 1):
                    for channel in range(1, len(CHANNELS) + 1):
                        name = plane_name(well.number, number, z, channel)
                        yield f"images/{acquisition.folder}/{name}"


def position_factor(screen: SimulatedScreen, well: str) -> float:
    """Brightness of a well from its place: ± half of `position_bias` along the rows and the columns."""
    rows, columns = plate_shape(screen.plate_format)
    row, column = well_position(well)
    return 1 + screen.position_bias * ((row - 1) / (rows - 1) + (column - 1) / (columns - 1) - 1)


PRESETS: dict[str, SimulatedScreen] = {
    "demo": SimulatedScreen(),
    # as a large screen: 8 doses × 6 times × 3 replicates × 9 fields × 6 z × 5 channels, a million cells.
    # The camera's pixels are taken 2 × 2 together (1280 instead of 2560), or it would be half a terabyte.
    "reference": SimulatedScreen(
        times=(4.0, 8.0, 16.0, 24.0, 48.0, 72.0),
        doses=(0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
        fields=9,
        vehicle_wells=1,
        positive_wells=0,
        size=1280,
        density=770.0,
        cell_diameter=36.0,
        optics=Optics(planes=6, z_step=2.0, pixel_size=0.65),
    ),
}


def configure(preset: str, **changes: Any) -> SimulatedScreen:
    """A preset with options changed.

    Parameters
    ----------
    preset : str
        A name of `PRESETS`.
    **changes
        Attributes of `SimulatedScreen`, `Optics` or `Compound`; None keeps the preset's value. A new
        `size` or `cell_diameter` keeps the crowding unless `density` is given too.

    Raises
    ------
    InputError
        If the preset is unknown.
    ValueError
        If an option is unknown.
    """
    if preset not in PRESETS:
        raise InputError(f"--preset {preset!r} is not one of {', '.join(PRESETS)}")
    base = PRESETS[preset]
    given = {name: value for name, value in changes.items() if value is not None}
    parts: dict[str, Any] = {}
    for part, kind in (("optics", Optics), ("effect", Compound)):
        names = {entry.name for entry in fields(kind)} & set(given)
        parts[part] = replace(getattr(base, part), **{name: given.pop(name) for name in names})
    unknown = set(given) - {entry.name for entry in fields(SimulatedScreen)}
    if unknown:
        raise ValueError(f"no such options: {sorted(unknown)}")
    if "density" not in given:
        size = given.get("size", base.size) / base.size
        diameter = given.get("cell_diameter", base.cell_diameter) / base.cell_diameter
        given["density"] = base.density * (size / diameter) ** 2
    return replace(base, **given, **parts)
