"""Section: plate heat maps, where a position effect shows before a dose does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from morphodose.names import PLATE_FORMATS, plate_shape, row_letters, well_position
from morphodose.report.figure import Album, panels
from morphodose.report.html import folded, notice, paragraph
from morphodose.report.inputs import Screen
from morphodose.report.parts import Part, Section
from morphodose.report.words import dose_words, figure_text, file_name, hours, number
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAPS = {
    "Count_CellsPerField": ("cells per field", "cividis"),
    "Count_NucleiPerField": ("nuclei per field", "cividis"),
    "Fraction_Dying": ("dying or dead cells (fraction)", "magma_r"),
}
#: Compounds that are told apart by letters on the layout.
MOST_LETTERS = 8
#: Plates whose maps are open on the page; those of the others are folded away.
OPEN_PLATES = 2


def section(screen: Screen, album: Album) -> Section:
    """The layout of each plate, and maps of count and death at each timepoint and replicate."""
    plates = sorted(screen.wells["Metadata_Plate"].unique())
    columns = {name: look for name, look in MAPS.items() if screen.has(name)}
    columns |= {
        n: (n.removeprefix("Endpoint_"), "viridis")
        for n in screen.wells
        if n.startswith("Endpoint_") and screen.has(n)
    }
    if not plates:
        return Section(
            "plates", "Plate maps", [Part("Plates", notice("Left out: the table of wells is empty."))]
        )
    parts = []
    for number_of, plate in enumerate(plates):
        tag = f"_{number_of + 1}" if len(plates) > 1 else ""
        wells = screen.wells[screen.wells["Metadata_Plate"] == plate]
        wanted = plate_format_of(screen, wells)
        layout = album.draw(f"plate_layout{tag}", partial(_layout, wells, wanted))
        html = layout.html(
            f"Layout of plate {plate}", "What each well holds. Rows and columns are those of the plate."
        )
        for column, (words, colours) in columns.items():
            if not wells[column].notna().any():
                continue
            name = f"plate_{file_name(column)}{tag}"
            drawn = album.draw(name, partial(maps, wells, wanted, column, words, colours))
            html += drawn.html(
                f"Plate maps of {words}, plate {plate}",
                f"{words[0].upper()}{words[1:]}, by timepoint and replicate; V marks vehicle.",
            )
        parts.append(
            Part(
                f"Plate {plate}" if plate else "Plate",
                html if number_of < OPEN_PLATES else folded("Show the maps", html),
            )
        )
    text = paragraph(
        "A gradient along rows or columns that the layout does not explain is an effect of the position "
        "(edge, dispensing, illumination), not of the dose."
    )
    parts[0] = Part(parts[0].title, text + parts[0].html)
    return Section("plates", "Plate maps", parts)


def plate_format_of(screen: Screen, wells: pd.DataFrame) -> int:
    """Wells of the plate: as the design says, or the smallest plate that holds them."""
    stated = screen.design.get("plate_format") or screen.params.get("plate_format")
    if stated in PLATE_FORMATS:
        return int(stated)
    rows, columns = zip(*(well_position(well) for well in wells["Metadata_Well"]), strict=True)
    fits = [
        size for size, shape in PLATE_FORMATS.items() if shape[0] >= max(rows) and shape[1] >= max(columns)
    ]
    return min(fits)


def _grid(wells: pd.DataFrame, column: str, plate_format: int) -> Any:
    """Values in the rows and columns of the plate; nan where there is no well."""
    import numpy as np

    grid = np.full(plate_shape(plate_format), np.nan)
    for well, value in zip(wells["Metadata_Well"], wells[column], strict=True):
        row, place = well_position(well)
        grid[row - 1, place - 1] = value
    return grid


def _frame(axes: Axes, plate_format: int) -> None:
    """Rows as letters from the top, columns as numbers above them."""
    rows, columns = plate_shape(plate_format)
    every = 1 if rows <= 16 else 2
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.xaxis.tick_top()
    axes.set_xticks(range(0, columns, every), [str(c + 1) for c in range(0, columns, every)])
    axes.set_yticks(range(0, rows, every), [row_letters(r + 1) for r in range(0, rows, every)])
    axes.tick_params(length=0, labelsize=7 if rows <= 8 else 5)
    axes.grid(False)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(True)
        axes.spines[side].set_color("#BBBBBB")


def _mesh(axes: Axes, grid: Any, **options: Any) -> Any:
    import numpy as np

    rows, columns = np.shape(grid)
    axes.set_facecolor("#F3F3F3")
    x, y = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    return axes.pcolormesh(x, y, np.ma.masked_invalid(grid), edgecolors="white", linewidth=0.8, **options)


def _layout(wells: pd.DataFrame, plate_format: int) -> Figure:
    """Dose of each well in colour and figures; vehicle, positive and empty wells as letters."""
    import numpy as np
    from matplotlib.colors import LogNorm

    once = wells.drop_duplicates("Metadata_Well")
    treated = once[(once["Metadata_Role"] == "treated") & (once["Metadata_Dose"] > 0)]
    rows, columns = plate_shape(plate_format)
    figure, (axes,) = panels(1, 1, min(max(0.52 * columns + 1.6, 5), 11), min(max(0.42 * rows + 0.8, 2.4), 7))
    compounds = sorted(treated["Metadata_Compound"].unique())
    # doses of compounds with different units are no common scale; shares of the highest dose are one
    highest = treated.groupby("Metadata_Compound")["Metadata_Dose"].transform("max")
    one_unit = treated["Metadata_DoseUnit"].nunique() <= 1
    shades = treated.assign(Shade=treated["Metadata_Dose"] / (1.0 if one_unit else highest))
    if len(treated):
        low, high = float(shades["Shade"].min()), float(shades["Shade"].max())
        norm = LogNorm(low / 1.01, high * 1.01)
        mesh = _mesh(axes, _grid(shades, "Shade", plate_format), cmap="cividis_r", norm=norm)
        _dose_bar(figure, axes, mesh, shades, one_unit)
    else:
        _mesh(axes, np.full((rows, columns), np.nan))
    _frame(axes, plate_format)
    if columns <= 24:
        dark = (
            set(shades.loc[shades["Shade"] > np.sqrt(low * high), "Metadata_Well"]) if len(shades) else set()
        )
        for row in once.to_dict("records"):
            y, x = well_position(row["Metadata_Well"])
            colour = "white" if row["Metadata_Well"] in dark else "#222222"
            style = {
                "ha": "center",
                "va": "center",
                "linespacing": 0.95,
                "fontsize": 6.5 if columns <= 12 else 4,
            }
            axes.text(x - 1, y - 1, _well_label(row, compounds), color=colour, **style)
    keys = ["V vehicle"]
    keys += ["+ positive control"] if (once["Metadata_Role"] == "positive").any() else []
    if 1 < len(compounds) <= MOST_LETTERS:
        keys += [f"{chr(97 + i)} {name}" for i, name in enumerate(compounds)]
    axes.set_xlabel(figure_text(", ".join(keys)))
    return figure


def _well_label(row: dict[str, Any], compounds: list[str]) -> str:
    """Dose of a treated well, with the letter of its compound; V, + or a dot for the others."""
    role, dose = row["Metadata_Role"], row["Metadata_Dose"]
    if role != "treated" or not dose > 0:
        return {"vehicle": "V", "positive": "+"}.get(role, "·")
    letter = f"\n{chr(97 + compounds.index(row['Metadata_Compound']))}"
    return number(dose, 3) + (letter if 1 < len(compounds) <= MOST_LETTERS else "")


def _dose_bar(figure: Figure, axes: Axes, mesh: Any, shades: pd.DataFrame, one_unit: bool) -> None:
    """Colour bar of the doses, or of the share of the highest dose."""
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8, pad=0.02)
    if one_unit:
        unit = unit_words(str(shades["Metadata_DoseUnit"].iloc[0]))
        bar.set_label(figure_text(f"dose ({unit})" if unit else "dose"))
    else:
        bar.set_label("dose, share of the highest of its compound")
    ticks = sorted(shades["Shade"].unique())
    ticks = ticks if len(ticks) <= 9 else ticks[:: len(ticks) // 8 + 1]
    bar.set_ticks(ticks, labels=[number(tick, 3 if one_unit else 2) for tick in ticks])
    bar.minorticks_off()


def maps(wells: pd.DataFrame, plate_format: int, column: str, words: str, colours: str) -> Figure:
    """A map for each timepoint and replicate, all on one colour scale."""
    runs = list(wells.groupby(["Metadata_Timepoint", "Metadata_Replicate"]))
    rows, columns = plate_shape(plate_format)
    replicates = wells["Metadata_Replicate"].nunique()
    across = replicates if 1 < replicates <= 4 else 3
    figure, axes = panels(len(runs), across, 3.6, 3.6 * rows / columns + 0.45)
    low, high = float(wells[column].min()), float(wells[column].max())
    low = 0.0 if low >= 0 and (column.startswith("Fraction_") or low < 0.5 * high) else low
    mesh = None
    for axis, ((time, replicate), frame) in zip(axes, runs, strict=True):
        mesh = _mesh(
            axis, _grid(frame, column, plate_format), cmap=colours, vmin=low, vmax=max(high, low + 1e-9)
        )
        _frame(axis, plate_format)
        axis.set_title(figure_text(f"{hours(time)}, replicate {replicate}"), fontsize=9)
        for well, value in frame.loc[
            frame["Metadata_Role"] == "vehicle", ["Metadata_Well", column]
        ].itertuples(index=False):
            row, place = well_position(well)
            light = (value - low) / max(high - low, 1e-9) > 0.5
            dark_text = light if colours in ("cividis", "viridis") else not light
            axis.text(
                place - 1,
                row - 1,
                "V",
                ha="center",
                va="center",
                fontsize=5.5,
                color="black" if dark_text else "white",
            )
    figure.colorbar(mesh, ax=axes, shrink=min(0.8, 2.2 / (len(runs) // across + 1)), pad=0.02, label=words)
    return figure


def dose_key(screen: Screen) -> str:
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
