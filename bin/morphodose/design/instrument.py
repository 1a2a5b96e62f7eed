"""Planes with what the instrument's metadata say of them, and parameters that contradict it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from morphodose.design.expand import Found
from morphodose.design.faults import Faults, listing
from morphodose.design.filenames import TIFF_EXTENSIONS
from morphodose.names import PLATE_FORMATS
from morphodose.reading.said import Channel, Sidecar
from morphodose.reading.sidecars import find_sidecars
from morphodose.reading.tiff_text import channel_of_tiff

#: Sizes of a pixel that differ by less, relative to the smaller, are one.
SAME_SIZE = 0.01
#: Edges of pixels, in µm, of images in which single cells can be told: 150-fold, not binned, to 2-fold.
PLAUSIBLE_UM = (0.02, 5.0)


@dataclass
class Said:
    """What the metadata of a screen say.

    Attributes
    ----------
    sidecars : list of Sidecar
        The files that were read.
    called : dict
        Number of a channel → what metadata call it.
    filters : dict
        Number of a channel → how the names of its images say that it is lit and filtered.
    sizes : dict
        Number of a channel → edge of a pixel in µm → where it was seen.
    numbered : bool
        Names of files count the wells.
    """

    sidecars: list[Sidecar] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)
    filters: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    sizes: dict[str, dict[float, str]] = field(default_factory=lambda: defaultdict(dict))
    numbered: bool = False

    @property
    def names(self) -> dict[str, str]:
        """Number of a channel → what metadata call it, else its filter where all its images say the same.

        Of channels that share a filter, the light is part of the name; those that share both have none.
        """
        pairs = {number: next(iter(found)) for number, found in self.filters.items() if len(found) == 1}
        shared = Counter(filtered for _, filtered in pairs.values())
        by_filter = {
            number: filtered if shared[filtered] == 1 else " - ".join(filter(None, pair))
            for number, pair in pairs.items()
            if (filtered := pair[1]) and Counter(pairs.values())[pair] == 1
        }
        return by_filter | self.called

    @property
    def plate_format(self) -> int | None:
        """Wells of the plate, where all sidecars that know it agree and such a plate exists."""
        found = {one.plate_format for one in self.sidecars if one.plate_format}
        return next(iter(found)) if len(found) == 1 and found <= set(PLATE_FORMATS) else None

    @property
    def pixel_um(self) -> float | None:
        """Edge of a pixel, where one holds for the screen: of channels that differ, that of the finest.

        A channel taken with another binning is brought to the size of the others.
        """
        if not self.sizes or any(_differ(sizes) for sizes in self.sizes.values()):
            return None
        return min(size for sizes in self.sizes.values() for size in sizes)

    def add(self, found: Iterable[Found], where: str) -> None:
        """Take in what is said of some planes."""
        for one in found:
            if one.called:
                self.called.setdefault(one.name.channel, one.called)
            if one.name.filters:
                self.filters[one.name.channel].add(one.name.filters)
            if one.pixel_um:
                self.sizes[one.name.channel].setdefault(round(one.pixel_um, 6), where)
            self.numbered |= one.name.well[:1] in "Ww0123456789" and one.name.well[1:].isdecimal()


def _differ(sizes: Iterable[float]) -> bool:
    ordered = sorted(sizes)
    return bool(ordered) and ordered[-1] > ordered[0] * (1 + SAME_SIZE)


def with_metadata(
    root: str, files: Iterable[str], found: Sequence[Found], faults: Faults
) -> tuple[list[Found], list[Sidecar]]:
    """Planes of one folder with what sidecars and one TIFF of each channel say of them.

    Parameters
    ----------
    root : str
        The folder.
    files : iterable of str
        Its files that are not images.
    found : sequence of Found
        Its planes.
    faults : Faults
        Takes warnings of sidecars that cannot be read.
    """
    names = {one.source: one.source.replace("\\", "/").rpartition("/")[2] for one in found}
    beside = find_sidecars(root, files, set(names.values()))
    for path, why in beside.unread:
        faults.warn(
            "metadata",
            path,
            f"metadata of the instrument that are not read: the file {why}",
            "copy it from the instrument again; without it, names of channels and sizes are what you give",
        )
    of_tiff: dict[str, Channel | None] = {}
    result = []
    for one in found:
        name = names[one.source]
        said = [s for sidecar in beside.found if (s := sidecar.channel(one.name.channel, name))]
        if one.series is not None and len(one.series.parts) == 1 and _silent(said):
            if one.name.channel not in of_tiff and one.source.lower().endswith(TIFF_EXTENSIONS):
                of_tiff[one.name.channel] = channel_of_tiff(one.source)
            own = of_tiff.get(one.name.channel)
            said += [own] if own else []
        image = next((sidecar.images[name] for sidecar in beside.found if name in sidecar.images), None)
        result.append(replace(one, said=_joined(said), image=image) if said or image else one)
    return result, beside.found


def _silent(said: Sequence[Channel]) -> bool:
    """Whether a name or a size is still missing."""
    return not any(one.name for one in said) or not any(one.pixel_um for one in said)


def _joined(said: Sequence[Channel]) -> Channel | None:
    """The first that is said of each thing."""
    if len(said) < 2:
        return said[0] if said else None
    return Channel(
        next((one.name for one in said if one.name), ""),
        next((one.pixel_um for one in said if one.pixel_um), None),
        next((one.excitation_nm for one in said if one.excitation_nm), None),
        next((one.emission_nm for one in said if one.emission_nm), None),
    )


def doubt_size(size: float, place: str, fix: str, faults: Faults) -> None:
    """Warn of a pixel that is smaller or larger than those of images of cells (`PLAUSIBLE_UM`).

    Parameters
    ----------
    size : float
        Edge of a pixel in µm.
    place : str
        Who says it: ``images`` for their metadata, or a parameter.
    fix : str
        What to do about it.
    faults : Faults
        Takes the warning.
    """
    if not is_plausible(size):
        by = " by the metadata" if place == "images" else ""
        range_ = "images of single cells have {:g} to {:g} um".format(*PLAUSIBLE_UM)
        faults.warn("pixel_size", place, f"a pixel of {size:g} um{by} is implausible: {range_}", fix)


def is_plausible(size: float) -> bool:
    """Whether images of cells have pixels of this edge, in µm."""
    low, high = PLAUSIBLE_UM
    return low <= size <= high


def check_said(
    said: Said, channels: Mapping[str, str], plate_format: int, pixel_size_um: float | None, faults: Faults
) -> None:
    """Parameters and acquisitions that the metadata contradict.

    Parameters
    ----------
    said : Said
        What the metadata say.
    channels : mapping
        Number of a channel in the names of files → its name by ``--channels``.
    plate_format : int
        ``--plate_format``.
    pixel_size_um : float or None
        ``--pixel_size_um``.
    faults : Faults
        Takes what is wrong.
    """
    _check_names(said.names, channels, faults)
    known = said.plate_format
    if known and known != plate_format:
        message = f"the metadata of the instrument ({_source(said)}) say that the plate has {known} wells"
        fix = f"--plate_format {known}"
        if said.numbered:
            message += ", and the names of the images count its wells row by row"
            faults.add("plate_format", "--plate_format", message, fix, value=plate_format)
        else:
            faults.warn("plate_format", "--plate_format", message, fix, value=plate_format)
    for channel, sizes in said.sizes.items():
        if _differ(sizes):
            each = listing(f"{size:g} um in {where}" for size, where in sorted(sizes.items()))
            name = channels.get(channel, channel)
            faults.warn(
                "pixel_sizes",
                "images",
                f"pixels of channel {name} have several sizes by the metadata: {each}",
                "analyse acquisitions of different magnification as separate screens: areas and textures in "
                "pixels are not comparable",
            )
            return
    size = said.pixel_um
    fix = "give the edge of a pixel in um, magnification and binning included"
    if pixel_size_um:
        doubt_size(pixel_size_um, "--pixel_size_um", fix, faults)
    elif size:
        doubt_size(size, "images", f"{fix}: --pixel_size_um", faults)
    if size and pixel_size_um and _differ((size, pixel_size_um)):
        faults.warn(
            "pixel_size",
            "--pixel_size_um",
            f"the metadata of the images say {size:g} um",
            f"--pixel_size_um {size:g}, unless you have measured it yourself",
            value=f"{pixel_size_um:g}",
        )


def _source(said: Said) -> str:
    return next(one.path for one in said.sidecars if one.plate_format).rpartition("/")[2]


def _check_names(said: Mapping[str, str], channels: Mapping[str, str], faults: Faults) -> None:
    """A channel that is given the name by which the metadata call another one."""
    keys = {_key(name): number for number, name in said.items()}
    if len(keys) < len(said):
        return  # names that two channels share tell nothing
    for number, name in channels.items():
        other = keys.get(_key(name))
        if other is not None and other != number and other in channels and number in said:
            faults.warn(
                "channel_names",
                "--channels",
                f"by the metadata, channel {number} is '{said[number]}', and '{name}' is channel {other}",
                "swap the names, unless the metadata are wrong",
                value=f"{number}:{name}",
            )


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
