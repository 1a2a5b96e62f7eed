"""The reference's crop of one cell, as published: everything on the whole image, with OpenCV."""

from __future__ import annotations

import numpy as np


def reference_crop(image: np.ndarray, labels: np.ndarray, label: int, size: int = 200) -> np.ndarray:
    """The (S, S) uint16 crop of one cell of an (Y, X) image; padded with zeros at the border."""
    import cv2

    mask = (labels == label).astype(np.uint8) * 255
    blurred = cv2.GaussianBlur(mask, (3, 3), 0)
    blurred[blurred > 0] = 255
    weights = cv2.GaussianBlur(blurred, (11, 11), 0) / 255
    cell = np.rint(image * weights).astype(np.uint16)
    y, x = (int(np.floor(at.mean() + 0.5)) - size // 2 for at in np.nonzero(mask))
    if min(y, x) < 0 or y + size > image.shape[0] or x + size > image.shape[1]:
        cell = np.pad(cell, size)
        y, x = y + size, x + size
    return cell[y : y + size, x : x + size]
