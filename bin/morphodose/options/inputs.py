"""Parameters of the pipeline: input and output."""

from __future__ import annotations

from morphodose.options.option import Group, Option

INPUT = Option(
    "input",
    "file",
    None,
    pattern="(?s).*\\.(csv|tsv|txt)",
    error="is not a .csv, .tsv or .txt file; bin/make_samplesheet.py writes a samplesheet from a folder of "
    "acquisitions",
    exists=True,
    required=True,
    help="Samplesheet (CSV) with the columns plate,timepoint_h,replicate,images; one row per acquisition. "
    "bin/start_screen.py or bin/make_samplesheet.py writes it from a folder.",
)
PLATE_MAP = Option(
    "plate_map",
    "file",
    None,
    exists=True,
    help="Plate map (CSV, .xlsx, .ods) with the columns well,compound,dose,dose_unit,role[,plate], or "
    "grids in the shape of a plate. If not given: platemap.csv beside the samplesheet.",
)
PLATE_MAP_SHEET = Option(
    "plate_map_sheet",
    "text",
    "",
    judged=True,
    help="Sheet to read if the plate map is a workbook. If not given: the one that holds a plate map.",
)
OUTDIR = Option("outdir", "folder", None, required=True, help="Folder for the results.")
PUBLISH_DIR_MODE = Option(
    "publish_dir_mode",
    "text",
    "copy",
    choices=("copy", "copyNoFollow", "link", "rellink", "symlink"),
    help="How results get into the results folder.",
)

GROUP = Group(
    "input_output",
    "Input and output",
    (
        INPUT,
        PLATE_MAP,
        PLATE_MAP_SHEET,
        OUTDIR,
        PUBLISH_DIR_MODE,
    ),
)
