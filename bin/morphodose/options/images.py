"""Parameters of the pipeline: images and channels."""

from __future__ import annotations

from morphodose.options.option import Group, Option

FILE_PATTERN = Option(
    "file_pattern",
    "text",
    "auto",
    required=True,
    judged=True,
    help="How file names are read: auto (the preset that understands most of them), a preset (listed in "
    "docs/usage.md), or a regular expression with the named groups well (or row and col), field, z, "
    "channel.",
)
STACK_AXIS = Option(
    "stack_axis",
    "text",
    "",
    choices=("", "z", "channel", "time"),
    judged=True,
    help="What the planes of a file are (z, channel or time), if neither its name nor its metadata says so.",
)
INTENSITY_OFFSET = Option(
    "intensity_offset",
    "number",
    0,
    judged=True,
    help="Counts that the instrument adds to every pixel; subtracted before anything else. 32768 for "
    "scan^R, -32768 for signed 16 bits.",
)
CHANNELS = Option(
    "channels",
    "text",
    "1:Brightfield,2:Hoechst,3:CellMask,4:AnnexinV,5:PI",
    required=True,
    judged=True,
    help="Names of the channels, as number:name pairs such as 1:Brightfield,2:Hoechst; number:- leaves a "
    "channel out.",
)
CELL_CHANNEL = Option(
    "cell_channel",
    "text",
    "CellMask",
    unset="",
    judged=True,
    help="Channel of the stain that fills the cell; cells are segmented in it.",
)
NUCLEAR_CHANNEL = Option(
    "nuclear_channel", "text", "Hoechst", unset="", judged=True, help="Channel of the nuclear stain."
)
BRIGHTFIELD_CHANNEL = Option(
    "brightfield_channel",
    "text",
    "Brightfield",
    unset="",
    judged=True,
    help="Brightfield channel; its best-focused plane is used.",
)
EARLY_DEATH_CHANNEL = Option(
    "early_death_channel",
    "text",
    "AnnexinV",
    unset="",
    judged=True,
    help="Channel of the early death marker (Annexin V).",
)
LATE_DEATH_CHANNEL = Option(
    "late_death_channel",
    "text",
    "PI",
    unset="",
    judged=True,
    help="Channel of the late death marker (propidium iodide).",
)
PLATE_FORMAT = Option(
    "plate_format",
    "integer",
    96,
    choices=(6, 12, 24, 48, 96, 384, 1536),
    judged=True,
    help="Number of wells on a plate.",
)
PIXEL_SIZE_UM = Option(
    "pixel_size_um",
    "number",
    None,
    above=0,
    judged=True,
    help="Edge of a pixel in µm. If not given: that in the metadata; without either, sizes are in px.",
)
ON_FAULT = Option(
    "on_fault",
    "text",
    "strict",
    choices=("strict", "tolerant"),
    judged=True,
    help="What to do about faulty images: stop (strict), or leave out and list the fields they belong to "
    "(tolerant).",
)

GROUP = Group(
    "images",
    "Images and channels",
    (
        FILE_PATTERN,
        STACK_AXIS,
        INTENSITY_OFFSET,
        CHANNELS,
        CELL_CHANNEL,
        NUCLEAR_CHANNEL,
        BRIGHTFIELD_CHANNEL,
        EARLY_DEATH_CHANNEL,
        LATE_DEATH_CHANNEL,
        PLATE_FORMAT,
        PIXEL_SIZE_UM,
        ON_FAULT,
    ),
)
