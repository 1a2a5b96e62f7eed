"""Tables that `check_design` writes."""

from __future__ import annotations

from morphodose.columns import Columns, Table
from morphodose.key_columns import OF_FIELD

PLANES = Table(
    "planes",
    "CHECK_DESIGN",
    "design/planes.parquet",
    (
        *OF_FIELD,
        Columns("Path", "text", "file, as given, absolute"),
        Columns(
            "Place",
            "text",
            "where in the file the plane lies, such as `page=3` or `series=0;c=1;z=2;t=0`; empty for the only"
            " plane of a file",
        ),
        Columns("Z", "integer", "number of the plane"),
        Columns("Channel", "text", "name of the channel"),
        Columns("Width Height", "integer", "size of the plane", "px"),
        Columns("Dtype", "text", "type of its pixels"),
        Columns("PixelSize", "number", "as the metadata of the file or of the instrument have it", "um"),
        Columns("PositionX PositionY", "number", "of the field, from the same", "um"),
        Columns("ImagedAfter", "number", "after the first image of the folder, from the same", "h"),
    ),
)
DESIGN_FAULTS = Table(
    "design_faults",
    "CHECK_DESIGN",
    "design/design_faults.parquet",
    (
        Columns(
            "Severity", "text", "`error`: the field was left out, with `--on_fault tolerant`; or `warning`"
        ),
        Columns("File", "text", "where it is"),
        Columns("Row", "integer", "of a table; the header is row 1"),
        Columns("Value", "text", "what stands there"),
        Columns("Message", "text", "what is wrong"),
        Columns("Fix", "text", "how to fix it"),
        Columns("Kind", "text", "short name of the fault"),
    ),
)
TABLES = (PLANES, DESIGN_FAULTS)
