#!/usr/bin/env python3
"""Write what follows from the declarations of parameters and steps; `--check` fails where it is stale.

That is nextflow_schema.json, conf/parameters.config, the tables of parameters in docs/usage.md, and
assets/steps.json, which tells Nextflow the command and the parameters of each process.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

from morphodose.options.groups import GROUPS  # noqa: E402
from morphodose.options.option import Group, Option, Value  # noqa: E402
from morphodose.steps.registry import STEPS  # noqa: E402

TYPES = {"text": "string", "file": "string", "folder": "string", "flag": "boolean"}
QUOTES = "'\""
FORMATS = {"file": "file-path", "folder": "directory-path"}


def entry(option: Option) -> dict[str, Any]:
    """A parameter in the schema."""
    found: dict[str, Any] = {
        "type": TYPES.get(option.kind, option.kind),
        "description": option.help,
        "default": option.default,
        "format": FORMATS.get(option.kind),
        "exists": option.exists or None,
        "enum": list(option.choices) or None,
        "minimum": option.minimum,
        "exclusiveMinimum": option.above,
        "maximum": option.maximum,
        "not": None if option.never is None else {"const": option.never},
        "pattern": option.pattern or None,
        "errorMessage": option.error or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def schema() -> str:
    """nextflow_schema.json."""
    groups: dict[str, Any] = {}
    for group in GROUPS:
        groups[group.key] = {
            "title": group.title,
            "type": "object",
            "properties": {option.name: entry(option) for option in group.options},
        }
        if required := [option.name for option in group.options if option.required]:
            groups[group.key]["required"] = required
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "morphodose pipeline parameters",
        "description": "Dose and time responses of cells, from the raw images of a drug screen",
        "type": "object",
        "$defs": groups,
        "allOf": [{"$ref": f"#/$defs/{key}"} for key in groups],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def groovy(value: Value) -> str:
    """A value as the configuration writes it."""
    if isinstance(value, str):
        # only where the project lies is looked up
        return f'"{value}"' if "${projectDir}" in value else f"'{value}'"
    return "null" if value is None else str(value).lower()


def config() -> str:
    """conf/parameters.config."""
    width = max(len(option.name) for group in GROUPS for option in group.options)
    lines = [
        "// Defaults of the parameters: written by `make generate` from bin/morphodose/options/.",
        "params {",
    ]
    for group in GROUPS:
        lines += [f"    // {group.title.lower()}"]
        lines += [f"    {option.name:{width}} = {groovy(option.default)}" for option in group.options] + [""]
    return "\n".join([*lines[:-1], "}"]) + "\n"


def steps() -> str:
    """assets/steps.json: process → its command and the names of its parameters."""
    entries = [
        f'  "{step.name}": '
        + json.dumps({"command": step.command, "options": [o.name for o in step.options]})
        for step in STEPS
    ]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def table(group: Group) -> str:
    """The parameters of a group for the guide."""
    rows = ["| parameter | default | what it is |", "|---|---|---|"]
    for option in group.options:
        default = "" if option.default in (None, "") else f"`{groovy(option.default).strip(QUOTES)}`"
        kinds = " · ".join(f"`{choice}`" for choice in option.choices if choice != "")
        text = option.help.replace("|", "\\|")
        rows.append(f"| `--{option.name}` | {default} | {text}{f' One of {kinds}.' if kinds else ''} |")
    return "\n".join(rows)


def guide(page: str) -> str:
    """docs/usage.md with its tables: `<!-- parameters: KEY -->` begins one, `<!-- end -->` ends it."""
    tables = {group.key: table(group) for group in GROUPS}
    marked = re.compile(r"(<!-- parameters: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return marked.sub(lambda found: f"{found[1]}{tables[found[2]]}\n{found[3]}", page)


def generated() -> dict[Path, str]:
    """File → what it should hold."""
    usage = ROOT / "docs" / "usage.md"
    return {
        ROOT / "nextflow_schema.json": schema(),
        ROOT / "conf" / "parameters.config": config(),
        ROOT / "assets" / "steps.json": steps(),
        usage: guide(usage.read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    stale = {
        place: text
        for place, text in generated().items()
        if not place.exists() or place.read_text(encoding="utf-8") != text
    }
    if "--check" in sys.argv and stale:
        sys.exit(f"stale: {', '.join(str(place.relative_to(ROOT)) for place in stale)}; type make generate")
    for place, text in stale.items():
        place.write_text(text, encoding="utf-8")
