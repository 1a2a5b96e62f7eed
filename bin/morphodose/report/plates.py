"""Section: any endpoint, timepoint and replicate on the plate.

The page has the values of all wells as data (see `well_data`) and one plate as a table, which the script
makes anew as an endpoint, a time or a replicate is chosen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from morphodose.names import PLATE_FORMATS, plate_shape, row_letters, well_position
from morphodose.profiles.losses import losses_of
from morphodose.report.hits import main_endpoint
from morphodose.report.html import Safe, escape, notice, paragraph
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.words import dose_words, endpoint_words, hours, number, ramp
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd

#: Beginnings of the columns of the wells that can be chosen, in this order.
SHOWN = ("Endpoint_", "Fraction_", "Relative_", "Count_CellsPerField", "Count_NucleiPerField", "Median")
#: Colours of a map from low to high: one lightness after the other, for all colour visions and for grey.
COLOURS = 32


def section(screen: ReportInputs) -> Section:
    """The controls, one plate, and the place where a well is shown."""
    if screen.wells.empty:
        return Section("plate", "Plate", [Part("", notice("Left out: the table of wells is empty."))])
    columns = endpoints_of(screen)
    if not columns:
        return Section("plate", "Plate", [Part("", notice("Left out: the wells have no value to show."))])
    first = _first(screen, list(columns))
    wells = screen.wells
    plates = sorted(wells["Metadata_Plate"].unique())
    times, replicates = screen.timepoints, sorted(wells["Metadata_Replicate"].unique())
    controls = "".join(
        _choice(name, label, options, chosen)
        for name, label, options, chosen in (
            ("plate", "Plate", [p or "the plate" for p in plates], 0),
            ("endpoint", "Endpoint", list(columns.values()), list(columns).index(first)),
            ("time", "Time", [hours(t) for t in times], len(times) - 1),
            ("replicate", "Replicate", [str(r) for r in replicates], 0),
        )
    )
    shown = wells[
        (wells["Metadata_Plate"] == plates[0])
        & (wells["Metadata_Timepoint"] == times[-1])
        & (wells["Metadata_Replicate"] == replicates[0])
    ]
    text = paragraph(
        "A gradient along rows or columns that the layout does not explain is an effect of position (edge, "
        "dispensing, illumination), not of the dose. V: vehicle, +: positive control. Colours have the same "
        "scale at all times and replicates. Point at a well, or move to it with the arrow keys."
    )
    values = _values(screen, first)
    grid = _grid(
        screen,
        shown,
        values,
        plate_shape(plate_format_of(screen, wells[wells["Metadata_Plate"] == plates[0]])),
    )
    html = (
        f'{text}<div class="md-controls">{controls}</div><div class="md-plate-view">'
        '<figure class="md-canvas" data-name="plate">'
        f'<div class="md-scroll" id="md-plate" data-name="plate">{grid}</div><div id="md-plate-scale"></div>'
        '<button type="button" class="md-csv" id="md-plate-csv">Download the wells of this endpoint as CSV'
        '</button></figure><div id="md-well" aria-live="polite"><p class="md-hint">Choose a well to see its '
        "values, its image and its place on the curve.</p></div></div>"
    )
    return Section("plate", "Plate", [Part("", html)])


def endpoints_of(screen: ReportInputs) -> dict[str, str]:
    """Columns that can be shown on the plate, with words; what segmentation lost among them."""
    names = [
        str(name)
        for start in SHOWN
        for name in screen.wells
        if str(name).startswith(start) and not str(name).endswith(("_Low", "_High"))
    ]
    found = {name: endpoint_words(name, screen.units) for name in names if screen.has(name)}
    for loss in losses_of(screen.wells):
        found[f"Share_{loss.part}"] = f"Share of {loss.words}"
    return found


def _first(screen: ReportInputs, columns: list[str]) -> str:
    """The endpoint that is shown first: that of the ranking, else the count."""
    main = main_endpoint(screen)
    return next((n for n in (main, "Fraction_Dying", "Count_CellsPerField") if n in columns), columns[0])


def _values(screen: ReportInputs, column: str) -> pd.Series[float]:
    if column.startswith("Share_"):
        import pandas as pd

        loss = next(each for each in losses_of(screen.wells) if f"Share_{each.part}" == column)
        return pd.Series(loss.shares(screen.wells), index=screen.wells.index, dtype=float)
    return screen.wells[column].astype(float)


def well_data(screen: ReportInputs, names: list[str]) -> dict[str, Any]:
    """All wells as columns of plain values, for the script.

    Parameters
    ----------
    screen : ReportInputs
        Its wells are numbered from 0.
    names : list of str
        Compounds in the order of the page; vehicle and controls follow them.
    """
    wells = screen.wells
    plates = sorted(wells["Metadata_Plate"].unique())
    every = [*names, *sorted(set(wells["Metadata_Compound"]) - set(names))]
    lists = {
        "plates": plates,
        "times": screen.timepoints,
        "replicates": sorted(wells["Metadata_Replicate"].unique()),
        "compounds": every,
        "roles": sorted(wells["Metadata_Role"].unique()),
        "units": sorted(wells["Metadata_DoseUnit"].unique()),
    }
    columns = {
        "plate": "Metadata_Plate",
        "time": "Metadata_Timepoint",
        "replicate": "Metadata_Replicate",
        "compound": "Metadata_Compound",
        "role": "Metadata_Role",
        "unit": "Metadata_DoseUnit",
    }
    data: dict[str, Any] = {name: list(map(_plain, values)) for name, values in lists.items()}
    data["unitWords"] = [unit_words(unit) for unit in lists["units"]]
    for name, column in columns.items():
        numbers = {value: i for i, value in enumerate(lists[f"{name}s"])}
        data[name] = [numbers[value] for value in wells[column]]
    data["well"] = [str(well) for well in wells["Metadata_Well"]]
    data["dose"] = [_plain(dose) for dose in wells["Metadata_Dose"]]
    data["shapes"] = [
        plate_shape(plate_format_of(screen, wells[wells["Metadata_Plate"] == plate])) for plate in plates
    ]
    data["colours"] = ramp(COLOURS, "cividis")
    data["endpoints"] = []
    for column, words in endpoints_of(screen).items():
        entry: dict[str, Any] = {"key": column, "words": words, "values": _short(_values(screen, column))}
        entry["share"] = column.startswith(("Fraction_", "Relative_", "Share_"))
        if f"{column}_Low" in wells and f"{column}_High" in wells:
            entry["low"], entry["high"] = (_short(wells[f"{column}{end}"]) for end in ("_Low", "_High"))
        data["endpoints"].append(entry)
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    number_of = float(value)
    return None if math.isnan(number_of) else int(number_of) if number_of.is_integer() else number_of


def _short(values: pd.Series[float]) -> list[float | None]:
    """Values to four digits that count; None for what is missing."""
    return [None if v != v else float(f"{v:.4g}") for v in values.astype(float)]


def _choice(name: str, label: str, options: list[str], chosen: int) -> str:
    items = "".join(
        f'<option value="{i}"{" selected" if i == chosen else ""}>{escape(text)}</option>'
        for i, text in enumerate(options)
    )
    hidden = " hidden" if len(options) == 1 and name != "endpoint" else ""
    return f'<label{hidden}>{label} <select id="md-plate-{name}">{items}</select></label>'


def _grid(
    screen: ReportInputs, wells: pd.DataFrame, values: pd.Series[float], shape: tuple[int, int]
) -> Safe:
    """One plate as a table: a button for each well, whose colour and text the script changes."""
    at = {well_position(well): i for i, well in zip(wells.index, wells["Metadata_Well"], strict=True)}
    rows, columns = shape
    head = "".join(f'<th scope="col">{c + 1}</th>' for c in range(columns))
    body = ""
    for r in range(1, rows + 1):
        cells = ""
        for c in range(1, columns + 1):
            if (place := at.get((r, c))) is None:
                cells += "<td></td>"
                continue
            value = float(values.loc[place])
            label = f"{wells.loc[place, 'Metadata_Well']}, {_holds(wells.loc[place])}: {number(value, 3)}"
            cells += (
                f'<td><button type="button" class="md-well" data-row="{place}" tabindex="-1" '
                f'aria-label="{escape(label)}">{number(value)}</button></td>'
            )
        body += f'<tr><th scope="row">{row_letters(r)}</th>{cells}</tr>'
    return Safe(
        f'<table class="md-plate" style="--md-columns:{columns}"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _holds(well: Any) -> str:
    if well["Metadata_Role"] == "treated":
        return f"{well['Metadata_Compound']} {dose_words(well['Metadata_Dose'], well['Metadata_DoseUnit'])}"
    return str(well["Metadata_Role"])


def plate_format_of(screen: ReportInputs, wells: pd.DataFrame) -> int:
    """Wells of the plate: as the design says, or the smallest plate that holds them."""
    stated = screen.design.get("plate_format") or screen.params.get("plate_format")
    if stated in PLATE_FORMATS:
        return int(stated)
    rows, columns = zip(*(well_position(well) for well in wells["Metadata_Well"]), strict=True)
    fits = [
        size for size, shape in PLATE_FORMATS.items() if shape[0] >= max(rows) and shape[1] >= max(columns)
    ]
    return min(fits)


def dose_key(screen: ReportInputs) -> str:
    """Doses of each compound in words, for the text of the design."""
    texts = []
    for compound in screen.compounds:
        mine = screen.wells[
            (screen.wells["Metadata_Compound"] == compound) & (screen.wells["Metadata_Role"] == "treated")
        ]
        doses = sorted(mine["Metadata_Dose"].dropna().unique())
        unit = screen.dose_unit(compound)
        texts.append(
            f"{compound}: " + ", ".join([*(number(d, 4) for d in doses[:-1]), dose_words(doses[-1], unit)])
        )
    return "; ".join(texts)
