"""Section: what the segmentation lost, by well and field, and what it found, beside the images."""

from __future__ import annotations

from functools import partial

from morphodose.names import field_of
from morphodose.profiles.losses import COMPLETED, WITHOUT_CELL, losses_of, ranking_loss, worst_fields
from morphodose.report.draw import dose_name, shown_compounds
from morphodose.report.figure import Album
from morphodose.report.html import Safe, escape, folded, notice, paragraph, picture, table, thumbnail
from morphodose.report.inputs import Screen
from morphodose.report.parts import Part, Section
from morphodose.report.plates import OPEN_PLATES, maps, plate_format_of
from morphodose.report.summary import wells_of
from morphodose.report.words import dose_words, hours, listed, number, percent

#: Side of a gallery picture in px.
SIDE = 460
#: Worst fields that are shown.
WORST = 6
#: How the outlines are read.
KEY = (
    "The cell stain is green, the nuclear stain blue. Yellow: cells that are measured. Magenta: their "
    "nuclei. Grey: cells cut by the border, left out and counted."
)


def section(screen: Screen, album: Album) -> Section:
    """Losses by well and dose, the worst fields, then a row a timepoint and a column a dose."""
    return Section("overlays", "Segmentation", [*_losses(screen, album), *_worst(screen), *_overlays(screen)])


def _losses(screen: Screen, album: Album) -> list[Part]:
    """Plate maps of each loss, tests of the dose."""
    losses = losses_of(screen.wells)
    if not losses:
        why = "the table of wells has no counts of the segmentation; profile_wells takes them from it"
        return [
            Part("What was lost, by well", notice(f"Left out: {screen.left_out('segment_cells') or why}."))
        ]
    html = paragraph("What the checks say of these shares stands under “Is it sound?”, at the top.")
    shares = screen.wells.assign(**{f"Share_{loss.part}": loss.shares(screen.wells) for loss in losses})
    plates = sorted(shares["Metadata_Plate"].unique())
    for number_of, plate in enumerate(plates):
        wells, inner = shares[shares["Metadata_Plate"] == plate], ""
        tag = f"_{number_of + 1}" if len(plates) > 1 else ""
        for loss in losses:
            column = f"Share_{loss.part}"
            if not (wells[column] > 0).any():
                continue
            paint = partial(maps, wells, plate_format_of(screen, wells), column, loss.words, "magma_r")
            drawn = album.draw(f"plate_{loss.part.lower()}{tag}", paint)
            of = f", plate {plate}" if plate else ""
            maps_of = drawn.html(f"Plate maps of {loss.words}{of}", f"Share of {loss.words}{of}; V: vehicle.")
            first = loss in (WITHOUT_CELL, COMPLETED)
            inner += maps_of if first else folded(f"Plate maps of {loss.words}", maps_of)
        html += inner if number_of < OPEN_PLATES or not inner else folded(f"Plate {plate}", inner)
    return [Part("What was lost, by well", html + _tests(screen))]


def _tests(screen: Screen) -> str:
    rows = [
        [
            row["Loss"].words,
            row["Compound"],
            hours(row["Timepoint"]),
            percent(row["Vehicle"], 1),
            percent(row["Share"], 1),
            dose_words(row["Dose"], row["Unit"]),
            number(row["P"]) if row["Testable"] else "too few wells",
            number(row["Q"]) if row["Testable"] else None,
            row["Wells"],
        ]
        for row in sorted(screen.loss_tests, key=lambda row: (not row["Testable"], row["Q"]))
    ]
    headers = ["Loss", "Compound", "Time", "In vehicle", "At the dose", "Dose", "P", "Rate", "Wells"]
    text = paragraph(
        "The dose is where the share differs most from vehicle. P: permutation of wells within plate and "
        "replicate; 1 where no dose differs by 2 points. Rate: false discovery rate over all rows."
    )
    return folded(f"Tests of the dose ({len(rows)})", text + table(headers, rows)) if rows else ""


def _worst(screen: Screen) -> list[Part]:
    """Overlays of the fields with most nuclei in no cell."""
    title, fields = "Worst fields", worst_fields(screen.images, WORST)
    if fields.empty:
        why = (
            "no field has a nucleus outside a cell"
            if WITHOUT_CELL.part in screen.images
            else "the table of images has no counts of nuclei to rank the fields by"
        )
        return [Part(title, notice(f"Left out: {why}."))]
    pictures, words = [], ranking_loss(screen.images).words
    for row in fields.to_dict("records"):
        image = str(row["Metadata_ImageID"])
        lost = f"{int(row['Lost'])} {words}, {percent(row['Share'])}"
        if image in screen.overlays:
            data = thumbnail(screen.overlays[image], SIDE)
            pictures.append(picture(data, f"Outlines of {image}", f"{image}: {lost}"))
        else:
            pictures.append(
                f'<figure class="md-figure"><figcaption>{escape(image)}: {escape(lost)}; no overlay '
                "was given</figcaption></figure>"
            )
    text = paragraph(f"Fields with most {words}, the surest first. ", KEY)
    return [Part(title, f'{text}<div class="md-gallery">{"".join(pictures)}</div>')]


def _overlays(screen: Screen) -> list[Part]:
    if not screen.overlays:
        why = screen.left_out("segment_cells") or "no overlay of segment_cells was given (--masks)"
        return [Part("Overlays", notice(f"Left out: {why}."))]
    text = paragraph(
        KEY, " Look for merged neighbours, missed cells and outlined debris before trusting a curve."
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
    return parts


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
