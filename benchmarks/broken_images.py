#!/usr/bin/env python3
"""Which broken copies of real images are found, and how many whole images are taken for broken.

``benchmarks/broken_images.py FOLDER …`` breaks a few images of each folder (TIFF, one plane a file) in
each of the ways of `PARTS`, as recorded and less a percentile of their counts, and prints how many are found;
then it looks at all of them whole. Nothing is written.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bin"))

from morphodose.imaging.broken import missing_block

Image = npt.NDArray[np.generic]
#: Images of each folder that are broken, and percentiles that are subtracted from them.
EACH, PERCENTILES = 3, (50, 70)
#: Percentiles that are subtracted from whole images.
WHOLE = (10, 30, 50, 70, 90)


def blocks(edge: int, value: int | None = 0) -> Callable[[Image, Image, np.random.Generator], None]:
    """Leave out one square of `edge` px, at a place by chance; None repeats what is before it."""

    def leave_out(pixels: Image, _other: Image, rng: np.random.Generator) -> None:
        y, x = (int(rng.integers(edge, size - edge)) for size in pixels.shape)
        pixels[y : y + edge, x : x + edge] = pixels[y - 1, x - 1] if value is None else value

    return leave_out


def lines(number: int, columns: bool = False, value: int = 0) -> Callable[..., None]:
    """Single rows or columns that hold one value."""

    def leave_out(pixels: Image, _other: Image, rng: np.random.Generator) -> None:
        turned = pixels.T if columns else pixels
        turned[rng.choice(np.arange(1, len(turned) - 1), number, replace=False)] = value

    return leave_out


def packet(pixels: Image, _other: Image, rng: np.random.Generator) -> None:
    """Part of a row, as long as one packet of a camera's cable: 1,400 bytes."""
    y, many = int(rng.integers(1, len(pixels) - 1)), min(1400 // pixels.itemsize, pixels.shape[1] // 2)
    pixels[y, 7 : 7 + many] = 0


def stripe(rows: int, shift: int) -> Callable[..., None]:
    """Rows of another frame, at their own place or elsewhere."""

    def put(pixels: Image, other: Image, rng: np.random.Generator) -> None:
        y = int(rng.integers(shift + 1, len(pixels) - rows - 1))
        pixels[y : y + rows] = other[y - shift : y - shift + rows]

    return put


def doubled(rows: int, columns: int | None = None) -> Callable[..., None]:
    """Rows, or a block, that are there twice."""

    def put(pixels: Image, _other: Image, rng: np.random.Generator) -> None:
        height, width = pixels.shape
        y = int(rng.integers(2 * rows, height - rows))
        many = columns or width
        x = int(rng.integers(0, width - many + 1))
        pixels[y : y + rows, x : x + many] = pixels[y - 2 * rows : y - rows, x : x + many].copy()

    return put


def lower_half(pixels: Image, _other: Image, _rng: np.random.Generator) -> None:
    """A copy that broke off."""
    pixels[len(pixels) // 2 :] = 0


PARTS: dict[str, Callable[[Image, Image, np.random.Generator], None]] = {
    "lower half": lower_half,
    "block of 48 px": blocks(48),
    "block of 24 px": blocks(24),
    "block of 24 px, the last value": blocks(24, None),
    "block of 12 px": blocks(12),
    "8 rows": lines(8),
    "3 rows": lines(3),
    "1 row": lines(1),
    "3 columns": lines(3, columns=True),
    "3 columns of the greatest count": lines(3, columns=True, value=255),
    "part of a row": packet,
    "16 rows twice": doubled(16),
    "4 rows twice": doubled(4),
    "block of 48 px twice": doubled(48, 48),
    "block of 24 px twice": doubled(24, 24),
    "64 rows of another image": stripe(64, 0),
    "64 rows of another image, elsewhere": stripe(64, 30),
}


def subtracted(image: Image, percentile: float) -> Image:
    """The image less a percentile of its counts: zeros wherever it is darker."""
    lowest = np.percentile(image, percentile)
    return np.maximum(image.astype(np.float64) - np.floor(lowest), 0).astype(image.dtype)


def read(folder: str) -> Iterator[tuple[Path, Image]]:
    """The images of a folder that hold one grey plane; masks are left out."""
    for file in sorted(Path(folder).glob("*.[tT][iI][fF]*")):
        if not file.stem.endswith("_mask"):
            pixels = tifffile.imread(file)
            if pixels.ndim == 2:
                yield file, pixels


def main() -> None:
    """Print two tables."""
    found: Counter[tuple[str, str]] = Counter()
    tried: Counter[tuple[str, str]] = Counter()
    alarms, whole = [], 0
    for folder in sys.argv[1:]:
        images = list(read(folder))
        for number, (file, image) in enumerate(images):
            versions = [("whole", image)]
            if number < EACH:
                versions += [(f"less {p} %", subtracted(image, p)) for p in WHOLE]
            for name, pixels in versions:
                whole += 1
                if (said := missing_block(pixels)) is not None:
                    alarms.append(f"{file} {name}: {said.words}")
            if number >= EACH:
                continue
            other = images[(number + 1) % len(images)][1]
            other = other if other.shape == image.shape else image[::-1, ::-1]
            for kind, breaks in PARTS.items():
                for state in ("recorded", *PERCENTILES):
                    rng = np.random.default_rng(number)
                    pixels = image.copy() if state == "recorded" else subtracted(image, float(state))
                    before = pixels.copy()
                    breaks(pixels, other if state == "recorded" else subtracted(other, float(state)), rng)
                    if (pixels != before).mean() < 1e-6:
                        continue  # nothing was there
                    column = "recorded" if state == "recorded" else "subtracted"
                    tried[kind, column] += 1
                    if missing_block(pixels) is not None:
                        found[kind, column] += 1
                    elif "-v" in sys.argv:
                        print(f"not found: {file} {state} {kind}", file=sys.stderr)
    print("| broken | as recorded | background subtracted |\n|---|--:|--:|")
    for kind in PARTS:
        cells = [f"{found[kind, c]} of {tried[kind, c]}" for c in ("recorded", "subtracted")]
        print(f"| {kind} | {' | '.join(cells)} |")
    print(f"\n{len(alarms)} of {whole} whole images are taken for broken.", *alarms, sep="\n")


if __name__ == "__main__":
    main()
