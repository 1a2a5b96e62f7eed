#!/usr/bin/env python3
"""Write what follows from the declared parameters, steps and tables; `--check` fails where it is stale.

That is nextflow_schema.json, conf/parameters.config, the tables of parameters in docs/usage.md, those of
columns in docs/output.md, meta.yml of each module, and assets/steps.json, which tells Nextflow the command
and the parameters of each process.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

from morphodose.columns import OWN, Columns, Table  # noqa: E402
from morphodose.key_columns import KEYS  # noqa: E402
from morphodose.options.derived import CELLPOSE_SAM  # noqa: E402
from morphodose.options.groups import GROUPS  # noqa: E402
from morphodose.options.option import Group, Option, Value  # noqa: E402
from morphodose.schemas import TABLES  # noqa: E402
from morphodose.steps.registry import STEPS  # noqa: E402

TYPES = {"text": "string", "file": "string", "folder": "string", "flag": "boolean"}
QUOTES = "'\""
#: Module → its command, where that has another name.
COMMAND_OF = {"estimate_cost": "dry_run"}
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
    """assets/steps.json: what Nextflow needs to know of each process, and which models are Cellpose-SAM."""
    entries = [
        f'    "{step.name}": '
        + json.dumps({"command": step.command, "gpu": step.gpu, "options": [o.name for o in step.options]})
        for step in STEPS
    ]
    head = f'{{\n  "cellpose_sam": {json.dumps(CELLPOSE_SAM)},\n  "steps": {{\n'
    return head + ",\n".join(entries) + "\n  }\n}\n"


def ports(text: str) -> list[dict[str, str]]:
    """Name, type and meaning (the comment behind it) of the inputs or outputs of a module, line by line."""
    found, said = [], ""
    for line in text.splitlines():
        code, _, comment = line.strip().partition("//")
        names = re.findall(r"\b(val|path)[ (]+([\w]+)", code)
        emitted = re.search(r"emit: (\w+)", code)
        if emitted:
            names = [("file", emitted[1])]
        for kind, name in names:
            meaning = comment.strip() or said or name.replace("_", " ")
            found.append(
                {"name": name, "type": {"val": "value", "path": "file"}.get(kind, kind), "is": meaning}
            )
        said = comment.strip() if comment and not code.strip() else ""
    return found


def meta(module: Path) -> str:
    """meta.yml of a module, in the form of nf-core, from its main.nf and the steps that it runs."""
    text = module.read_text(encoding="utf-8")
    name = module.parent.name
    step = next(step for step in STEPS if step.command.removesuffix(".py") == COMMAND_OF.get(name, name))
    head = re.search(r'"""(.*?)(?:\n|""")', (ROOT / "bin" / step.command).read_text(encoding="utf-8"))
    what = head[1] if head else step.words
    lines = [
        "# Written by `make generate` from main.nf and bin/morphodose/steps/.",
        f"name: {name}",
        f"description: {json.dumps(what, ensure_ascii=False)}",
        f"keywords: [microscopy, drug screen, {name.replace('_', ' ')}]",
        "tools:",
        f"  - {step.command.removesuffix('.py')}:",
        f"      description: bin/{step.command}",
        '      licence: ["MIT"]',
    ]
    process = text.partition("\nprocess ")[0]  # of several the first
    inputs = process.partition("input:")[2].partition("output:")[0]
    outputs = process.partition("output:")[2].partition("script:")[0]
    is_known = {output.name: output.meaning for output in step.outputs}
    handed_on = [port | {"is": is_known.get(port["name"], port["is"])} for port in ports(outputs)]
    for title, entries in (("input", ports(inputs)), ("output", handed_on)):
        lines.append(f"{title}:")
        for entry in entries:
            lines += [f"  - {entry['name']}:", f"      type: {entry['type']}"]
            lines += [f"      description: {json.dumps(entry['is'], ensure_ascii=False)}"]
    if step.versions:
        lines += ["versions:", *(f"  - {package}" for package in step.versions)]
    return "\n".join([*lines, "authors:", '  - "The morphodose authors"']) + "\n"


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


def column(each: Columns) -> str:
    """Names, type, unit and meaning of columns for the guide; the type without its number of bits."""
    names = ", ".join(f"`{name}`" for name in each.each)
    unit = "" if each.unit in ("", OWN) else f", {each.unit}"
    return f"| {names} | {each.kind.rstrip('0123456789')}{unit} | {each.meaning} |"


def is_key(each: Columns) -> bool:
    """Whether columns say of what a row is."""
    return each.names.startswith("Metadata_")


def columns(table: Table) -> str:
    """The columns of a table but its keys, for the guide."""
    rows = [column(each) for each in table.columns if not is_key(each)]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *rows])


def key_columns() -> str:
    """The keys, and the tables that have them, for the guide."""
    rows = ["| column | type | meaning | tables |", "|---|---|---|---|"]
    for key in KEYS:
        having = [
            table.name for table in TABLES if table.file and key.names in {c.names for c in table.columns}
        ]
        rows.append(f"{column(key)} {', '.join(f'`{name}`' for name in having)} |")
    return "\n".join(rows)


def outputs(page: str) -> str:
    """docs/output.md with its tables: `<!-- columns: NAME -->` begins one, `<!-- end -->` ends it."""
    tables = {table.name: columns(table) for table in TABLES} | {"keys": key_columns()}
    marked = re.compile(r"(<!-- columns: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return marked.sub(lambda found: f"{found[1]}{tables[found[2]]}\n{found[3]}", page)


def generated() -> dict[Path, str]:
    """File → what it should hold."""
    usage, output = (ROOT / "docs" / name for name in ("usage.md", "output.md"))
    modules = sorted((ROOT / "modules" / "local").glob("*/main.nf"))
    return {
        ROOT / "nextflow_schema.json": schema(),
        ROOT / "conf" / "parameters.config": config(),
        ROOT / "assets" / "steps.json": steps(),
        usage: guide(usage.read_text(encoding="utf-8")),
        output: outputs(output.read_text(encoding="utf-8")),
        **{module.with_name("meta.yml"): meta(module) for module in modules},
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
