"""What a dose does to cells: four-parameter logistic curves per endpoint and timepoint.

The curves are defined for the *measured* endpoints, so that a fit to infinitely many cells returns
exactly the numbers of the truth file: death fractions are those among the cells that remain in the
image, and the loss of cells is a curve of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from morphodose.errors import InputError

#: The quadrants of Annexin V × PI, in the order of the integer codes used here.
STATES = ("viable", "early_apoptotic", "late_apoptotic", "necrotic")
VIABLE, EARLY, LATE, NECROTIC = range(4)


@dataclass(frozen=True)
class Curve:
    """Four-parameter logistic in dose: `at_zero` without drug, `at_infinity` at saturation.

    ``value(d) = at_zero + (at_infinity - at_zero) * d**hill / (ec50**hill + d**hill)``
    """

    at_zero: float
    at_infinity: float
    ec50: float
    hill: float

    def value(self, dose: float) -> float:
        """Value at `dose` ≥ 0, in the dose unit of `ec50`; infinity is allowed."""
        if dose <= 0:
            return self.at_zero
        exponent = self.hill * (math.log(self.ec50) - math.log(dose))
        share = 1.0 / (1.0 + math.exp(min(exponent, 700.0)))  # exp(710) is beyond a double
        return self.at_zero + (self.at_infinity - self.at_zero) * share


@dataclass(frozen=True)
class TimeCurves:
    """All curves of one compound at one timepoint.

    Attributes
    ----------
    dying : Curve
        1 - viable, among the remaining cells (``Fraction_Dying``).
    dead : Curve
        Late apoptotic + necrotic, among the remaining cells (``Fraction_Dead``). It never exceeds
        `dying`: same slope, EC50 at least as high, plateaus at most as high.
    necrotic_share : float
        Share of the dead that are necrotic, the same at every dose, so that the fractions of late
        apoptotic and necrotic cells have the EC50 of `dead` too.
    lost : Curve
        Share of cells gone from the image, against vehicle (``Fraction_Lost``).
    morphology : Curve
        Change of shape of the viable cells, 0 to 1, which comes before death.
    growth : float
        Cells of an untreated field, relative to the density asked for.
    """

    dying: Curve
    dead: Curve
    necrotic_share: float
    lost: Curve
    morphology: Curve
    growth: float

    def fractions(self, dose: float) -> npt.NDArray[np.float64]:
        """Expected fractions of `STATES` among the remaining cells, summing to 1."""
        dying, dead = self.dying.value(dose), self.dead.value(dose)
        return np.array(
            [1 - dying, dying - dead, dead * (1 - self.necrotic_share), dead * self.necrotic_share]
        )


@dataclass(frozen=True)
class Compound:
    """How one compound kills: plateaus at late times, slopes, and how time sharpens the effect.

    Attributes
    ----------
    ec50 : mapping of float to float
        Timepoint (h) → EC50 of ``Fraction_Dying``; between and beyond, power laws in time.
    hill : float
        Slope of every curve.
    emax : float
        Share of dying cells at infinite dose and late times.
    baseline : float
        Share of dying cells without drug.
    morphology_ec50 : float
        EC50 of the change of shape, as a multiple of the EC50 of dying (below 1: earlier).
    dead_ratio, lost_ratio : float
        EC50 of ``Fraction_Dead`` and of the loss of cells, as multiples of the EC50 of dying.
    lost_max : float
        Share of lost cells at infinite dose and late times.
    no_effect : bool
        The dose has no effect at all.
    """

    ec50: Mapping[float, float]
    hill: float = 1.6
    emax: float = 0.95
    baseline: float = 0.04
    morphology_ec50: float = 0.25
    dead_ratio: float = 1.4
    lost_ratio: float = 1.8
    lost_max: float = 0.6
    no_effect: bool = False

    def __post_init__(self) -> None:
        if not self.ec50 or min(self.ec50) <= 0 or min(self.ec50.values()) <= 0:
            raise InputError(f"--ec50: times and EC50s must be above 0, got {dict(self.ec50)}")
        for name in ("emax", "baseline", "lost_max"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError(f"--{name}: a share lies between 0 and 1, got {value}")
        if self.emax < self.baseline:
            raise InputError(f"--emax {self.emax} is below --baseline {self.baseline}")
        for name in ("hill", "morphology_ec50", "lost_ratio"):
            if getattr(self, name) <= 0:
                raise InputError(f"--{name}: must be above 0, got {getattr(self, name)}")
        if self.dead_ratio < 1:
            raise InputError(f"--dead_ratio {self.dead_ratio}: cells cannot be dead before they are dying")

    def ec50_at(self, hours: float) -> float:
        """EC50 of dying at `hours`: given, or interpolated in log time and log EC50.

        Beyond the given times the EC50 falls with time to the power 1.25.
        """
        times = np.array(sorted(self.ec50))
        values = np.array([self.ec50[t] for t in times])
        if hours <= times[0]:
            return float(values[0] * (times[0] / hours) ** 1.25)
        if hours >= times[-1]:
            return float(values[-1] * (times[-1] / hours) ** 1.25)
        return float(np.exp(np.interp(np.log(hours), np.log(times), np.log(values))))

    def at(self, hours: float) -> TimeCurves:
        """Curves at `hours` after dosing."""
        ec50 = self.ec50_at(hours)
        ripe = 1 - math.exp(-hours / 10)  # plateaus rise in the first day
        baseline = self.baseline * (0.6 + 0.4 * min(hours / 48, 1.5))
        dying_top = max(baseline, self.emax * ripe)
        dead_share = 0.25 + 0.6 * (1 - math.exp(-hours / 30))  # early apoptotic cells go on to die
        lost_top = self.lost_max * (1 - math.exp(-hours / 30))
        if self.no_effect:
            dying_top, lost_top = baseline, 0.0
        dying = Curve(baseline, dying_top, ec50, self.hill)
        dead_top = 0.5 * baseline if self.no_effect else max(0.5 * baseline, dead_share * dying_top)
        dead = Curve(0.5 * baseline, dead_top, ec50 * self.dead_ratio, self.hill)
        return TimeCurves(
            dying=dying,
            dead=dead,
            necrotic_share=float(0.25 + 0.1 * min(hours / 72, 1)),
            lost=Curve(0.0, lost_top, ec50 * self.lost_ratio, self.hill),
            morphology=Curve(0.0, 0.0 if self.no_effect else 1.0, ec50 * self.morphology_ec50, self.hill),
            growth=float(2 ** ((min(hours, 72) - 24) / 120)),
        )


def truth_of(compound: Compound, times: Sequence[float]) -> list[dict[str, object]]:
    """Curves of the measured endpoints, one row per timepoint and endpoint, as the truth file has them."""
    rows: list[dict[str, object]] = []
    for hours in times:
        curves = compound.at(hours)
        share = curves.necrotic_share
        dead = curves.dead
        late = Curve(dead.at_zero * (1 - share), dead.at_infinity * (1 - share), dead.ec50, dead.hill)
        necrotic = Curve(dead.at_zero * share, dead.at_infinity * share, dead.ec50, dead.hill)
        lost = curves.lost
        endpoints = {
            "Fraction_Dying": curves.dying,
            "Fraction_Viable": Curve(
                1 - curves.dying.at_zero, 1 - curves.dying.at_infinity, curves.dying.ec50, curves.dying.hill
            ),
            "Fraction_Dead": dead,
            "Fraction_LateApoptotic": late,
            "Fraction_Necrotic": necrotic,
            "Fraction_Lost": lost,
            "Relative_CellCount": Curve(1 - lost.at_zero, 1 - lost.at_infinity, lost.ec50, lost.hill),
            "Morphology_Viable": curves.morphology,
        }
        for endpoint, curve in endpoints.items():
            flat = abs(curve.at_infinity - curve.at_zero) < 1e-9
            values = {"ec50": None, "hill": None} if flat else {}
            rows.append({"timepoint_h": hours, "endpoint": endpoint, **asdict(curve), **values})
    return rows


def assign_states(
    rng: np.random.Generator, n: int, fractions: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Codes of `STATES` for `n` cells by systematic sampling.

    Every state gets the floor or the ceiling of its expected number, and the expected share exactly
    over many fields: less noise than a binomial draw, without bias.

    Parameters
    ----------
    fractions : (S,) array
        Expected share of each state.
    """
    steps = (np.arange(n) + rng.random()) / max(n, 1)
    codes = np.searchsorted(np.cumsum(fractions)[:-1], steps, side="right")
    return rng.permutation(codes)
