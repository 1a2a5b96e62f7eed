"""Names and roles of the channels, as the parameters give them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from morphodose.design.faults import Faults, did_you_mean, listing, nearest
from morphodose.design.filenames import plain_number

#: Role → the option that gives it.
ROLE_OPTIONS = {
    "cell": "--cell_channel",
    "nuclear": "--nuclear_channel",
    "brightfield": "--brightfield_channel",
    "early_death": "--early_death_channel",
    "late_death": "--late_death_channel",
}

# names become parts of column and file names
_CHANNEL_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}$")

# a comma between double quotes is part of a text, such as "GFP 469,525"
_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True)
class Channels:
    """Channels in their order: number in the file names → name; and numbers that are left out on purpose."""

    names: dict[str, str]
    left_out: frozenset[str] = frozenset()


def parse_channels(text: str, faults: Faults) -> Channels:
    """Channels of ``1:Brightfield,2:Hoechst,3:-`` or, in order from 1, ``Brightfield,Hoechst``.

    ``-`` as a name leaves a channel's images out. The number is what the file names say, which may be a text
    (``DAPI - DAPI:Hoechst``), in double quotes where it has a comma (``"GFP 469,525":GFP``).
    """
    option = "--channels"
    entries = [entry.strip() for entry in _COMMA.split(text) if entry.strip()]
    if not entries:
        faults.add("channels", option, "names no channel", "give it as 1:Brightfield,2:Hoechst", value=text)
    names: dict[str, str] = {}
    left_out: set[str] = set()
    with_number = [":" in entry for entry in entries]
    if any(with_number) and not all(with_number):
        faults.add(
            "channels",
            option,
            "some names have a number and others do not",
            "give each a number, as 1:Brightfield,2:Hoechst",
            value=text,
        )
        return Channels({})
    for position, entry in enumerate(entries, 1):
        key, _, name = entry.rpartition(":")
        key, name = plain_number(key.replace('"', "") or str(position)), name.strip()
        if key in names or key in left_out:
            faults.add("channels", option, f"channel {key} is named twice", "name it once", value=text)
        elif name == "-":
            left_out.add(key)
        elif not _CHANNEL_NAME.match(name):
            faults.add(
                "channels",
                option,
                f"the name of channel {key} is empty, is longer than 80 characters, or has a "
                "character that names of columns and files cannot have",
                "use letters, digits and _ . + -",
                value=entry,
            )
        elif name in names.values():
            faults.add(
                "channels", option, f"two channels are named '{name}'", "give each its own name", value=text
            )
        else:
            names[key] = name
    return Channels(names, frozenset(left_out))


def check_case(numbers: Collection[str], faults: Faults) -> None:
    """Warn of channels of the file names that differ only in case, as of two sessions of one screen."""
    alike: dict[str, list[str]] = defaultdict(list)
    for number in sorted(numbers):
        alike[number.casefold()].append(number)
    for texts in alike.values():
        if len(texts) > 1:
            faults.warn(
                "channel_case",
                "images",
                "these channels differ only in case in the names of the images: they are taken as "
                f"{len(texts)} "
                "channels",
                f"rename the images so that all say {texts[0]}, if it is one stain",
                value=listing(texts),
            )


def check_crop_channels(text: str, channels: Channels, faults: Faults) -> list[str]:
    """Names of ``--crop_channels A,B``, each a channel that exists."""
    known = list(channels.names.values())
    given = [name.strip() for name in text.split(",") if name.strip()]
    for name in given:
        if known and name not in known:
            fix = did_you_mean(name, known)
            faults.add("channel_role", "--crop_channels", "is not a channel of --channels", fix, value=name)
        elif given.count(name) > 1:
            faults.add("channel_role", "--crop_channels", f"names {name} twice", "name it once", value=text)
            break
    return given


def _role_fix(option: str, name: str, free: Collection[str], known: Collection[str]) -> str:
    """What to do about a role whose channel is not there: misspelt, or a default of other screens."""
    near = nearest(name, free, 0.75)  # a short name is like many: PI is not DAPI
    offer = f"did you mean '{near}'? " if near else ""
    return (
        f"{offer}known: {listing(known, 20)}; if the screen has no such stain, set it to empty: {option}=''"
    )


def check_roles(roles: Mapping[str, str | None], channels: Channels, faults: Faults) -> dict[str, str]:
    """Roles that were given (`ROLE_OPTIONS`), each with a channel that exists."""
    known = list(channels.names.values())
    given: dict[str, str] = {}
    taken = {name for name in roles.values() if name in known}
    for role, name in roles.items():
        if not name:
            continue
        if name in known:
            given[role] = name
        elif known:
            faults.add(
                "channel_role",
                ROLE_OPTIONS[role],
                "is not a channel of --channels",
                _role_fix(ROLE_OPTIONS[role], name, [one for one in known if one not in taken], known),
                value=name,
            )
    for first, second in (("cell", "brightfield"), ("early_death", "late_death")):
        if first in given and given[first] == given.get(second):
            faults.add(
                "channel_role",
                ROLE_OPTIONS[first],
                f"is the same channel as {ROLE_OPTIONS[second]}",
                "give each role its own channel, or leave one out",
                value=given[first],
            )
    return given
