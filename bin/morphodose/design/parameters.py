"""Parameters of later steps, judged by the same code as these steps use, before the first of them starts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from morphodose.death.options import option_faults
from morphodose.deep.recipe import head_faults
from morphodose.design.channels import ROLE_OPTIONS, Channels
from morphodose.design.faults import Faults
from morphodose.design.learnable import LabelledWell, why_not_learnable
from morphodose.design.planes import Plane
from morphodose.errors import InputError, ParameterError
from morphodose.evaluation.labels import Content
from morphodose.evaluation.learning_plan import FieldCrops, parse_exclude, plan
from morphodose.evaluation.splits import Unit
from morphodose.imaging.projection_methods import methods_of, plane_faults, projection_faults
from morphodose.measurement.families import DEFAULT, FAMILIES, family_faults, parse_families, why_not_measured
from morphodose.profiles.endpoints import read_endpoints
from morphodose.responses.correction import parse_terms

#: Method of segmentation → the roles whose channels it segments (`morphodose.segmentation.well.NEEDED`,
#: which is not imported: it needs packages that the check does not have).
SEGMENTED = {
    "cellpose_completed": ("cell",),
    "cellpose": ("cell",),
    "propagate": ("cell", "nuclear"),
    "from_nuclei": ("nuclear",),
}


@dataclass(frozen=True)
class Analysis:
    """What the user chose for later steps; empty texts are the defaults of these steps.

    Attributes
    ----------
    projection, features, endpoints, cell_method, gates, death_quantities, compensation, group_by : str
        As given.
    correct_positions, exclude_crops, illumination, flat_fields, dark_images : str
        As given.
    deep : bool
        Whether a network is wanted, and there is a channel to show it.
    split, head : str
        What is held out, and how the labels are learned.
    folds : int
        0: as many as fit.
    """

    projection: str = ""
    features: str = ""
    endpoints: str = ""
    cell_method: str = ""
    gates: str = ""
    death_quantities: str = ""
    compensation: str = ""
    group_by: str = ""
    correct_positions: str = ""
    exclude_crops: str = ""
    illumination: str = ""
    flat_fields: str = ""
    dark_images: str = ""
    deep: bool = False
    split: str = "auto"
    folds: int = 0
    head: str = "multilabel"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Analysis:
        """Those of the parameters of a run, by name."""
        same = {field.name for field in fields(cls)} - {"deep", "folds"}
        return cls(
            **{name: options[name] for name in same if options[name] is not None},
            deep=options["deep"] and bool(options["crop_channels"] or options["brightfield_channel"]),
            folds=options["split_folds"] or 0,
        )


def check_analysis(
    chosen: Analysis,
    channels: Channels,
    roles: Mapping[str, str | None],
    planes: Iterable[Plane],
    faults: Faults,
) -> None:
    """Judge what needs no more than the channels and the planes there are.

    `roles` are those that were given, misspelt ones too, so that one mistake is one fault.
    """
    named = {role: name for role, name in roles.items() if name}
    found = [
        *_segmentation(chosen.cell_method, named),
        *_projection(chosen.projection, channels, named.get("brightfield"), planes),
    ]
    features = chosen.features or DEFAULT
    wrong = family_faults(features)
    found += wrong
    families = FAMILIES if wrong else parse_families(features)
    found += _death(chosen.features, families, named)
    markers = [named[role] for role in ("early_death", "late_death") if role in named]
    found += option_faults(chosen.gates, chosen.death_quantities, chosen.compensation, markers)
    found += _illumination(chosen)
    found += _refused(parse_terms, chosen.correct_positions)
    found += _refused(parse_exclude, chosen.exclude_crops)
    found += _endpoints(chosen.endpoints, channels, "nuclear" in named, families)
    _add(found, faults)


def _add(found: Iterable[ParameterError], faults: Faults) -> None:
    for fault in found:
        faults.add("parameter", fault.option, fault.message, fault.fix, value=fault.value)


def _segmentation(method: str, roles: Mapping[str, str]) -> list[ParameterError]:
    return [
        ParameterError(
            "--cell_method",
            method,
            f"segments the {role} channel, and none is named",
            f"name it with {ROLE_OPTIONS[role]}"
            + (", or use --cell_method from_nuclei" if role == "cell" and "nuclear" in roles else ""),
        )
        for role in SEGMENTED.get(method, ())
        if role not in roles
    ]


def _projection(
    text: str, channels: Channels, brightfield: str | None, planes: Iterable[Plane]
) -> list[ParameterError]:
    names = list(channels.names.values())
    if not names:
        return []  # the fault is in --channels
    heights: dict[str, set[int]] = defaultdict(set)
    for plane in planes:
        heights[channels.names[plane.channel]].add(plane.z)
    return [
        *projection_faults(text, names),
        *plane_faults(methods_of(text, names, brightfield), heights),
    ]


def _illumination(chosen: Analysis) -> list[ParameterError]:
    """Files that nothing would read: a user who gives them believes that they are used."""
    unread = {"--flat_fields": chosen.flat_fields, "--dark_images": chosen.dark_images}
    message, fix = "nothing uses it without --illumination", "give --illumination estimate or given, too"
    return [
        ParameterError(option, folder, message, fix)
        for option, folder in unread.items()
        if folder and chosen.illumination == "none"
    ]


def _refused(read: Callable[[str], object], text: str) -> list[ParameterError]:
    """What the reader of a parameter finds wrong."""
    try:
        read(text)
    except ParameterError as fault:
        return [fault]
    return []


def _death(features: str, families: Sequence[str], roles: Mapping[str, str]) -> list[ParameterError]:
    marked = [ROLE_OPTIONS[role] for role in ("early_death", "late_death") if role in roles]
    if not marked or "intensity" in families:
        return []
    message = f"lacks intensity, which the death states of {' and '.join(marked)} need"
    return [ParameterError("--features", features, message, "add it, or name no death marker")]


def _endpoints(
    text: str, channels: Channels, has_nuclei: bool, families: Sequence[str]
) -> list[ParameterError]:
    endpoints, found = read_endpoints(text)
    names = list(channels.names.values())
    for endpoint in endpoints if names else ():
        for column in endpoint.columns:
            if why := why_not_measured(column, names, has_nuclei, families):
                fix = "name a column as docs/output.md lists them"
                found.append(ParameterError("--endpoints", endpoint.name, why, fix))
    return found


def check_learning(
    chosen: Analysis,
    wells: Iterable[LabelledWell],
    faults: Faults,
    groups: Mapping[tuple[str, str], str] | None = None,
) -> str:
    """Judge how the network is to learn; why none can learn is not a fault, and is returned.

    Parameters
    ----------
    chosen : Analysis
        What the user chose.
    wells : iterable
        As in `morphodose.design.learnable.why_not_learnable`.
    faults : Faults
        Takes what cannot be done with these wells.
    groups : mapping, optional
        (plate, well) → its group, which has classes of its own.
    """
    wells, groups = sorted(wells), groups or {}
    why = why_not_learnable(wells)
    if why or not chosen.deep:
        return why
    # a field stands for those of its well, and a crop for its cells: how many there are changes nothing
    fields = [
        FieldCrops(
            "",
            Unit(plate, replicate, well),
            hours,
            1,
            Content(compound, dose, "", role, groups.get((plate, well), "")),
            "keep",
            1,
            0,
        )
        for plate, replicate, hours, well, role, compound, dose in wells
    ]
    try:
        learned = plan(fields, ("dose", "time"), (), chosen.split, chosen.folds)
    except ParameterError as fault:
        _add([fault], faults)
        return ""
    except InputError as fault:
        return str(fault)
    _add(head_faults(chosen.head, {name: learned.classes[name].ordinal for name in learned.trained}), faults)
    return ""
