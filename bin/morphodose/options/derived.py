"""What follows from several parameters together; lib/environment.nf asks the same before the first task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Names and files of Cellpose-SAM.
CELLPOSE_SAM = r"(.*/)?cpsam[^/]*"


def is_sam(model: object) -> bool:
    """Whether a model, a name or a file, is Cellpose-SAM."""
    return re.fullmatch(CELLPOSE_SAM, str(model)) is not None


def diameters_missing(given: Mapping[str, Any]) -> bool:
    """Whether a diameter is needed and not given, by the parameters by name.

    Cells need one where a network segments them, nuclei where they are stained.
    """
    cells = given["cell_channel"] and given["cell_method"].startswith("cellpose") and not given["diameter"]
    nuclei = given["nuclear_channel"] and not given["nuclear_diameter"]
    return not is_sam(given["cell_model"]) and bool(cells or nuclei)
