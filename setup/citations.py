#!/usr/bin/env python3
"""Write CITATIONS.md from the references of the report's methods text; `--check` fails where it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

from morphodose.report.methods import REFERENCES  # noqa: E402

HEAD = """# Citations

The methods text of each report cites the tools and methods that the run used. This is the whole list,
written by `setup/citations.py`. How to cite morphodose itself: [CITATION.cff](CITATION.cff).

"""


def citations() -> str:
    """CITATIONS.md, one reference per line, in alphabetical order."""
    return HEAD + "".join(f"- {text}\n" for text in sorted(set(REFERENCES.values()), key=str.casefold))


if __name__ == "__main__":
    place = ROOT / "CITATIONS.md"
    if "--check" in sys.argv:
        if place.read_text(encoding="utf-8") != citations():
            sys.exit("CITATIONS.md is stale: run setup/citations.py")
    else:
        place.write_text(citations(), encoding="utf-8")
