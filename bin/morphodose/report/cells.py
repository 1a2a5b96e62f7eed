"""Section: single cells on UMAP and PCA, each with its crop and its id.

The map itself is drawn by the script (canvas); the data are a sample, which is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from morphodose.report.clouds import NO_CLASS, colourings, dressed
from morphodose.report.deep_words import set_words, step_reason
from morphodose.report.html import escape, notice, paragraph
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.tiles import ACROSS, CROP, Tiles, sheet_address
from morphodose.report.words import counted

if TYPE_CHECKING:
    import pandas as pd

#: Cells on the page.
MOST_POINTS = 10_000
#: Maps of a feature set: words, columns.
MAPS = (("UMAP", "UMAP_1", "UMAP_2"), ("PCA", "PC_1", "PC_2"))
_KEYS = ("Metadata_CellID", "Metadata_ImageID", "Metadata_ObjectLabel")


@dataclass(frozen=True)
class Cloud:
    """The cells of the page: their table, and the names of their maps with the two columns of each."""

    cells: pd.DataFrame
    maps: tuple[tuple[str, str, str], ...]


def cloud_of(screen: ReportInputs) -> Cloud | None:
    """All cells that some map has, at most `MOST_POINTS`; those on most maps stay."""
    import pandas as pd

    kept: pd.DataFrame | None = None
    maps: list[tuple[str, str, str]] = []
    for name, found in screen.deep.sets.items():
        for kind, x, y in MAPS:
            frame = found.umap if kind == "UMAP" else found.pca
            if frame.empty or not {x, y, *_KEYS} <= set(frame.columns):
                continue
            columns = (f"{kind}_{name}_x", f"{kind}_{name}_y")
            maps.append((f"{kind} of {set_words(name)}", *columns))
            mine = frame.rename(columns=dict(zip((x, y), columns, strict=True))).set_index("Metadata_CellID")
            mine = mine[~mine.index.duplicated()]
            kept = mine if kept is None else kept.combine_first(mine)
    if kept is None:
        return None
    known = kept[[column for _, *two in maps for column in two]].notna().sum(axis=1)
    if len(kept) > MOST_POINTS:
        kept = kept.assign(Known=known).sample(frac=1, random_state=0)
        kept = kept.sort_values("Known", ascending=False, kind="stable").head(MOST_POINTS)
    kept = dressed(screen, kept.reset_index())
    return Cloud(pd.DataFrame(kept), tuple(maps))


def section(screen: ReportInputs, cloud: Cloud | None, tiles: Tiles) -> Section:
    """The controls, the map, the place of the cell that is pointed at."""
    if cloud is None:
        why = (
            step_reason(screen, "reduce_features")
            if screen.deep.given
            else screen.left_out("reduce_features") or "no components were given (--deep)"
        )
        return Section("cells", "Cells", [Part("", notice(f"Left out: {why}."))])
    crops = len(tiles.cropped)
    sampled = "Count_Cells" not in screen.wells or screen.wells["Count_Cells"].sum() > len(cloud.cells)
    share = "a sample with the same share of each well" if sampled else "all of the screen"
    text = (
        f"A point is a cell: {counted(len(cloud.cells), 'cell')}, {share}. "
        "Replicates should lie on top of one another; where their colours separate, the axes show the batch "
        "and not only the biology. On a UMAP only neighbourhoods mean something, not distances or sizes. "
        "Point "
        "at a cell to see it, or use the arrow keys; draw around cells to choose them; turn the wheel to "
        "zoom, and drag with Shift held to move."
    )
    if crops < len(cloud.cells):
        text += (
            f" {crops:,} cells have a crop on this page; the others lie in fields that were not read for "
            "the page."
            if crops
            else " No cell has a crop on this page: that needs the projected images and the masks."
        )
    maps = "".join(f'<option value="{i}">{escape(name)}</option>' for i, (name, *_) in enumerate(cloud.maps))
    html = (
        f'{paragraph(text)}<div class="md-controls">'
        f'<label>Map <select id="md-cells-map">{maps}</select></label>'
        '<label>Colour <select id="md-cells-by"></select></label>'
        '<label hidden>Highlight a compound <input type="search" id="md-cells-pick" list="md-cells-names" '
        'autocomplete="off"></label><datalist id="md-cells-names"></datalist>'
        '<button type="button" id="md-cells-reset">Show all</button>'
        '<button type="button" id="md-cells-csv" disabled>Download the chosen ids as CSV</button>'
        '<span id="md-cells-chosen" aria-live="polite">No cell is chosen.</span></div>'
        '<div class="md-cells-view"><figure class="md-canvas" data-name="cells"><canvas id="md-cells" '
        'width="760" height="560" tabindex="0" role="application" '
        'aria-label="Map of single cells; arrow keys go from cell to cell"></canvas></figure>'
        '<div><ul class="md-legend md-legend-tall" id="md-cells-legend"></ul>'
        '<div id="md-cell" aria-live="polite"></div></div></div>'
        '<noscript><div class="md-notice">The map of cells needs JavaScript; it is also in figures/, as '
        "pca_*.svg and umap_*.svg.</div></noscript>"
    )
    return Section("cells", "Cells", [Part("", html)])


def cell_data(screen: ReportInputs, cloud: Cloud, tiles: Tiles, names: list[str]) -> dict[str, Any]:
    """The cells as columns of plain values, for the script; `names` are the compounds of the page."""
    cells = cloud.cells
    images = list(dict.fromkeys(cells["Metadata_ImageID"].astype(str)))
    at = {image: i for i, image in enumerate(images)}
    numbers = {name: i for i, name in enumerate(names)}
    labels = cells["Metadata_ObjectLabel"].astype(int)
    plain = cells["Metadata_ImageID"].astype(str) + "_obj" + labels.astype(str)
    by = []
    for name, groups in colourings(screen, cells).items():
        values = [-1] * len(cells)
        for i, (_, _, mine) in enumerate(groups):
            for place in mine.to_numpy().nonzero()[0]:
                values[place] = i
        classes: list[dict[str, object]] = [{"name": text, "colour": tint} for text, tint, _ in groups]
        if -1 in values:  # every cell of the map is drawn, whatever it is coloured by
            classes.append({"name": _without_class(cells, values), "colour": NO_CLASS, "below": 1})
            values = [len(groups) if value < 0 else value for value in values]
        by.append({"name": name, "classes": classes, "values": values})
    return {
        "images": images,
        "image": [at[image] for image in cells["Metadata_ImageID"].astype(str)],
        "label": labels.tolist(),
        "ids": None
        if (plain == cells["Metadata_CellID"]).all()
        else list(cells["Metadata_CellID"].astype(str)),
        "compound": [numbers.get(name, -1) for name in cells["Compound"]],
        "vehicle": [int(dose == 0) for dose in cells["Dose"]],
        "maps": [{"name": name, "x": _column(cells[x]), "y": _column(cells[y])} for name, x, y in cloud.maps],
        "by": by,
        "sheet": sheet_address(tiles),
        "across": ACROSS,
        "side": CROP,
        "cropped": [int(i in tiles.cropped) for i in range(len(cells))],
    }


def _without_class(cells: pd.DataFrame, values: list[int]) -> str:
    """What cells are that have no class: by the role of their wells."""
    if "Metadata_Role" not in cells:
        return "other cells"
    words = {"positive": "positive control", "vehicle": "vehicle", "treated": "treated"}
    roles = cells["Metadata_Role"].fillna("").astype(str)[[value < 0 for value in values]]
    return " or ".join(sorted({words.get(role, "no role") for role in roles}))


def _column(values: pd.Series[float]) -> list[float | None]:
    return [None if v != v else float(f"{v:.4g}") for v in values.astype(float)]


def wanted_cells(cloud: Cloud) -> dict[str, list[tuple[int, int]]]:
    """Image id → (label, place in the sheet) of its cells."""
    found: dict[str, list[tuple[int, int]]] = {}
    cells = cloud.cells
    for place, (image, label) in enumerate(
        zip(cells["Metadata_ImageID"].astype(str), cells["Metadata_ObjectLabel"].astype(int), strict=True)
    ):
        found.setdefault(image, []).append((int(label), place))
    return found
