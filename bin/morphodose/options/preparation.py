"""Parameters of the pipeline: projection, quality and illumination."""

from __future__ import annotations

from morphodose.options.option import Group, Option

PROJECTION = Option(
    "projection",
    "text",
    "default=max",
    judged=True,
    help="How z-planes become one image: default=METHOD[,CHANNEL=METHOD…], where METHOD is max, mean, "
    "middle, best_focus or plane:N. Brightfield uses best_focus unless it is named.",
)
ILLUMINATION = Option(
    "illumination",
    "text",
    "none",
    choices=("none", "estimate", "given"),
    judged=True,
    help="Flat-field correction. none; estimate: one per acquisition and channel, kept if it helps on "
    "held-out images (a file in --flat_fields is used instead); given: only the files in "
    "--flat_fields.",
)
FLAT_FIELDS = Option(
    "flat_fields",
    "folder",
    None,
    exists=True,
    judged=True,
    help="With --illumination: folder of your own flat fields, <channel>.tif or "
    "<acquisition>_<channel>.tif, with the same shape as the images.",
)
DARK_IMAGES = Option(
    "dark_images",
    "folder",
    None,
    exists=True,
    judged=True,
    help="With --illumination: folder of images taken without light, named as in --flat_fields. If not "
    "given, the darkest pixels give the camera's offset.",
)

GROUP = Group(
    "preparation",
    "Projection, quality and illumination",
    (
        PROJECTION,
        ILLUMINATION,
        FLAT_FIELDS,
        DARK_IMAGES,
    ),
)
