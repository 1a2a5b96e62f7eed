"""``params.yml`` of a screen as it is understood."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from morphodose.design.instrument import is_plausible
from morphodose.design.start import Understood


def parameters_text(
    found: Understood,
    roles: Mapping[str, str],
    folder: str = ".",
    plate_map: str = "platemap.csv",
    plate_map_sheet: str = "",
) -> str:
    """``params.yml``: what is known, and in words what is not."""
    numbers = {number: f'"{number}"' if "," in number else number for number in found.channels}
    channels = ",".join(f"{numbers[number]}:{name}" for number, name in found.channels.items())
    lines = [
        "# Written by start_screen.py. Look through it, then: nextflow run main.nf -params-file params.yml",
        f"input: {_quoted(os.path.abspath(os.path.join(folder, 'samplesheet.csv')))}",
        f"plate_map: {_quoted(os.path.abspath(os.path.join(folder, plate_map)))}",
        *([f"plate_map_sheet: {_quoted(plate_map_sheet)}"] if plate_map_sheet else []),
        f"outdir: {_quoted(os.path.abspath(os.path.join(folder, 'results')))}",
        f"file_pattern: {_quoted(found.pattern)}",
        f"plate_format: {found.plate_format}",
        "# Channels as number:name. To rename one, change it here and in the roles; number:- leaves it out.",
        f"channels: {_quoted(channels)}",
        "",
        "# Roles: write the name of the channel that has it between the quotes; empty where there is none.",
    ]
    if not roles.get("cell"):
        lines += [
            "# WHICH CHANNEL FILLS THE CELLS? They are segmented in it, and nothing in the files says "
            "which it is.",
            f"# Write one of these between the quotes: {', '.join(found.names)}",
            *(
                []
                if roles.get("nuclear")
                else ["# Without one, name the nuclear channel and add: cell_method: from_nuclei"]
            ),
        ]
    lines.append(f"cell_channel: {_quoted(roles.get('cell', ''))}")
    if not roles.get("cell") and roles.get("nuclear"):
        lines += [
            "# Cells are grown around their nuclei. If you have named cell_channel, delete the next line.",
            "cell_method: from_nuclei",
        ]
    if not roles.get("nuclear"):
        lines += [
            "# WHICH CHANNEL SHOWS THE NUCLEI? Nothing in the files says it. Without one, none are measured.",
            f"# Write one of these between the quotes: {', '.join(found.names)}",
        ]
    for role in ("nuclear", "brightfield", "early_death", "late_death"):
        lines.append(f"{role}_channel: {_quoted(roles.get(role, ''))}")
    lines += [
        "",
        "# Networks are trained on a brightfield channel, which takes days without a GPU. To leave them out:",
        "# deep: false",
        "# or, with a GPU:",
        "# use_gpu: true",
        "",
    ]
    if found.pixel_um:
        if not is_plausible(found.pixel_um):
            lines.append("# THE METADATA SAY THIS SIZE, WHICH IS IMPLAUSIBLE: measure it and correct it.")
        lines.append(f"pixel_size_um: {found.pixel_um:g}")
    else:
        lines += [
            "# The files do not say how large a pixel is. With it, sizes are in um; without it, in pixels:",
            "# pixel_size_um: 0.65",
        ]
    if found.loose_planes:
        lines += [
            f"# EACH FILE HOLDS {found.loose_planes} PLANES. Nothing says what they are; they count as z.",
            "# If they are channels or times, run start_screen.py again with --stack_axis channel or time.",
        ]
    if found.loose_planes or found.stack_axis:
        lines.append(f"stack_axis: {found.stack_axis or 'z'}")
    if found.offset:
        lines.append(f"intensity_offset: {found.offset:g}")
    if found.unknown_hours:
        lines.append(
            "# The hours of the timepoints are not known: samplesheet.csv counts 0, 1, 2 …; correct them "
            "there."
        )
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text in YAML: JSON's double quotes."""
    return json.dumps(text, ensure_ascii=False)
