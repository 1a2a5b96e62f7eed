"""Section: what the segmentation lost: the worst fields, and whether the dose moves it."""

from __future__ import annotations

from morphodose.profiles.losses import WITHOUT_CELL, losses_of, ranking_loss, worst_fields
from morphodose.report.html import Safe, escape, folded, notice, paragraph, picture, table, thumbnail
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.words import counted, dose_words, hours, number, percent

#: Side of a gallery picture in px.
SIDE = 460
#: Worst fields that are shown.
WORST = 6
#: How the outlines are read.
KEY = (
    "The cell stain is green, the nuclear stain blue. Yellow: cells that are measured. Magenta: their "
    "nuclei. Grey: cells cut by the border, left out and counted."
)


def section(screen: ReportInputs) -> Section:
    """Losses by compound and dose, then the worst fields."""
    return Section("overlays", "Segmentation", [*_worst(screen), *_losses(screen)])


def _losses(screen: ReportInputs) -> list[Part]:
    """Where the losses are shown by well, and tests of the dose."""
    title, losses = "What was lost", losses_of(screen.wells)
    if not losses:
        why = "the table of wells has no counts of the segmentation; profile_wells takes them from it"
        return [Part(title, notice(f"Left out: {screen.left_out('segment_cells') or why}."))]
    links = ", ".join(
        f'<a href="?view=plate&amp;endpoint=Share_{escape(loss.part)}">{escape(loss.words)}</a>'
        for loss in losses
    )
    text = paragraph("By well, on the plate: ", Safe(links), ".")
    return [Part(title, text + _tests(screen))]


def _tests(screen: ReportInputs) -> str:
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
        "Dose: where the share differs most from vehicle. P: permutation of wells within plate and "
        "replicate; "
        "1 if no dose differs by 2 percentage points. Rate: false discovery rate over all rows."
    )
    return folded(f"Tests of the dose ({len(rows)})", text + table(headers, rows)) if rows else ""


def _worst(screen: ReportInputs) -> list[Part]:
    """Overlays of the fields with most nuclei in no cell."""
    title, fields = "Worst fields", worst_fields(screen.images, WORST)
    if fields.empty:
        why = (
            "no field has a nucleus outside a cell"
            if WITHOUT_CELL.part in screen.images
            else "the table of images has no counts of nuclei to rank the fields by"
        )
        return [Part(title, notice(f"Left out: {why}."))]
    pictures, loss = [], ranking_loss(screen.images)
    for row in fields.to_dict("records"):
        image = str(row["Metadata_ImageID"])
        lost = f"{counted(int(row['Lost']), loss.one, loss.words)}, {percent(row['Share'])}"
        if image in screen.overlays:
            data = thumbnail(screen.overlays[image], SIDE)
            pictures.append(picture(data, f"Outlines of {image}", f"{image}: {lost}"))
        else:
            pictures.append(
                f'<figure class="md-figure"><figcaption>{escape(image)}: {escape(lost)}; no overlay '
                "was given</figcaption></figure>"
            )
    text = paragraph(f"Fields with the most {loss.words}, the clearest first. ", KEY)
    return [Part(title, f'{text}<div class="md-gallery">{"".join(pictures)}</div>')]
