"""Tables of the images: their planes, their flat fields, their quality."""

from __future__ import annotations

from morphodose.columns import Columns, Table
from morphodose.key_columns import OF_FIELD, keys

FOCUS = Table(
    "focus",
    "PROJECT_Z",
    "projected/<acquisition>/Well_<well>/focus.parquet",
    (
        *OF_FIELD,
        Columns("Channel", "text", "name of the channel"),
        Columns(
            "Projection",
            "text",
            "what was done: `max`, `mean`, `middle`, `plane:3`, `best_focus:4` (the z that was taken)",
        ),
        Columns("Z", "integer", "number of the plane"),
        Columns("Focus", "number", "figure of merit, no unit; comparable within one stack only"),
        Columns("Chosen", "flag", "this plane is part of the image"),
        Columns("Peak", "flag", "this plane is the sharpest"),
        Columns(
            "EdgeWarning",
            "flag",
            "the curve of this field and channel peaks at the end of the stack: true focus may lie outside",
        ),
        Columns(
            "MissingShare",
            "number",
            "share of the plane that was not recorded or not copied (0: none)",
        ),
        Columns(
            "MissingWhat",
            "text",
            'what that part holds instead ("is constant at 0 counts", "repeats the row before", …)',
        ),
        Columns("MissingAtEdge", "flag", "whether that part is a band along an edge"),
        Columns(
            "MissingFewLines",
            "flag",
            "whether it is a few rows or columns, such as a camera has that are dead",
        ),
    ),
)
ILLUMINATION = Table(
    "illumination",
    "ESTIMATE_ILLUMINATION",
    "illumination/<acquisition>_illumination.parquet",
    (
        *keys("Acquisition"),
        Columns("Channel", "text", "name of the channel"),
        Columns("Applied", "flag", "whether the flat field is used"),
        Columns("Reason", "text", "why it is, or is not"),
        Columns(
            "ShadingBefore ShadingAfter",
            "number",
            "coefficient of variation of the smoothed average of held-out images (of all images for a"
            " flat field that was given), without and with correction",
        ),
        Columns("Degree", "integer", "of the polynomial; 0 for none"),
        Columns("Dark", "number", "offset of the camera", "counts"),
        Columns("Lowest Highest", "number", "of the flat field, whose mean is 1"),
        Columns("Images ImagesHeldOut", "integer", "fields used, and those held out in each split"),
    ),
)
#: Figures of a channel, which the table of images has, too.
FIGURES = (
    Columns(
        "ImageQuality_PowerLogLogSlope_<Channel>",
        "number",
        "slope of the power spectrum; more negative is more blurred. Reported, not judged",
    ),
    Columns("ImageQuality_Focus_<Channel>", "number", "as in the table `focus`"),
    Columns(
        "ImageQuality_PercentSaturated_<Channel>",
        "number",
        "share of the pixels at the greatest count of the channel, if many more pixels have it than the"
        " counts below, or if it is the greatest that the file can hold; the same where noise or a flat"
        " field spreads that count; else 0",
        "%",
    ),
    Columns("ImageQuality_Background_<Channel>", "number", "5th percentile", "counts"),
    Columns(
        "ImageQuality_PercentBackground_<Channel>",
        "number",
        "`Background` as a share of the count at which the camera saturates; over 20 % in a stain is a flag",
        "%",
    ),
    Columns("ImageQuality_DynamicRange_<Channel>", "number", "99.9th percentile less the 5th", "counts"),
    Columns(
        "ImageQuality_Mean_<Channel> ImageQuality_Spread_<Channel>",
        "number",
        "mean and standard deviation",
        "counts",
    ),
    Columns(
        "ImageQuality_PixelNoise_<Channel> ImageQuality_Relief_<Channel>",
        "number",
        "noise of single pixels, and how far block means of 8 px are from a smooth surface at most: where"
        " both are 1.25 or less in images of more than 8 bits, nothing was recorded",
        "counts",
    ),
    Columns(
        "ImageQuality_Structure_<Channel>",
        "number",
        "how much more the image holds than noise and a smooth surface, over what chance gives; 1 or less:"
        " nothing but noise. For stains of which less than 1 % of the field stands out",
    ),
    Columns(
        "ImageQuality_ForegroundCoverage_<Channel>",
        "number",
        "share of the field that stands out from the background (this and the next four for stains only)",
        "%",
    ),
    Columns(
        "ImageQuality_SignalToNoise_<Channel>",
        "number",
        "contrast of foreground and background over the pixel noise",
    ),
    Columns("ImageQuality_EdgeWidth_<Channel>", "number", "width of the edges: the measure of defocus", "px"),
    Columns("ImageQuality_ObjectRadius_<Channel>", "number", "median radius of the objects", "px"),
    Columns("ImageQuality_LargestObject_<Channel>", "number", "share of the field", "%"),
)
VERDICTS = keys("QCVerdict QCReason QCUnusable QCMarks")
QUALITY = Table("quality", "QC_IMAGES", "", (*OF_FIELD, *VERDICTS, *FIGURES))
TABLES = (FOCUS, ILLUMINATION, QUALITY)
