"""What a page is made of: views, their sections, the parts of a section, before any of it is HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

#: Views of the page, in order: key in the address, name, its sections. A new analysis takes its place here
#: and in `sections.build`.
VIEWS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("answer", "Answer", ("verdict",)),
    ("compound", "Compound", ("compound", "compared")),
    ("plate", "Plate", ("plate",)),
    ("cells", "Cells", ("cells",)),
    ("quality", "Quality", ("checks", "dropped", "overlays", "gates", "places", "quality")),
    ("networks", "Networks", ("honesty", "crops", "training", "components", "profiles")),
    ("methods", "Methods", ("methods", "design", "provenance", "cost")),
)
#: Sections of the page, in order.
ORDER = tuple(name for _, _, names in VIEWS for name in names)


@dataclass(frozen=True)
class Part:
    """A headed piece of a section; `html` is already escaped, a folded one opens on a click."""

    title: str
    html: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """A section of a view: its name, its heading, its parts."""

    anchor: str
    title: str
    parts: Sequence[Part]


def folded_but(parts: Sequence[Part], *shown: str) -> list[Part]:
    """The parts, folded but for those whose titles begin with one of `shown`."""
    return [part if part.title.startswith(shown) else replace(part, folded=True) for part in parts]
