"""The packages import only downwards, as the second drawing of docs/architecture.md has them."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "bin" / "morphodose"
BOX = re.compile(r'(\w+)(?:\["([^"]+)"\])?')


def drawing() -> tuple[dict[str, str], dict[str, set[str]]]:
    """The box of each package, and the boxes that a box points to."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = re.findall(r"```mermaid\nflowchart BT\n(.*?)```", text, flags=re.S)
    assert len(drawn) == 1, "docs/architecture.md has one drawing of the packages"
    labels: dict[str, str] = {}
    arrows: dict[str, set[str]] = {}
    for line in drawn[0].splitlines():
        names = []
        for side in line.split("-->"):
            found = [BOX.fullmatch(one.strip()) for one in side.split("&")]
            assert all(found), f"not a line of boxes and arrows: {line}"
            labels |= {one[1]: one[2] for one in found if one and one[2]}
            names.append([one[1] for one in found if one])
        for upper in (name for side in names for name in side):
            arrows.setdefault(upper, set())
        for uppers, lowers in zip(names, names[1:], strict=False):
            for upper in uppers:
                arrows[upper] |= set(lowers)
    # what stands in round brackets is said to the reader
    packages = {box: re.sub(r"\(.*\)", "", labels.get(box, box)).split(",") for box in arrows}
    return {package.strip(): box for box, inside in packages.items() for package in inside}, arrows


def package_of(source: Path) -> str:
    """Package, or module beside the packages, that a source belongs to."""
    return source.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports() -> dict[tuple[str, str], str]:
    """Pairs of packages of which the first imports the second, with a source that does."""
    found: dict[tuple[str, str], str] = {}
    for source in sorted(LIBRARY.rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                root, _, rest = name.partition(".")
                if root == "morphodose" and rest:
                    pair = package_of(source), rest.partition(".")[0]
                    if pair[0] != pair[1]:
                        found.setdefault(pair, str(source.relative_to(ROOT)))
    return found


def test_every_package_is_drawn_and_imports_only_what_is_below_it() -> None:
    boxes, arrows = drawing()
    there = {package_of(source) for source in LIBRARY.rglob("*.py")} - {"__init__"}
    assert there == set(boxes), f"drawn and not there, or there and not drawn: {there ^ set(boxes)}"
    below: dict[str, set[str]] = {}
    for box in TopologicalSorter(arrows).static_order():  # a circle of boxes is an error here
        below[box] = arrows[box].union(*(below[lower] for lower in arrows[box]))
    for (upper, lower), source in imports().items():
        from_box, to_box = boxes[upper], boxes[lower]
        assert from_box == to_box or to_box in below[from_box], f"{source} imports {lower}: upwards"


def test_no_two_packages_import_each_other() -> None:
    graph: dict[str, set[str]] = {}
    for upper, lower in imports():
        graph.setdefault(upper, set()).add(lower)
    assert list(TopologicalSorter(graph).static_order())


def test_every_process_and_no_other_is_in_the_drawing_of_the_flow() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (flow,) = re.findall(r"```mermaid\nflowchart TD\n(.*?)```", text, flags=re.S)
    drawn = set(re.findall(r"\b[a-z]\w+", re.sub(r"\[.*?\]", "", flow))) - {"sheet"}
    assert drawn == {folder.name for folder in (ROOT / "modules" / "local").iterdir()}
