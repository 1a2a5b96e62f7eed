"""Check: was every channel recorded, wholly and in every field? What was not counts as missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from morphodose.cells.marks import MARKS, read_marks
from morphodose.cells.unusable import UNUSABLE, unusable_channels
from morphodose.imaging.judgement import DEAD_LINES, SHOWS_NOTHING
from morphodose.report.checks import Check, State, not_checked
from morphodose.report.inputs import ReportInputs
from morphodose.report.words import counted, listed, percent

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "Was every channel recorded?"
#: In the reason of a field of which a part is missing (`morphodose.imaging.judgement.MissingPlane`).
MISSING = "it was not recorded or not copied"
#: Share of the fields in which a channel may be constant before that is a fault.
CONSTANT = 0.25
#: Names that a sentence lists before it counts the others.
MOST_NAMES = 3


def recorded_checks(screen: ReportInputs) -> list[Check]:
    """Channels that are constant in some fields, and images of which a part is missing."""
    images = screen.images
    if UNUSABLE not in images and "Metadata_QCReason" not in images:
        return [not_checked(QUESTION, "no verdicts of qc_images came with the table of images (--images)")]
    states: list[State] = []
    lines = []
    death = (screen.params.get("early_death_channel"), screen.params.get("late_death_channel"))
    for channel, fields in constant_fields(images).items():
        share = len(fields) / len(images)
        states.append("stop" if share > CONSTANT else "warn")
        line = f"{channel} is constant, or nothing but noise, in {counted(len(fields), 'field')} "
        line += f"({percent(share)}) of {listed(_wells(fields), MOST_NAMES)}: nothing is measured in it there"
        if channel in death:
            line += ", and the cells of these fields have no death state"
        lines.append(line)
    if "Metadata_QCReason" in images:
        torn = images[images["Metadata_QCReason"].fillna("").str.contains(MISSING, regex=False)]
        dropped = torn[torn["Metadata_QCVerdict"] == "drop"]
        if len(torn):
            states.append("warn")
            lines.append(
                f"{counted(len(torn), 'field')} with images of which a part is missing "
                f"({counted(len(dropped), 'field')} dropped): "
                f"{listed([str(name) for name in torn['Metadata_ImageID']], MOST_NAMES)}; copy them again"
            )
        for channel, fields in doubtful_fields(images).items():
            states.append("warn")
            lines.append(
                f"{channel} shows no trace of the cells in {counted(len(fields), 'field')} of "
                f"{listed(_wells(fields), MOST_NAMES)}: it was not recorded there, or nothing is "
                "stained and the background was subtracted; look at these images"
                + (", since their cells count as negative for it" if channel in death else "")
            )
        lined = images[images["Metadata_QCReason"].fillna("").str.contains(DEAD_LINES, regex=False)]
        if len(lined):
            states.append("warn")
            lines.append(
                f"{counted(len(lined), 'field')} with a few dead rows or columns: "
                f"{listed([str(name) for name in lined['Metadata_ImageID']], MOST_NAMES)}; cells that "
                "they cross may be parted"
            )
    if twice := images_twice(images):
        states.append("stop")
        pairs = [f"{one} and {other} ({channel})" for one, other, channel in twice]
        lines.append(
            f"the same image was used for two fields: {listed(pairs, MOST_NAMES)}; one of each pair was "
            "copied to the wrong name, or exported twice: export them again"
        )
    if not lines:
        found = "No channel is constant or only noise in any field, and no part of an image is missing."
        return [Check("ok", QUESTION, found)]
    return [Check("stop" if "stop" in states else "warn", QUESTION, f"{'; '.join(lines)}.")]


def _wells(fields: pd.DataFrame) -> list[str]:
    """Acquisition and well of fields, each once."""
    wells = fields["Metadata_Acquisition"].astype(str) + " " + fields["Metadata_Well"].astype(str)
    return list(dict.fromkeys(wells))


def doubtful_fields(images: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of the fields in which a channel shows no trace of the cells of another, by channel."""
    found: dict[str, list[int]] = {}
    for place, reason in enumerate(images["Metadata_QCReason"].fillna("")):
        for part in str(reason).split("; "):
            name, said, _ = part.partition(f" {SHOWS_NOTHING} ")
            if said:
                found.setdefault(name, []).append(place)
    return {name: images.iloc[places] for name, places in found.items()}


def images_twice(images: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Pairs of fields that were not dropped and have the same image of a channel, with that channel."""
    if MARKS not in images:
        return []
    table = images[images["Metadata_QCVerdict"] != "drop"] if "Metadata_QCVerdict" in images else images
    first: dict[str, tuple[str, str]] = {}
    found: dict[tuple[str, str], str] = {}
    for image, text in zip(table["Metadata_ImageID"].astype(str), table[MARKS], strict=True):
        for channel, mark in read_marks(text).items():
            one, there = first.setdefault(mark, (image, channel))
            if one != image:
                found.setdefault((one, image), channel if channel == there else f"{there} and {channel}")
    return [(one, other, channel) for (one, other), channel in found.items()]


def constant_fields(images: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of the fields in which a channel is constant, by channel."""
    if UNUSABLE not in images:
        return {}
    named = images[UNUSABLE].map(unusable_channels)
    channels = sorted({name for names in named for name in names})
    return {channel: images[[channel in names for names in named]] for channel in channels}
