"""Section: what the segmentation found, beside the images: vehicle, middle and highest dose."""

from __future__ import annotations

from morphodose.names import field_of
from morphodose.report.draw import dose_name, shown_compounds
from morphodose.report.html import Safe, escape, notice, paragraph, picture, thumbnail
from morphodose.report.inputs import Screen
from morphodose.report.parts import Part, Section
from morphodose.report.summary import wells_of
from morphodose.report.words import hours, listed

#: Side of a gallery picture in px.
SIDE = 460


def section(screen: Screen) -> Section:
    """A row a timepoint (first, middle, last), a column a dose."""
    title = "Segmentation"
    if not screen.overlays:
        why = screen.left_out("segment_cells") or "no overlay picture was given"
        return Section("overlays", title, [Part("Overlays", notice(f"Left out: {why}."))])
    text = paragraph(
        "The cell stain is green, the nuclear stain blue. Yellow: cells that are measured. Magenta: their "
        "nuclei. Grey: cells cut by the border, left out and counted. Look for merged neighbours, missed "
        "cells and outlined debris before trusting a curve."
    )
    galleries = [(c, gallery(screen, c)) for c in shown_compounds(screen)[:4]]
    parts = [
        Part(f"Overlays – {c}" if len(galleries) > 1 else "Overlays", html) for c, html in galleries if html
    ]
    if not parts:
        first = list(screen.overlays)[:6]
        pictures = "".join(picture(thumbnail(screen.overlays[i], SIDE), f"Outlines of {i}", i) for i in first)
        parts = [Part("Overlays", f'<div class="md-gallery">{pictures}</div>')]
    parts[0] = Part(parts[0].title, text + parts[0].html)
    return Section("overlays", title, parts)


def spread(values: list[float]) -> list[float]:
    """First, middle and last of sorted values, each once."""
    return [values[i] for i in sorted({0, len(values) // 2, len(values) - 1})] if values else []


def gallery(screen: Screen, compound: str) -> str:
    """Pictures of one compound; empty when none of its wells has an overlay."""
    wells = wells_of(screen, compound)
    by_well: dict[str, list[str]] = {}
    for image in screen.overlays:
        by_well.setdefault(image.rpartition("_Field_")[0], []).append(image)
    wells = wells.assign(
        Id=[f"{a}_Well_{w}" for a, w in zip(_acquisitions(wells), wells["Metadata_Well"], strict=True)]
    )
    wells = wells[wells["Id"].isin(by_well)]
    treated = sorted(float(d) for d in wells.loc[wells["Dose"] > 0, "Dose"].unique())
    doses = ([0.0] if (wells["Dose"] == 0).any() else []) + spread(treated)[-2 if len(treated) < 3 else 1 :]
    times = spread(sorted(float(t) for t in wells["Metadata_Timepoint"].unique()))
    unit, cells = screen.dose_unit(compound), []
    for time in times:
        for dose in doses:
            mine = wells[(wells["Metadata_Timepoint"] == time) & (wells["Dose"] == dose)]
            label = f"{hours(time)}, {dose_name(dose, unit)}"
            if mine.empty:
                cells.append(
                    f'<figure class="md-figure"><figcaption>{escape(label)}: no image</figcaption></figure>'
                )
                continue
            image = min(by_well[mine["Id"].iloc[0]], key=field_of)
            caption = f"{label} – well {mine['Metadata_Well'].iloc[0]}, field {field_of(image)}"
            cells.append(picture(thumbnail(screen.overlays[image], SIDE), f"Outlines of {image}", caption))
    if not cells:
        return ""
    lead = paragraph(
        f"{compound}: ",
        listed(dose_name(d, unit) for d in doses),
        " at ",
        listed(hours(t) for t in times),
        ".",
    )
    return Safe(lead + f'<div class="md-gallery" style="--md-columns:{len(doses)}">{"".join(cells)}</div>')


def _acquisitions(wells: object) -> list[str]:
    frame = wells
    return [str(a) for a in frame["Metadata_Acquisition"]]  # type: ignore[index]
