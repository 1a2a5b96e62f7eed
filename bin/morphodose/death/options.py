"""What the user may say of the gates: thresholds, the quantity a gate reads, spillover between the stains."""

from __future__ import annotations

from collections.abc import Sequence

from morphodose.errors import ParameterError

QUANTITIES = (
    "MeanIntensity", "MedianIntensity", "UpperQuartileIntensity", "MaxIntensity", "IntegratedIntensity",
)  # fmt: skip
COMPARTMENTS = ("Cells", "Nuclei", "Cytoplasm")


def _pairs(option: str, text: str, form: str) -> list[tuple[str, str]]:
    """``name=value`` parts of a text, separated by commas."""
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.rpartition("="))
        if not equals or not name or not value:
            raise ParameterError(option, part, "has no value", f"write {form}")
        found.append((name, value))
    return found


def _number(option: str, name: str, value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise ParameterError(option, f"{name}={value}", "is out of range", f"give {low:g} to {high:g}")
    return number


def _known(option: str, given: str, channel: str, channels: Sequence[str]) -> None:
    if channel not in channels:
        raise ParameterError(
            option,
            given,
            f"names {channel!r}, which is not a death marker",
            f"they are {', '.join(channels)}",
        )


def option_faults(
    gates: str, read_as: str, compensation: str, channels: Sequence[str]
) -> list[ParameterError]:
    """What is wrong in the options of the death gates; `channels` are the death markers."""
    found = []
    for text, read in (
        (gates, lambda given: manual_gates(given, channels, "")),
        (read_as, lambda given: quantities(given, channels)),
        (compensation, lambda given: spillovers(given, channels)),
    ):
        try:
            read(text)
        except ParameterError as fault:
            found.append(fault)
    return found


def manual_gates(text: str, channels: Sequence[str], acquisition: str) -> dict[str, float]:
    """Channel → gate (counts) of one acquisition, from ``AnnexinV=750,Time_24hrs_R1:PI=500``.

    A gate for an acquisition goes before one for all of them.
    """
    found: dict[str, float] = {}
    special: dict[str, float] = {}
    for name, value in _pairs("--gates", text, "CHANNEL=COUNTS or ACQUISITION:CHANNEL=COUNTS"):
        where, colon, channel = name.rpartition(":")
        _known("--gates", name, channel, channels)
        number = _number("--gates", name, value, 0.0, 1e12)
        if not colon:
            found[channel] = number
        elif where == acquisition:
            special[channel] = number
    return found | special


def quantities(text: str, channels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Channel → compartment and intensity, from ``PI=Nuclei:UpperQuartileIntensity``.

    Raises
    ------
    ParameterError
        If a channel is given anything but a compartment and a quantity.
    """
    option = "--death_quantities"
    found = {}
    for channel, value in _pairs(option, text, "CHANNEL=COMPARTMENT:QUANTITY"):
        _known(option, channel, channel, channels)
        compartment, _, quantity = value.partition(":")
        if compartment not in COMPARTMENTS or quantity not in QUANTITIES:
            raise ParameterError(
                option, f"{channel}={value}", "is not a compartment and a quantity",
                f"write one of {', '.join(COMPARTMENTS)}, a colon, and one of {', '.join(QUANTITIES)}",
            )  # fmt: skip
        found[channel] = (compartment, quantity)
    return found


def spillovers(text: str, channels: Sequence[str]) -> dict[tuple[str, str], float] | None:
    """(from, to) → share of the light of one stain in the other, from ``AnnexinV>PI=0.2``; None: estimate.

    Raises
    ------
    ParameterError
        If a pair names one channel twice.
    """
    if text.strip() == "estimate":
        return None
    option = "--compensation"
    found = {}
    for name, value in _pairs(option, text, "estimate, or FROM>TO=SHARE"):
        source, _, target = (piece.strip() for piece in name.partition(">"))
        _known(option, name, source, channels)
        _known(option, name, target, channels)
        if source == target:
            raise ParameterError(option, name, "is one channel twice", "write FROM>TO=SHARE")
        found[(source, target)] = _number(option, name, value, 0.0, 0.9)
    return found
