"""Parameters of the pipeline: measurement and analysis."""

from __future__ import annotations

from morphodose.options.option import Group, Option

FEATURES = Option(
    "features",
    "text",
    "standard",
    judged=True,
    help="Feature groups to measure, separated by commas: sizeshape, moments, zernike, neighbors, intensity, "
    "texture, granularity, radial, radial_zernike, correlation, costes; standard (all but moments and "
    "radial_zernike); or all.",
)
GATES = Option(
    "gates",
    "text",
    None,
    unset="",
    judged=True,
    help="Death gates set by hand, in counts: CHANNEL=COUNTS, or ACQUISITION:CHANNEL=COUNTS for one "
    "acquisition, separated by commas. All others come from the control wells.",
)
DEATH_QUANTITIES = Option(
    "death_quantities",
    "text",
    None,
    unset="",
    judged=True,
    help="What a death gate reads: CHANNEL=COMPARTMENT:QUANTITY, separated by commas; compartments are "
    "Cells, Nuclei, Cytoplasm; quantities are MeanIntensity, MedianIntensity, UpperQuartileIntensity,"
    " MaxIntensity, IntegratedIntensity. If not given: the mean over the cell (early marker) and over"
    " the nucleus (late marker).",
)
COMPENSATION = Option(
    "compensation",
    "text",
    None,
    unset="",
    judged=True,
    help="Linear compensation of the two death markers: estimate (from the control wells), or "
    "FROM>TO=SHARE, separated by commas, such as AnnexinV>PI=0.2.",
)
ENDPOINTS = Option(
    "endpoints",
    "text",
    None,
    unset="",
    judged=True,
    help="Additional endpoints: NAME=COLUMN or NAME=COLUMN/COLUMN, separated by commas; the value is the "
    "median over the cells of a well.",
)
GROUP_BY = Option(
    "group_by",
    "text",
    "auto",
    judged=True,
    help="Columns of the plate map that split the analysis (cell line, siRNA, a second drug at a fixed "
    "dose), separated by commas; auto: each additional column that varies within a compound and dose;"
    " none.",
)
RESPONSE_VALUES = Option(
    "response_values",
    "text",
    "relative",
    choices=("relative", "raw"),
    help="What is fitted: values relative to the vehicle of their own plate and replicate (relative), or "
    "as measured (raw).",
)
CORRECT_POSITIONS = Option(
    "correct_positions",
    "text",
    "none",
    judged=True,
    help="Correct values for the position of their well, estimated from the vehicle wells, before fitting: "
    "row, column, edge, or several, separated by commas; or none.",
)
FIGURES = Option(
    "figures",
    "text",
    "hits",
    choices=("hits", "all", "none"),
    help="Compounds whose curves are also saved as files in report/figures, one per endpoint: the most "
    "potent "
    "(hits), all, or none.",
)
EXPORT = Option(
    "export",
    "text",
    None,
    unset="",
    pattern="^((ome_zarr|load_data|gallery)(,(ome_zarr|load_data|gallery))*)?$",
    error="ome_zarr, load_data, gallery, or several, separated by commas",
    help="Images for other tools: ome_zarr (projected fields and masks as OME-Zarr plates, for napari, Fiji "
    "and web viewers), load_data (a table for CellProfiler), gallery (such tables and plate maps in the "
    "folders of the Cell Painting Gallery), or several, separated by commas.",
)

GROUP = Group(
    "analysis",
    "Measurement and analysis",
    (
        FEATURES,
        GATES,
        DEATH_QUANTITIES,
        COMPENSATION,
        ENDPOINTS,
        GROUP_BY,
        RESPONSE_VALUES,
        CORRECT_POSITIONS,
        FIGURES,
        EXPORT,
    ),
)
