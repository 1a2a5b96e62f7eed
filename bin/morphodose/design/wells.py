"""Wells of a plate map, and what makes one thing of what was written differently in them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from morphodose.design.faults import Faults, listing
from morphodose.design.units import Unit, convert, read_unit
from morphodose.doses import NEAR_DOSE, SAME_DOSE, dose_runs
from morphodose.identity import alike, cased_key, loose_key, name_key, spelling
from morphodose.platemap import MAPPED, PlateMap


@dataclass(frozen=True)
class PlateWell:
    """One well of one plate; `dose` is None in an empty well without one.

    `broken` is a well whose row has a fault: what it holds is not known, but it is on the map.
    """

    plate: str
    well: str
    compound: str
    dose: float | None
    dose_unit: str
    role: str
    row: int
    extra: dict[str, str] = field(default_factory=dict)
    broken: bool = False


#: (plate, well) → its row.
PlateWells = dict[tuple[str, str], PlateWell]

_DOSED = ("treated", "positive")


def plate_map_of(wells: PlateWells) -> PlateMap:
    """The wells as the tables of the steps have them."""
    own = {column: f"Metadata_{column}" for well in wells.values() for column in well.extra}
    return PlateMap(
        (*MAPPED, *own.values()),
        {
            place: dict(
                zip(
                    MAPPED, (well.compound or None, well.dose, well.dose_unit or None, well.role), strict=True
                )
            )
            | {name: well.extra.get(column) or None for column, name in own.items()}
            for place, well in wells.items()
        },
    )


def harmonise(name: str, found: PlateWells, faults: Faults) -> PlateWells:
    """One spelling of a compound and of each further text, one unit and one value of what is one dose.

    Parameters
    ----------
    name : str
        The plate map, for messages.
    found : dict
        Wells as they are written.
    faults : Faults
        Takes units that do not convert, and warnings of what was taken as one and may not be.
    """
    found = _one_compound(name, found, faults)
    found = _one_text(name, found, faults)
    found = _one_unit(name, found, faults)
    return _one_dose(name, found, faults)


def _row(wells: Iterable[PlateWell]) -> int | None:
    """The first row that speaks of one of the wells."""
    return min((well.row for well in wells), default=None)


def _one_compound(name: str, found: PlateWells, faults: Faults) -> PlateWells:
    names = [well.compound for well in found.values() if well.compound]
    same = spelling(names, cased_key)
    # those that cannot be told apart by eye are one without a word
    for group in alike({name_key(text): text for text in names}.values(), cased_key):
        faults.warn(
            "compound_spelling",
            name,
            f"compounds that differ only in case are taken as one, '{same[group[0]]}'",
            "write them alike; if they are two, give them different names",
            _row(well for well in found.values() if name_key(well.compound) in set(map(name_key, group[1:]))),
            listing(sorted(group)),
        )
    for group in alike(dict.fromkeys(same.values()), loose_key):
        faults.warn(
            "compound_spelling",
            name,
            "compounds that differ only in blanks and dashes are taken as different",
            "write them alike if they are the same",
            _row(well for well in found.values() if same.get(well.compound) in group[1:]),
            listing(sorted(group)),
        )
    return {
        key: replace(well, compound=same.get(well.compound, well.compound)) for key, well in found.items()
    }


def _one_text(name: str, found: PlateWells, faults: Faults) -> PlateWells:
    """Further columns: what cannot be told apart by eye is one; case may mean something, and is warned of."""
    columns = dict.fromkeys(column for well in found.values() for column in well.extra)
    same = {
        column: spelling((well.extra[column] for well in found.values() if well.extra.get(column)), name_key)
        for column in columns
    }
    for column, chosen in same.items():
        for group in alike(dict.fromkeys(chosen.values()), cased_key):
            faults.warn(
                "spelling",
                name,
                f"values of column '{column}' differ only in case and are taken as different",
                "write them alike if they are the same",
                _row(well for well in found.values() if chosen.get(well.extra.get(column, "")) in group[1:]),
                listing(sorted(group)),
            )
    return {
        key: replace(
            well, extra={column: same[column].get(value, value) for column, value in well.extra.items()}
        )
        for key, well in found.items()
    }


def _one_unit(name: str, found: PlateWells, faults: Faults) -> PlateWells:
    """Doses of a compound in the unit that most of its wells have; units that do not convert are faults.

    Vehicle wells, 0 of any unit, take their compound's.
    """
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for well in found.values():
        if well.dose_unit and well.role in _DOSED and not well.broken:
            used[well.compound][well.dose_unit] += 1
    main = {compound: read_unit(counts.most_common(1)[0][0]) for compound, counts in used.items()}
    for compound, counts in used.items():
        for other in counts:
            if other == main[compound].name:
                continue
            _report_unit(name, compound, read_unit(other), main[compound], found, faults)
    result: PlateWells = {}
    for key, well in found.items():
        unit = main.get(well.compound)
        if unit is None or well.dose_unit == unit.name or well.role == "empty":
            result[key] = well
        elif well.role == "vehicle":
            result[key] = replace(well, dose_unit=unit.name)
        else:
            result[key] = _converted(well, unit)
    return result


def _converted(well: PlateWell, unit: Unit) -> PlateWell:
    if well.dose is None or not well.dose_unit:
        return well
    try:
        return replace(well, dose=convert(well.dose, read_unit(well.dose_unit), unit), dose_unit=unit.name)
    except ValueError:
        return well  # a fault of `_report_unit`


def _report_unit(name: str, compound: str, unit: Unit, main: Unit, found: PlateWells, faults: Faults) -> None:
    mine = [well for well in found.values() if well.compound == compound and well.role in _DOSED]
    row, main_row = (_row(well for well in mine if well.dose_unit == one.name) for one in (unit, main))
    message = f"compound '{compound}' has doses in '{unit.name}' here and in '{main.name}' in row {main_row}"
    if unit.measures and unit.measures == main.measures:
        faults.warn(
            "mixed_units",
            name,
            f"{message}; they are converted into {main.name}",
            "nothing, if both units are right",
            row,
            unit.name,
        )
    else:
        fix = "write them in one unit; converting these takes the molar mass or density"
        faults.add("mixed_units", name, message, fix, row, unit.name)


def _one_dose(name: str, found: PlateWells, faults: Faults) -> PlateWells:
    """Doses of a compound that differ by rounding are the one that most wells have.

    A series rounded otherwise on another plate would else count as more doses than were given, and a curve
    could be drawn through three.
    """
    doses: dict[str, list[float]] = defaultdict(list)
    for well in found.values():
        if well.dose and well.role in _DOSED and not well.broken:
            doses[well.compound].append(well.dose)
    same: dict[tuple[str, float], float] = {}
    for compound, values in doses.items():
        for group in dose_runs(sorted(set(values))):
            counts = Counter(value for value in values if value in group)
            best = counts.most_common(1)[0][0]
            same |= {(compound, value): best for value in group}
            if group[-1] - group[0] > SAME_DOSE * group[0]:
                odd = set(group) - {best}
                faults.warn(
                    "near_doses",
                    name,
                    f"doses of '{compound}' within {NEAR_DOSE:.0%} of each other count as one, {best:.6g}",
                    "write them alike; doses that are meant to differ must differ by more",
                    _row(w for w in found.values() if w.compound == compound and w.dose in odd),
                    listing(f"{value:.8g}" for value in group),
                )
    return {
        key: replace(well, dose=same.get((well.compound, well.dose), well.dose)) if well.dose else well
        for key, well in found.items()
    }
