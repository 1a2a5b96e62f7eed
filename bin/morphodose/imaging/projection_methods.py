"""What ``--projection`` may say: a method for each channel."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from morphodose.errors import InputError, ParameterError

METHODS = ("max", "mean", "middle", "best_focus", "plane:<z>")
_PLANE = re.compile(r"^plane:(\d+)$")
_OPTION = "--projection"


def plane_of(method: str) -> int | None:
    """The z that ``plane:<z>`` asks for; None for other methods."""
    match = _PLANE.match(method)
    return int(match[1]) if match else None


def _is_method(method: str) -> bool:
    return method in METHODS[:4] or plane_of(method) is not None


def check_method(method: str) -> str:
    """The method itself, or an `InputError` that lists those there are.

    Raises
    ------
    InputError
        If it is not a method.
    """
    if not _is_method(method):
        raise InputError(f"projection {method!r} is not one of {', '.join(METHODS)}")
    return method


def no_such_plane(method: str, heights: Collection[int], where: str = "") -> ParameterError:
    """The fault of a ``plane:<z>`` that a stack does not have."""
    message = f"there is no plane z={plane_of(method)}{where}"
    return ParameterError(_OPTION, method, message, f"choose from z {', '.join(map(str, sorted(heights)))}")


def _given(text: str) -> list[tuple[str, str, str]]:
    """(part, channel, method) of each part; a part without a channel is the default."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    split = [(part, *part.rpartition("=")) for part in parts]
    return [(part, name.strip() if sign else "default", method.strip()) for part, name, sign, method in split]


def projection_faults(text: str, channels: Sequence[str]) -> list[ParameterError]:
    """What is wrong in a projection for these channels."""
    faults = []
    seen: set[str] = set()
    for part, name, method in _given(text):
        if not _is_method(method):
            message = f"{method!r} is not one of {', '.join(METHODS)}"
            faults.append(ParameterError(_OPTION, part, message, "choose one of them"))
        if name != "default" and name not in channels:
            message = f"names channel {name!r}, which is not there"
            faults.append(ParameterError(_OPTION, part, message, f"the channels are {', '.join(channels)}"))
        if name in seen:
            faults.append(ParameterError(_OPTION, part, f"names {name!r} twice", "name each channel once"))
        seen.add(name)
    return faults


def parse_projection(text: str, channels: Sequence[str], brightfield: str | None = None) -> dict[str, str]:
    """Method of each channel.

    Parameters
    ----------
    text : str
        ``max`` for all channels, or ``default=max,Brightfield=best_focus``; without ``default`` it is max.
    channels : sequence of str
        The channels there are.
    brightfield : str, optional
        The brightfield channel: best focus unless `text` names it.
    """
    for fault in projection_faults(text, channels):
        raise fault
    return methods_of(text, channels, brightfield)


def methods_of(text: str, channels: Sequence[str], brightfield: str | None = None) -> dict[str, str]:
    """`parse_projection` of a text that may have faults, whose faulty parts mean nothing."""
    given = {name: method for _, name, method in _given(text)}
    default = given.get("default", "max")
    fallback = {name: "best_focus" if name == brightfield else default for name in channels}
    return {name: given.get(name, fallback[name]) for name in channels}


def plane_faults(methods: Mapping[str, str], heights: Mapping[str, Collection[int]]) -> list[ParameterError]:
    """Planes that a channel's stacks do not have.

    Parameters
    ----------
    methods : mapping
        Channel → its method (`parse_projection`).
    heights : mapping
        Channel → z of its planes.
    """
    without: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for channel, method in methods.items():
        z, there = plane_of(method), tuple(sorted(heights.get(channel, ())))
        if z is not None and there and z not in there:
            without.setdefault((method, there), []).append(channel)
    return [
        no_such_plane(method, there, f" of {', '.join(names)}") for (method, there), names in without.items()
    ]
