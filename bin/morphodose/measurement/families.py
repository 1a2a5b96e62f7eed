"""The families of features: their names, and which columns each of them can give."""

from __future__ import annotations

from collections.abc import Collection

from morphodose.errors import ParameterError

#: The families of features there are, in the order of their columns.
FAMILIES = (
    "sizeshape",
    "moments",
    "zernike",
    "neighbors",
    "intensity",
    "texture",
    "granularity",
    "radial",
    "radial_zernike",
    "correlation",
    "costes",
)
#: Those of the pipelines of the Cell Painting protocol (Bray et al. 2016), and the default. CellProfiler
#: leaves the others out unless they are asked for.
STANDARD = tuple(name for name in FAMILIES if name not in ("moments", "radial_zernike"))
#: Names for several families.
SETS = {"standard": STANDARD, "all": FAMILIES}
DEFAULT = "standard"
COMPARTMENTS = ("Cells", "Nuclei", "Cytoplasm")
#: Second part of a column's name → families that give such columns, by the beginning of what follows.
GIVEN_BY = {
    "AreaShape": {
        "Zernike": "zernike",
        **dict.fromkeys(
            ("SpatialMoment", "CentralMoment", "NormalizedMoment", "HuMoment", "InertiaTensor"), "moments"
        ),
        "": "sizeshape",
    },
    "Neighbors": {"": "neighbors"},
    "Intensity": {"": "intensity"},
    "Location": {"": "intensity"},
    "Texture": {"": "texture"},
    "Granularity": {"": "granularity"},
    "RadialDistribution": {"Zernike": "radial_zernike", "": "radial"},
    "Correlation": {"Costes": "costes", "": "correlation"},
}
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
    if group not in GIVEN_BY:
        return f"{column} has none of {', '.join(GIVEN_BY)} after {compartment}"
    family = next(name for begin, name in GIVEN_BY[group].items() if feature.startswith(begin))
    if family not in families:
        return f"{column} needs {family} in --features"
    if group not in WITHOUT_CHANNEL and not any(f"_{name}_" in f"_{feature}_" for name in channels):
        return f"{column} names none of the channels {', '.join(channels)}"
    return ""
