#!/usr/bin/env python3
"""Whether a Python can run the steps: its version, and every package that the code of bin/ imports.

By default packages are only looked for, which takes a moment. `--imports` imports them and all modules of
bin/, which the set-up does once. `--image NAME` asks for no more than the steps of one image of containers/
need when they start. Faults go to the standard output, one per line, and make the exit status 1. It needs
only Python.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / "bin"
#: NumPy 2.0, which Cellpose 3 needs, is not built for later ones.
OLDEST, NEWEST = (3, 11), (3, 12)


def imported(source: Path, lazily: bool) -> Iterator[str]:
    """Dotted names that a module imports when it is run; with `lazily` those within its functions, too."""
    pending: list[ast.AST] = [ast.parse(source.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending += node.orelse
            continue
        if isinstance(node, ast.Try) and any("ImportError" in ast.dump(handler) for handler in node.handlers):
            continue  # the code knows what to do without it
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not lazily:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (
                f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith("morphodose")
            )
        pending += ast.iter_child_nodes(node)


def source_of(name: str) -> Path | None:
    """The file of a module of this project, or None."""
    place = BIN / name.replace(".", "/")
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def needed(sources: list[Path], lazily: bool) -> set[str]:
    """Packages, not of Python itself, that the sources and all project modules behind them import."""
    packages: set[str] = set()
    seen: set[Path] = set()
    while sources:
        source = sources.pop()
        if source in seen:
            continue
        seen.add(source)
        for name in imported(source, lazily):
            first = name.partition(".")[0]
            if first == "morphodose":
                sources += filter(None, [source_of(name)])
            elif first not in sys.stdlib_module_names:
                packages.add(first)
    return packages


def commands_of(image: str) -> list[Path]:
    """Commands of bin/ that the modules call which run in an image; those without a label run in `base`."""
    label = {"cellpose3": "image_cellpose", "cellpose4": "image_cellpose", "resnet": "image_resnet"}.get(
        image
    )
    names = {"versions"}
    for module in sorted(ROOT.glob("modules/local/*/main.nf")):
        text = module.read_text(encoding="utf-8")
        found = re.search(r"^    label '(image_\w+)'", text, re.MULTILINE)
        if (found[1] if found else None) == label:
            names |= set(re.findall(r"^    (?:\$\{launcher\} )?(\w+)\.py ", text, re.MULTILINE))
    return [BIN / f"{name}.py" for name in sorted(names)]


def version_fault() -> str | None:
    """Why this Python is not the right one."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return None
    wanted = " or ".join(f"{major}.{minor}" for major, minor in (OLDEST, NEWEST))
    return f"is Python {sys.version_info[0]}.{sys.version_info[1]}; {wanted} is needed"


def missing(packages: set[str]) -> list[str]:
    """Packages that are not there."""
    return sorted(name for name in packages if importlib.util.find_spec(name) is None)


def broken(packages: set[str]) -> list[str]:
    """Packages and modules of this project that cannot be imported, with the error of each."""
    sys.path.insert(0, str(BIN))
    sys.dont_write_bytecode = True
    modules = [path.relative_to(BIN).with_suffix("") for path in sorted(BIN.glob("morphodose/**/*.py"))]
    names = [".".join(path.parts).removesuffix(".__init__") for path in modules]
    found = []
    for name in sorted(packages) + names:
        try:
            importlib.import_module(name)
        except Exception as fault:
            found.append(f"cannot import {name}: {type(fault).__name__}: {fault}".splitlines()[0])
    return found


def main() -> int:
    """Print what is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--image", help="An image of containers/; its steps alone.")
    parser.add_argument("--imports", action="store_true", help="Import everything instead of looking for it.")
    given = parser.parse_args()
    faults = [fault for fault in [version_fault()] if fault]
    if not faults:
        sources = commands_of(given.image) if given.image else sorted(BIN.glob("*.py"))
        packages = needed(sources, lazily=not given.image)
        lacking = missing(packages)
        if lacking:
            faults.append(f"lacks {', '.join(lacking)}")
        elif given.imports:
            faults += broken(packages)
    if faults:
        print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
