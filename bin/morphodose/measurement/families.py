"""The families of features: their names, and which columns each of them can give."""

from __future__ import annotations

from collections.abc import Collection

from morphodose.columns import OWN, Columns, Table
from morphodose.errors import ParameterError


def _shape(names: str) -> str:
    """Columns of outlines by the names of their features."""
    return " ".join(f"<Compartment>_AreaShape_{name}" for name in names.split())


#: Family → its columns, in the order of the families in a table.
COLUMNS: dict[str, tuple[Columns, ...]] = {
    "sizeshape": (
        Columns(
            _shape("Area BoundingBoxArea ConvexArea FilledArea"),
            "number",
            "`sizeshape`, 27 columns per compartment: areas, µm² or px²",
            OWN,
        ),
        Columns(
            _shape(
                "EquivalentDiameter Perimeter PerimeterCrofton MajorAxisLength MinorAxisLength MaximumRadius"
                " MeanRadius MedianRadius MinFeretDiameter MaxFeretDiameter"
            ),
            "number",
            "perimeters, axes, radii, Feret diameters, µm or px",
            OWN,
        ),
        Columns(_shape("Orientation"), "number", "of the longer axis", "deg"),
        Columns(
            _shape("Center_<axis> BoundingBoxMinimum_<axis> BoundingBoxMaximum_<axis>"),
            "number",
            "positions in the field",
            "px",
        ),
        Columns(
            _shape("Eccentricity FormFactor Extent Solidity Compactness EulerNumber"),
            "number",
            "ratios and the number of holes",
        ),
    ),
    "moments": (
        Columns(
            _shape(
                "SpatialMoment_<n>_<n> CentralMoment_<n>_<n> NormalizedMoment_<n>_<n> HuMoment_<n>"
                " InertiaTensor_<n>_<n> InertiaTensorEigenvalues_<n>"
            ),
            "number",
            "`moments`, 53 per compartment, not by default: sums of yᵖxᑫ, p to 2 and q to 3"
            " (`NormalizedMoment` both to 3), in powers of px. `SpatialMoment` in the bounding box,"
            " `CentralMoment` about the centroid, `NormalizedMoment` also free of size (null for p + q < 2),"
            " `HuMoment` also free of rotation; `InertiaTensor` and its eigenvalues",
        ),
    ),
    "zernike": (
        Columns(
            _shape("Zernike_<n>_<n>"),
            "number",
            "`zernike`, 30 per compartment: Zernike moments of the shape to degree 9",
        ),
    ),
    "neighbors": (
        Columns(
            "Cells_Neighbors_<Feature>_Adjacent Cells_Neighbors_<Feature>_<n>",
            "number",
            "`neighbors`, 9, of cells only. `Adjacent`: touching; `10`: within 10 px. Number of neighbours,"
            " `PercentTouching` %, closest distances µm or px, `…ObjectNumber`: label of the neighbour (0:"
            " none), angle deg",
            OWN,
        ),
    ),
    "intensity": (
        Columns(
            "<Compartment>_Intensity_<Feature>_<Channel>",
            "number",
            "`intensity`, 15 per compartment and channel, such as `Nuclei_Intensity_MeanIntensity_PI`:"
            " counts; `…Edge`: on the outline; `MassDisplacement` µm or px",
            OWN,
        ),
        Columns(
            "<Compartment>_Location_<Feature>_<axis>_<Channel>",
            "number",
            "`intensity`, 4 per compartment and channel: centre of mass, and the brightest pixel",
            "px",
        ),
    ),
    "texture": (
        Columns(
            "<Compartment>_Texture_<Feature>_<Channel>_<n>_<n>_<n>",
            "number",
            "`texture`, 52 per compartment and channel, such as `Cells_Texture_Contrast_PI_3_00_256`: 13"
            " Haralick features; then channel, distance 3 px, direction 00 to 03, grey levels",
        ),
    ),
    "granularity": (
        Columns(
            "<Compartment>_Granularity_<n>_<Channel>",
            "number",
            "`granularity`, 16 per compartment and channel: share of the stain lost at step 1 … 16, which"
            " removes structures of a radius of 4, 8 … 64 px",
            "%",
        ),
    ),
    "radial": (
        Columns(
            " ".join(
                f"<Compartment>_RadialDistribution_{name}_<Channel>_<n>of<n>"
                for name in ("FracAtD", "MeanFrac", "RadialCV")
            ),
            "number",
            "`radial`, 12 per compartment and channel: ring 1 (centre) to 4 (edge): `FracAtD`, share of the"
            " stain; `MeanFrac`, that over the ring's share of the area; `RadialCV`, variation around the"
            " ring",
        ),
    ),
    "radial_zernike": (
        Columns(
            "<Compartment>_RadialDistribution_ZernikeMagnitude_<Channel>_<n>_<n>"
            " <Compartment>_RadialDistribution_ZernikePhase_<Channel>_<n>_<n>",
            "number",
            "`radial_zernike`, 60 per compartment and channel, not by default: Zernike moments of the stain"
            " to degree 9, per pixel: `ZernikeMagnitude` in counts, `ZernikePhase` in rad (of real over"
            " imaginary part, CellProfiler's convention; without meaning where the magnitude is 0)",
        ),
    ),
    "correlation": (
        Columns(
            " ".join(
                f"<Compartment>_Correlation_{name}_<Channel>_<Channel>"
                for name in ("Correlation", "Slope", "Overlap", "K", "Manders", "RWC")
            ),
            "number",
            "`correlation`, 9 per compartment and pair of channels: `Correlation` (Pearson), `Slope`,"
            " `Overlap`; `K`, `Manders`, `RWC` in both directions",
        ),
    ),
    "costes": (
        Columns(
            "<Compartment>_Correlation_Costes_<Channel>_<Channel>",
            "number",
            "`costes`, 2 per compartment and pair of channels: of the first stain above its threshold, the"
            " share where the second is above its own; thresholds by Costes' method; null where there are"
            " none",
        ),
    ),
}
#: The families of features there are, in the order of their columns.
FAMILIES = tuple(COLUMNS)
#: Those of the pipelines of the Cell Painting protocol (Bray et al. 2016), and the default. CellProfiler
#: leaves the others out unless they are asked for.
STANDARD = tuple(name for name in FAMILIES if name not in ("moments", "radial_zernike"))
#: Names for several families.
SETS = {"standard": STANDARD, "all": FAMILIES}
DEFAULT = "standard"
COMPARTMENTS = ("Cells", "Nuclei", "Cytoplasm")
_OF_FAMILY = {name: Table(name, "", "", of) for name, of in COLUMNS.items()}
#: Second parts of the columns' names.
GROUPS = tuple(
    dict.fromkeys(name.split("_")[1] for of in COLUMNS.values() for each in of for name in each.each)
)
#: Those that need no channel.
WITHOUT_CHANNEL = ("AreaShape", "Neighbors")


def family_faults(text: str) -> list[ParameterError]:
    """What is wrong in a comma-separated list of families and sets of them."""
    named = _named(text)
    known = (*FAMILIES, *SETS)
    fix = f"choose from {', '.join(FAMILIES)}; or {' or '.join(SETS)}"
    if not named:
        return [ParameterError("--features", text, "is empty", fix)]
    wrong = [name for name in named if name not in known]
    return [ParameterError("--features", name, f"is not one of {', '.join(known)}", fix) for name in wrong]


def parse_families(text: str) -> tuple[str, ...]:
    """Families of features from a comma-separated list of families and `SETS`, in the order of `FAMILIES`."""
    for fault in family_faults(text):
        raise fault
    wanted = {family for name in _named(text) for family in SETS.get(name, (name,))}
    return tuple(name for name in FAMILIES if name in wanted)


def _named(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def why_not_measured(
    column: str, channels: Collection[str], has_nuclei: bool, families: Collection[str] = FAMILIES
) -> str:
    """Why no cell can have this column, as far as its name tells; empty where one may.

    Parameters
    ----------
    column : str
        ``<Compartment>_<Group>_<Feature>…``.
    channels : collection of str
        All channels of the screen.
    has_nuclei : bool
        Whether the screen has a nuclear channel: without one only cells are measured.
    families : collection of str
        Families that are measured.
    """
    compartment, _, rest = column.partition("_")
    group, _, feature = rest.partition("_")
    if compartment not in COMPARTMENTS:
        return f"{column} begins with none of {', '.join(COMPARTMENTS)}"
    if compartment != "Cells" and not has_nuclei:
        return f"{column} needs a nuclear channel, and none is named"
    if group not in GROUPS:
        return f"{column} has none of {', '.join(GROUPS)} after {compartment}"
    family = next((name for name, of in _OF_FAMILY.items() if of.declared(column)), None)
    if family is None:
        return f"{column} is not one of the features of {group} (docs/output.md lists them)"
    if family not in families:
        return f"{column} needs {family} in --features"
    if group not in WITHOUT_CHANNEL and not any(f"_{name}_" in f"_{feature}_" for name in channels):
        return f"{column} names none of the channels {', '.join(channels)}"
    return ""
