"""Section: single-cell crops, as the network sees them, and what it looks at in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from morphodose.report.deep_words import class_words, step_reason
from morphodose.report.html import folded, notice, paragraph, picture, table, thumbnail
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section, folded_but

if TYPE_CHECKING:
    from pathlib import Path

TITLE = "Single-cell crops"
#: Classes of a label whose crops are on the page.
MOST_STRIPS = 16
#: Pictures up to this size go in as they are; larger ones become JPEG of `SIDE` px.
MOST_BYTES, SIDE = 700_000, 1600


def section(screen: ReportInputs) -> Section:
    """Examples over dose and time, and the crops nearest each class with their Grad-CAM."""
    if not screen.deep.given:
        reason = screen.left_out("crop_cells") or screen.left_out("train_resnet") or "it was not run"
        text = notice(f"Left out: {reason}.")
        return Section("crops", "Deep profiles", [Part("Crops, network, components, profiles", text)])
    return Section("crops", TITLE, folded_but(_nearest(screen)))


def _files(screen: ReportInputs, kind: str) -> list[dict[str, object]]:
    """Rows of the gallery of a kind whose picture is there, its path as `Picture`."""
    gallery = screen.deep.gallery
    if gallery.empty:
        return []
    rows = []
    for row in gallery[gallery["Kind"] == kind].to_dict("records"):
        name = str(row["File"]).rpartition("/")[2]
        if name in screen.deep.pictures:
            rows.append({str(k): v for k, v in row.items()} | {"Picture": screen.deep.pictures[name]})
    return rows


def _show(path: Path, alt: str, caption: str) -> str:
    data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else thumbnail(path, SIDE)
    return picture(data, alt, caption)


def examples(screen: ReportInputs) -> str:
    """Cells over dose and time as the network sees them."""
    rows = _files(screen, "example")
    if not rows:
        return notice(f"Examples of cells left out: {step_reason(screen, 'explain_crops', 'crop_cells')}.")
    text = (
        "One cell per crop, centred; outside its outline the crop fades to black. Intensity has one scale "
        "for the whole screen. The cells are chosen at random: they show what the network is given, and "
        "prove nothing."
    )
    return "".join(
        _show(row["Picture"], "Crops by dose and time", text if row is rows[-1] else "")  # type: ignore[arg-type]
        for row in rows
    )


def _nearest(screen: ReportInputs) -> list[Part]:
    """One part for each label: the crops nearest the centre of each class."""
    rows = _files(screen, "nearest")
    title = "What the network looks at"
    if not rows:
        return [Part(title, notice(f"Left out: {step_reason(screen, 'explain_crops', 'train_resnet')}."))]
    text = paragraph(
        "For each class the cells whose embedding is nearest the centre of the class, each above its "
        "Grad-CAM by a network that was not trained on it: bright places raised the score of that class "
        "most. It shows where the network looked, not why, and even a network without any skill looks "
        "somewhere: read “Is it real?” first."
    )
    parts = []
    for label in dict.fromkeys(str(row["Label"]) for row in rows):
        mine = [row for row in rows if str(row["Label"]) == label]
        html = "".join(_strip(screen, label, row) for row in mine[:MOST_STRIPS])
        if len(mine) > MOST_STRIPS:
            html += notice(f"The first {MOST_STRIPS} of {len(mine)} classes; all are in networks/gallery/.")
        cells = [
            [class_words(screen, label, row["Class"]), str(row["CellIDs"])]
            for row in mine
            if row.get("CellIDs")
        ]
        names = folded("Which cells these are", table(["Class", "Cells"], cells)) if cells else ""
        parts.append(
            Part(f"{title} – {label.lower()}", text + f'<div class="md-strips">{html}</div>' + names)
        )
        text = ""
    return parts


def _strip(screen: ReportInputs, label: str, row: dict[str, object]) -> str:
    words = class_words(screen, label, row["Class"])
    return _show(row["Picture"], f"Crops nearest the centre of {words}, and their Grad-CAM", "")  # type: ignore[arg-type]
