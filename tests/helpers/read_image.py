#!/usr/bin/env python3
"""Print a projected field as JSON: its channels, and the mean of each in the upper and in the lower half."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))

from morphodose.imaging.images import read_field


def main() -> None:
    """Read the file named on the command line."""
    field = read_field(Path(sys.argv[1]))
    middle = field.pixels.shape[1] // 2
    means = {
        part: {name: float(field.channel(name)[rows].mean()) for name in field.channels}
        for part, rows in (("upper", slice(0, middle)), ("lower", slice(middle, None)))
    }
    print(json.dumps({"channels": field.channels, **means}))


if __name__ == "__main__":
    main()
