"""What metadata say of channels, of a plate, and of single files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Channel:
    """What metadata say of a channel: its name, edge of a pixel in µm, wavelengths in nm."""

    name: str = ""
    pixel_um: float | None = None
    excitation_nm: float | None = None
    emission_nm: float | None = None

    def text(self) -> str:
        """``HOECHST 33342, 375/456 nm``."""
        waves = [f"{wave:g}" for wave in (self.excitation_nm, self.emission_nm) if wave]
        return ", ".join(part for part in (self.name, f"{'/'.join(waves)} nm" if waves else "") if part)


@dataclass(frozen=True)
class Image:
    """What metadata say of one file: hours after the first image, place of the field in µm, its channel."""

    hours: float | None = None
    x_um: float | None = None
    y_um: float | None = None
    channel: Channel | None = None


@dataclass(frozen=True)
class Sidecar:
    """What one file of metadata says.

    Attributes
    ----------
    instrument : str
        Whose it is.
    path : str
        The file.
    channels : mapping
        Number of a channel in the names of images → what is said of it.
    images : mapping
        Name of an image without its folder → what is said of it; empty where none is named.
    plate_format : int or None
        Wells of the plate.
    plate : str
        Name of the plate.
    prefix : str
        What the names of its images begin with, where it names none.
    """

    instrument: str
    path: str
    channels: Mapping[str, Channel] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    plate_format: int | None = None
    plate: str = ""
    prefix: str = ""

    def belongs(self, names: Collection[str]) -> bool:
        """Whether it speaks of some of these images."""
        if self.images:
            return any(name in self.images for name in names)
        return any(name.startswith(self.prefix) for name in names)

    def channel(self, number: str, name: str) -> Channel | None:
        """What is said of a channel, by an image of it or by its number."""
        image = self.images.get(name)
        if image is not None and image.channel is not None:
            return image.channel
        return self.channels.get(number)


def number(text: str | None) -> float | None:
    """A number of metadata; None where there is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def positive(text: str | None, scale: float = 1.0) -> float | None:
    """A number above 0, times a scale; None where there is none (instruments write 0 for unknown)."""
    found = number(text)
    return found * scale if found and found > 0 else None
