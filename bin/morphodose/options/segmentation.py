"""Parameters of the pipeline: segmentation."""

from __future__ import annotations

from morphodose.options.option import Group, Option

CELL_METHOD = Option(
    "cell_method",
    "text",
    "cellpose_completed",
    choices=("cellpose_completed", "cellpose", "propagate", "from_nuclei"),
    judged=True,
    help="cellpose_completed: Cellpose on the cell channel, then a cell grown in the stain for each "
    "nucleus without one; cellpose: Cellpose alone; propagate: every cell is grown from its nucleus "
    "in the stain; from_nuclei: nuclei grown by expand_px.",
)
CELL_MODEL = Option(
    "cell_model",
    "text",
    "morphodose",
    help="Cellpose model for cells: morphodose (shipped), cyto, cyto2, cyto3, nuclei, or a file; or "
    "cpsam_v2 or cpsam (Cellpose-SAM), then also for nuclei. All but the shipped one were trained in "
    "part on non-commercial data (CC-BY-NC).",
)
NUCLEAR_MODEL = Option(
    "nuclear_model",
    "text",
    "morphodose",
    help="Cellpose model for nuclei: morphodose (shipped), cyto, cyto2, cyto3, nuclei, or a file; or "
    "cpsam_v2 or cpsam, then the same as --cell_model.",
)
CELL_MODEL_SHA256 = Option(
    "cell_model_sha256",
    "text",
    None,
    pattern="[0-9a-fA-F]{64}",
    error="is not a SHA-256: 64 hexadecimal digits, as sha256sum prints them",
    help="SHA-256 that the file of --cell_model must have; the shipped model is always checked.",
)
NUCLEAR_MODEL_SHA256 = Option(
    "nuclear_model_sha256",
    "text",
    None,
    pattern="[0-9a-fA-F]{64}",
    error="is not a SHA-256: 64 hexadecimal digits, as sha256sum prints them",
    help="SHA-256 that the file of --nuclear_model must have; the shipped model is always checked.",
)
DIAMETER = Option(
    "diameter",
    "number",
    0,
    minimum=0,
    help="Diameter of a cell in px; 0: estimated once for the screen, on vehicle fields.",
)
NUCLEAR_DIAMETER = Option(
    "nuclear_diameter",
    "number",
    0,
    minimum=0,
    help="Diameter of a nucleus in px; 0: estimated once for the screen, on vehicle fields.",
)
EXPAND_PX = Option(
    "expand_px",
    "number",
    0,
    minimum=0,
    help="How far cells extend beyond their nucleus, in px, with from_nuclei or where there is no stain; "
    "0 or not given: half the nuclear diameter.",
)
MIN_AREA_PX = Option(
    "min_area_px",
    "integer",
    15,
    minimum=1,
    help="Objects smaller than this, in px², are not cells.",
)
SEGMENTATION_SHARD = Option(
    "segmentation_shard",
    "integer",
    12,
    minimum=1,
    help="Well-timepoints per segmentation task, which loads the weights once and takes whole tasks of "
    "--wells_per_task.",
)
USE_GPU = Option(
    "use_gpu",
    "flag",
    False,
    help="Use a GPU for each task of diameter estimation, segmentation, training, alignment, embedding and "
    "gallery; a task fails if it finds none.",
)

GROUP = Group(
    "segmentation",
    "Segmentation",
    (
        CELL_METHOD,
        CELL_MODEL,
        NUCLEAR_MODEL,
        CELL_MODEL_SHA256,
        NUCLEAR_MODEL_SHA256,
        DIAMETER,
        NUCLEAR_DIAMETER,
        EXPAND_PX,
        MIN_AREA_PX,
        SEGMENTATION_SHARD,
        USE_GPU,
    ),
)
