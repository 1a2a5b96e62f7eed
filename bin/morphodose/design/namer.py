"""Names of fields and planes for messages, and fields of one fault joined to a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from morphodose.design.faults import FieldKey, listing
from morphodose.design.samplesheet import Acquisition
from morphodose.names import image_id, well_timepoint_id


class Namer:
    """Names of fields and planes for messages."""

    def __init__(self, acquisitions: Sequence[Acquisition], channels: Mapping[str, str]) -> None:
        self.acquisitions = acquisitions
        self.channels = channels
        self.order = {number: position for position, number in enumerate(channels)}

    def image(self, key: FieldKey) -> str:
        """The image id of a field."""
        return image_id(self.well(key), key[2])

    def well(self, key: FieldKey) -> str:
        """The well-timepoint id of a field."""
        return well_timepoint_id(self.acquisitions[key[0]].id, key[1])

    def folder(self, key: FieldKey) -> str:
        """The folder that a field's images are in."""
        return self.acquisitions[key[0]].folder or ""

    def planes(self, planes: Iterable[tuple[str, int]]) -> str:
        """``Hoechst z 1-3, PI z 2``."""
        by_channel: dict[str, set[int]] = defaultdict(set)
        for channel, z in planes:
            by_channel[channel].add(z)
        numbers = sorted(by_channel, key=lambda channel: self.order.get(channel, 0))
        return listing((f"{self.channels.get(c, c)} z {ranges(by_channel[c])}" for c in numbers), 12)


def ranges(numbers: Iterable[int]) -> str:
    """``1-3 5``: whole numbers with runs joined."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return " ".join("-".join(map(str, part)) for part in parts)


def collapse(
    details: Mapping[FieldKey, str], everything: Iterable[FieldKey], names: Namer
) -> list[tuple[str, str, list[FieldKey]]]:
    """Join fields of one well, or of one acquisition, that all have the same fault.

    Parameters
    ----------
    details : mapping
        Field → what is wrong with it.
    everything : iterable
        All fields of the screen, to know what "all" is.
    names : Namer
        Gives the labels.

    Returns
    -------
    list of (label, detail, fields)
        In the order of acquisitions, wells and fields.
    """
    if not details:
        return []
    of_acquisition: dict[int, set[FieldKey]] = defaultdict(set)
    of_well: dict[tuple[int, str], set[FieldKey]] = defaultdict(set)
    for key in everything:
        of_acquisition[key[0]].add(key)
        of_well[key[:2]].add(key)

    def alike(keys: set[FieldKey], detail: str) -> bool:
        return all(details.get(key) == detail for key in keys)

    done: set[FieldKey] = set()
    joined = []
    for key in sorted(details):
        if key in done:
            continue
        detail = details[key]
        for keys, label in (
            (
                of_acquisition[key[0]],
                f"{names.acquisitions[key[0]].id}, all {len(of_acquisition[key[0]])} fields",
            ),
            (of_well[key[:2]], f"{names.well(key)}, all {len(of_well[key[:2]])} fields"),
            ({key}, names.image(key)),
        ):
            if len(keys) == 1 and keys != {key}:
                continue
            if keys == {key} or alike(keys, detail):
                joined.append((names.image(key) if keys == {key} else label, detail, sorted(keys)))
                done |= keys
                break
    return joined
