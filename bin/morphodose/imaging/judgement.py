"""Is a field technically sound: the verdict on its figures of quality, and the reason.

``drop`` is for clear faults of the instrument or the files alone: a field that is empty because a compound
has killed its cells is a result, and is only flagged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from morphodose.imaging.broken import Missing
from morphodose.imaging.focus import OUT_OF_FOCUS
from morphodose.imaging.quality import is_stain

#: Greatest count of images of 8 bits.
EIGHT_BITS = 255
#: Noise (counts) that shows what is less than a count: it lies on both sides of the steps of the digitiser.
DITHER = 0.3
#: Planes that a reason lists.
MOST_PLANES = 3
#: In the reason of a field with a stain in which cells do not show, and which may be so by nature.
SHOWS_NOTHING = "shows no trace of the cells"
#: What single lines are.
DEAD_LINES = "(dead lines of a camera, or lost packets)"
#: Structure of a stain from which its cells show, whatever a threshold makes of them: 4 in real images.
FAINT = 3.0
#: Coverage (%) from which a stain shows cells in numbers.
CELLS_SHOWN = 2.0
#: Background (standard deviations of the noise) below which noise is cut off at 0.
CUT_OFF = 2.0


@dataclass(frozen=True)
class QualityThresholds:
    """Where a figure becomes a flag, and where a fault.

    Attributes
    ----------
    edge_flag, edge_drop : float
        Width of nuclear edges, as a share of the cell diameter.
    edge_relative_flag : float
        The same as a share of the nuclear radius, where the cell diameter is not known (a flag only:
        blur enlarges the radius, too).
    edge_cell_flag : float
        Width of the edges of another stain as a share of the cell diameter, where no channel is nuclear (a
        flag only: a cell thins out towards its edge, and how far is its own).
    saturated_flag, saturated_drop : float
        Per cent of pixels at the ceiling.
    coverage_flag : float
        Per cent of the field; with less nuclear or cell stain it counts as empty.
    debris_flag : float
        Per cent of the field that one object of the nuclear stain may cover.
    background_flag : float
        Per cent of the camera's range that the background of a stain may take.
    blank_counts : float
        Noise and relief up to which nothing was recorded, in counts of images of more than 8 bits; 0: only in
        constant images.
    missing_drop, missing_band_drop : float
        Per cent of an image that may be missing, in its middle and in a band along an edge. Such bands come
        from the alignment of channels, too.
    """

    edge_flag: float = 0.13
    edge_drop: float = 0.18
    edge_relative_flag: float = 0.75
    edge_cell_flag: float = 0.18
    saturated_flag: float = 0.5
    saturated_drop: float = 10.0
    coverage_flag: float = 0.05
    debris_flag: float = 10.0
    background_flag: float = 20.0
    blank_counts: float = 1.25
    missing_drop: float = 0.3
    missing_band_drop: float = 3.0


@dataclass(frozen=True)
class FieldVerdict:
    """``keep``, ``flag`` or ``drop``, and why in plain words (empty for ``keep``).

    ``unusable`` names the channels that say nothing in this field; the field may be kept for the others.
    """

    verdict: str
    reason: str
    unusable: tuple[str, ...] = ()


@dataclass(frozen=True)
class MissingPlane:
    """A plane of which a part is missing: channel, z (None: the projected image), whether it is used."""

    channel: str
    z: int | None
    part: Missing
    used: bool = True

    @property
    def words(self) -> str:
        """The finding, for a reason."""
        where = self.channel if self.z is None else f"{self.channel}, plane z={self.z}"
        unused = "" if self.used else " (this plane is not used)"
        return f"{where}: {self.part.words}: it was not recorded or not copied{unused}"


def judge_field(
    figures: Mapping[str, Mapping[str, float]],
    nuclear: str | None = None,
    cell: str | None = None,
    diameter: float = 0.0,
    thresholds: QualityThresholds | None = None,
    missing: Sequence[MissingPlane] = (),
) -> FieldVerdict:
    """Verdict on one field.

    Parameters
    ----------
    figures : mapping
        Channel → its figures (`field_figures`).
    nuclear, cell : str, optional
        The channels that are segmented; faults of other channels are flags at most.
    diameter : float
        Diameter of a cell in px, 0 where it is not known; defocus is a fault only where it is.
    thresholds : QualityThresholds, optional
        Where a figure becomes a flag or a fault.
    missing : sequence of MissingPlane
        Planes, or projected images, of which a part was never recorded. That is a fault in any channel: its
        file is damaged, and the cells in the part that is left are not all that were there.

    Returns
    -------
    FieldVerdict
        The worst of all findings, and all reasons of flags and faults with value and threshold.
    """
    limits = thresholds or QualityThresholds()
    needed = [name for name in (nuclear, cell) if name is not None and name in figures]
    drops: list[str] = []
    flags: list[str] = []
    shown = showing_channels(figures, needed)
    blank = blank_channels(figures, limits, shown)
    doubtful = tuple(name for name in _traceless(figures, limits, shown) if name not in blank)
    for plane in missing:
        if not plane.part.few_lines:
            (drops if _is_damaged(plane, limits) else flags).append(plane.words)
    flags += _few_lines(missing)
    for name, found in figures.items():
        into = drops if name in needed else flags
        if found["Spread"] == 0:
            into.append(f"{name} is constant at {found['Mean']:g} counts: nothing is measured in it")
        elif name in blank:
            # without a cell in any channel the compound may have left none
            (into if shown - {name} else flags).append(
                f"{name} holds nothing but noise of {found['PixelNoise']:.2g} counts and a smooth "
                "background: nothing is measured in it"
            )
        elif name in doubtful:
            flags.append(
                f"{name} {SHOWS_NOTHING} ({listed_names(shown)} shows them): not recorded, or nothing there "
                "is stained and the background was subtracted"
            )
        saturated = found["PercentSaturated"]
        if saturated > limits.saturated_drop:
            into.append(
                f"{name}: {saturated:.1f} % of the pixels are saturated (> {limits.saturated_drop:g} %)"
            )
        elif saturated > limits.saturated_flag:
            flags.append(
                f"{name}: {saturated:.1f} % of the pixels are saturated (> {limits.saturated_flag:g} %)"
            )
        # a light field is meant to be bright
        background = found["PercentBackground"]
        if is_stain(found) and found["Spread"] > 0 and background > limits.background_flag:
            flags.append(
                f"{name}: the background takes {background:.0f} % of the camera's range "
                f"(> {limits.background_flag:g} %)"
            )
    if nuclear is None or nuclear not in figures:
        _judge_other_focus(figures, cell, diameter, limits, flags)
    else:
        nuclei = figures[nuclear]
        _judge_focus(nuclear, nuclei, diameter, limits, drops, flags)
        largest = nuclei["LargestObject"]
        if largest > limits.debris_flag:
            flags.append(
                f"one object covers {largest:.0f} % of the field in {nuclear} (> {limits.debris_flag:g} %): "
                "debris or a clump"
            )
    bare = [
        name
        for name in needed
        if figures[name]["Spread"] > 0 and figures[name]["ForegroundCoverage"] < limits.coverage_flag
    ]
    if needed and bare == needed:
        covered = ", ".join(f"{figures[name]['ForegroundCoverage']:.2f} % in {name}" for name in bare)
        flags.append(f"empty: stain covers {covered} (< {limits.coverage_flag:g} %)")
    # specks far brighter than the cells take the threshold to themselves
    elif nuclear in needed and bare and bare[0] not in blank and not figures[bare[0]]["Structure"] > FAINT:
        covered = f"stain covers {figures[bare[0]]['ForegroundCoverage']:.2f} % of {bare[0]}"
        why = (
            "so that its cells have the shape of their nuclei"
            if bare[0] == cell
            else "so that it has no nuclei"
        )
        other = next(name for name in needed if name not in bare)
        flags.append(f"{covered} (< {limits.coverage_flag:g} %), though {other} shows cells, {why}")
    verdict = "drop" if drops else "flag" if flags else "keep"
    return FieldVerdict(verdict, "; ".join(drops + flags), blank)


def blank_channels(
    figures: Mapping[str, Mapping[str, float]], limits: QualityThresholds, shown: set[str]
) -> tuple[str, ...]:
    """Channels in which nothing was recorded: constant, or nothing but noise and a smooth background.

    Noise of a count or so is enough; more only where another stain (`shown`) shows cells and not a trace of
    them is in this one. Where noise is cut off at 0, or is less than a step of the digitiser, it may hide
    living cells in a death stain: such a channel is doubtful alone. In images of 8 bits (none holds more
    than 255 counts) a count is coarse, and noise of one is no proof by itself.
    """
    # the greatest count is not among the figures; these two together hardly exceed it
    deep = any(found["Background"] + found["DynamicRange"] > EIGHT_BITS for found in figures.values())
    traceless = _traceless(figures, limits, shown)
    return tuple(
        name
        for name, found in figures.items()
        if found["Spread"] == 0
        or (deep and is_stain(found) and max(found["PixelNoise"], found["Relief"]) <= limits.blank_counts)
        or (name in traceless and _shows_small_things(found))
    )


def showing_channels(figures: Mapping[str, Mapping[str, float]], segmented: Sequence[str]) -> set[str]:
    """Stains that are segmented and show cells in numbers; any stain, if none is segmented.

    Debris in a death stain is no proof of cells: a compound may have left nothing else.
    """
    stains = [name for name in segmented if is_stain(figures[name])] or list(figures)
    return {name for name in stains if figures[name]["ForegroundCoverage"] >= CELLS_SHOWN}


def _traceless(
    figures: Mapping[str, Mapping[str, float]], limits: QualityThresholds, shown: set[str]
) -> tuple[str, ...]:
    """Stains that are pure noise, of fields in which another stain shows cells.

    Not brightfield: in focus it shows the outlines of cells alone, brighter and darker side by side.
    """
    if limits.blank_counts <= 0 or not shown:
        return ()
    return tuple(
        name
        for name, found in figures.items()
        if is_stain(found)
        and found["Spread"] > 0
        and found["ForegroundCoverage"] < limits.coverage_flag
        and found["Structure"] <= 1
    )


def _shows_small_things(found: Mapping[str, float]) -> bool:
    """Whether noise makes steps of the digitiser visible, and is not cut off at 0."""
    noise = found["PixelNoise"]
    return noise >= DITHER and found["Mean"] >= CUT_OFF * noise


def listed_names(names: Iterable[str]) -> str:
    """Names in the order of the alphabet."""
    return ", ".join(sorted(names))


def _few_lines(missing: Sequence[MissingPlane]) -> list[str]:
    """A reason for each kind of dead line: a camera's are in all of its planes."""
    planes: dict[str, list[str]] = {}
    for plane in missing:
        if plane.part.few_lines:
            where = plane.channel if plane.z is None else f"{plane.channel}, plane z={plane.z}"
            planes.setdefault(plane.part.words, []).append(where)
    return [
        f"{' and '.join(where[:MOST_PLANES])}{' …' if len(where) > MOST_PLANES else ''}: {words} {DEAD_LINES}"
        for words, where in planes.items()
    ]


def _is_damaged(plane: MissingPlane, limits: QualityThresholds) -> bool:
    """Whether a missing part is a fault of the field: not a narrow band, nor of a plane that is not used."""
    least = limits.missing_band_drop if plane.part.at_edge else limits.missing_drop
    return plane.used and 100 * plane.part.share > least


def _judge_focus(
    name: str,
    found: Mapping[str, float],
    diameter: float,
    limits: QualityThresholds,
    drops: list[str],
    flags: list[str],
) -> None:
    """Defocus, by the width of nuclear edges against the size of a cell."""
    width = found["EdgeWidth"]
    if not math.isfinite(width):
        return
    if diameter > 0:
        share = width / diameter
        for limit, into in ((limits.edge_drop, drops), (limits.edge_flag, flags)):
            if share > limit:
                into.append(
                    f"{OUT_OF_FOCUS}: edges in {name} are {width:.1f} px wide, "
                    f"{share:.2f} of the cell diameter (> {limit:g})"
                )
                return
    elif width / found["ObjectRadius"] > limits.edge_relative_flag:
        flags.append(
            f"perhaps {OUT_OF_FOCUS}: edges in {name} are {width:.1f} px wide, "
            f"{width / found['ObjectRadius']:.2f} of the radius (> {limits.edge_relative_flag:g})"
        )


def _judge_other_focus(
    figures: Mapping[str, Mapping[str, float]],
    cell: str | None,
    diameter: float,
    limits: QualityThresholds,
    flags: list[str],
) -> None:
    """Defocus where no channel is nuclear: by the edges of the cell stain, else of the sharpest stain."""
    widths = {name: found["EdgeWidth"] for name, found in figures.items() if is_stain(found)}
    if cell is not None and cell in widths:
        widths = {cell: widths[cell]}
    widths = {name: width for name, width in widths.items() if math.isfinite(width)}
    if not widths or diameter <= 0:
        return
    name = min(widths, key=lambda each: widths[each])
    share = widths[name] / diameter
    if share > limits.edge_cell_flag:
        flags.append(
            f"perhaps {OUT_OF_FOCUS}: edges in {name} are {widths[name]:.1f} px wide, "
            f"{share:.2f} of the cell diameter (> {limits.edge_cell_flag:g})"
        )
