"""From sharp images to what the camera counts: blur by depth, Fresnel fringes, vignetting, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from morphodose.simulate.stains import Stains, smooth_noise

Image = npt.NDArray[np.float32]

#: Order of the planes; channel 1 is the first.
CHANNELS = ("Brightfield", "Hoechst", "CellMask", "AnnexinV", "PI")

#: Emission wavelength in µm: the longer, the wider the blur.
_WAVELENGTH = {"Hoechst": 0.46, "CellMask": 0.54, "AnnexinV": 0.67, "PI": 0.62}
#: Electrons of a field without cells, per dye: medium and unbound dye.
_BACKGROUND = {"Hoechst": 14.0, "CellMask": 22.0, "AnnexinV": 10.0, "PI": 8.0}


@dataclass(frozen=True)
class Optics:
    """The microscope.

    Attributes
    ----------
    planes : int
        Planes of the z-stack.
    z_step : float
        Distance between planes, in µm.
    pixel_size : float
        Edge of a pixel, in µm.
    focus_jitter : float
        Standard deviation of the focal position of a field, in µm.
    defocus : float
        Offset of the whole stack, in µm; 15 and more puts it out of focus.
    blur : float
        Factor on every blur.
    illumination : float
        Loss of light in the corners, 0 to 1 (vignetting).
    noise : float
        Factor on shot and read noise; 0 gives noiseless images.
    haze : float
        Light out of focus, of layers above and below: share of a channel's light, smeared over a cell.
    gradient : float
        Background that a field gains from one side to the other, in electrons; the side is random.
    offset, gain, read_noise : float
        Camera: counts without light, counts an electron, electrons of read noise.
    brightfield : float
        Counts of an empty brightfield image.
    """

    planes: int = 3
    z_step: float = 3.0
    pixel_size: float = 0.5
    focus_jitter: float = 0.6
    defocus: float = 0.0
    blur: float = 1.0
    illumination: float = 0.2
    noise: float = 1.0
    haze: float = 0.0
    gradient: float = 0.0
    offset: float = 120.0
    gain: float = 2.2
    read_noise: float = 2.5
    brightfield: float = 12000.0


def illumination_field(size: int, strength: float, centre: tuple[float, float]) -> Image:
    """Relative illumination of a square field: 1 at `centre`, `1 - strength` at a far corner.

    `centre` is in fractions of the field from its middle; (0, 0) is the middle.
    """
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    square = (axis[:, None] - np.float32(centre[0])) ** 2 + (axis[None, :] - np.float32(centre[1])) ** 2
    return (1 - np.float32(strength) * np.minimum(square / 2, 1)).astype(np.float32)


def _slope(rng: np.random.Generator, size: int) -> Image:
    """A plane over a square field, 0 in one corner or side and 1 opposite."""
    turn = rng.random() * 2 * np.pi
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    plane = np.float32(np.cos(turn)) * axis[:, None] + np.float32(np.sin(turn)) * axis[None, :]
    low, high = float(plane.min()), float(plane.max())
    return ((plane - low) / (high - low)).astype(np.float32)


def photograph(
    rng: np.random.Generator,
    stains: Stains,
    field: slice,
    optics: Optics,
    centres: dict[str, tuple[float, float]],
    scale: float,
) -> npt.NDArray[np.uint16]:
    """Take the z-stack of a canvas in every channel.

    Parameters
    ----------
    rng : numpy.random.Generator
    stains : Stains
        Sharp images of a canvas larger than the field, so that light from outside comes in.
    field : slice
        Rows, and columns, of the field on the canvas.
    optics : Optics
    centres : dict
        Centre of the illumination by channel (`illumination_field`).
    scale : float
        Cell diameter over 40 px: the blur grows with its square root.

    Returns
    -------
    (Z, C, Y, X) array of uint16
        Camera counts; channels as in `CHANNELS`.

    Notes
    -----
    Fluorescence blur is a Gaussian whose width grows with the distance from the focal plane, plus 5 % of
    the light in a wide halo. Brightfield is a weak phase and absorption object under partially coherent
    light (contrast transfer, Goodman, Introduction to Fourier Optics; Agard, Q. Rev. Biophys. 1984).
    """
    size = len(stains.phase)
    shown = field.stop - field.start
    fy = fft.fftfreq(size).astype(np.float32)[:, None]
    fx = fft.rfftfreq(size).astype(np.float32)[None, :]
    square = fy * fy + fx * fx

    def gaussian(sigma: float) -> Image:
        return np.exp(-2 * np.pi**2 * sigma**2 * square)

    middle = (optics.planes - 1) / 2
    z = (np.arange(optics.planes) - middle) * optics.z_step
    z = z + rng.normal(0, optics.focus_jitter) + optics.defocus
    planes = np.empty((optics.planes, len(CHANNELS), shown, shown), np.uint16)
    # a stronger lens for larger cells: its blur in pixels grows, but less than the cells
    spread = scale**0.5 * optics.blur
    halo = gaussian(9 * scale * optics.blur)
    for channel, name in enumerate(CHANNELS):
        light = illumination_field(shown, optics.illumination, centres.get(name, (0.0, 0.0)))
        if name == "Brightfield":
            transmitted = _transmitted(rng, stains, square, z, optics, scale)
            for k, image in enumerate(transmitted):
                # camera electrons are plenty in brightfield: 1 count is about 1.5 electrons
                counts = optics.brightfield * light**0.3 * image[field, field]
                planes[k, channel] = _expose(rng, counts * 1.5, 1 / 1.5, 0.0, optics)
            continue
        dye = stains.dyes[name]
        low, high = fft.rfft2(dye * (1 - stains.tall)), fft.rfft2(dye * stains.tall)
        background: Image = np.full((shown, shown), _BACKGROUND[name], np.float32)
        if optics.haze:
            smeared = fft.irfft2((low + high) * gaussian(26 * scale), s=(size, size))[field, field]
            background = background + np.float32(optics.haze) * smeared
        if optics.gradient:
            background = background + np.float32(optics.gradient) * _slope(rng, shown)
        sharp = 0.85 * _WAVELENGTH[name] / 0.55
        for k, at in enumerate(z):
            # rounded cells rise about 2.5 µm from the bottom
            widths = [spread * np.hypot(sharp, 0.38 * abs(at - rise)) for rise in (0.0, 2.5)]
            spectrum = low * (0.95 * gaussian(widths[0]) + 0.05 * halo)
            spectrum += high * (0.95 * gaussian(widths[1]) + 0.05 * halo)
            image = fft.irfft2(spectrum, s=(size, size))[field, field] + background
            planes[k, channel] = _expose(rng, image * light, optics.gain, optics.offset, optics)
    return planes


def _transmitted(
    rng: np.random.Generator,
    stains: Stains,
    square: Image,
    z: npt.NDArray[np.float64],
    optics: Optics,
    scale: float,
) -> list[Image]:
    """Relative brightfield intensity of the canvas at each focal position."""
    size = len(stains.phase)
    dust, _ = smooth_noise(rng, size, (1.5 * scale, 8 * scale))
    phase = fft.rfft2(stains.phase + 0.012 * dust)
    absorption = fft.rfft2(stains.absorption)
    # frequencies in cycles per µm of a specimen whose cells are 20 µm wide
    q2 = square / np.float32((0.5 / scale) ** 2)
    images = []
    for at in z:
        # Brightfield is focused a little off the fluorescence, where flat cells have contrast.
        chi = np.float32(np.pi * 0.55 * (at + 2.5)) * q2
        coherence = np.exp(-(np.float32((np.pi * 0.16 * at) ** 2) + np.float32((0.6 * np.pi) ** 2)) * q2)
        spectrum = 2 * coherence * (np.sin(chi) * phase - np.cos(chi) * absorption)
        spectrum[0, 0] = -2 * absorption[0, 0]
        change = fft.irfft2(spectrum, s=(size, size))
        images.append((1 + 0.5 * np.tanh(2 * change * 0.55)).astype(np.float32))
    return images


def _expose(
    rng: np.random.Generator, electrons: Image, gain: float, offset: float, optics: Optics
) -> npt.NDArray[np.uint16]:
    """Camera counts of an image of mean `electrons`: shot and read noise, gain, offset, 16 bit."""
    if optics.noise:
        spread = np.sqrt(np.clip(electrons, 0, None) + np.float32(optics.read_noise**2))
        noise = rng.standard_normal(electrons.shape, dtype=np.float32)
        electrons = electrons + np.float32(optics.noise) * spread * noise
    return np.clip(np.rint(electrons * np.float32(gain) + np.float32(offset)), 0, 65535).astype(np.uint16)
