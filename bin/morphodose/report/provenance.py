"""Sections: what went in (design, faults, steps left out), and with what (versions, parameters)."""

from __future__ import annotations

from morphodose.report.html import Safe, cell, escape, folded, notice, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.models import model_part
from morphodose.report.parts import Part, Section
from morphodose.report.plates import dose_key
from morphodose.report.words import hours, listed
from morphodose.steps import registry

EMPTY = "without a role"
#: Words for the steps of the pipeline, by their command.
STEPS = {step.command.removesuffix(".py"): step.words for step in registry.STEPS if step.words}


#: What the results folder holds beside the page; docs/output.md has every file and column.
FILES = (
    ("tables/cells/<well-timepoint>.parquet", "one row per cell"),
    ("tables/images/<acquisition>.parquet", "one row per field"),
    ("tables/wells.parquet, .csv", "one row per well-timepoint"),
    ("tables/conditions.parquet, .csv", "means over wells"),
    ("tables/responses.parquet, .csv", "one row per dose-response curve: EC50, interval, state"),
    ("tables/curves.parquet, points.parquet", "the curves as drawn, and the wells behind them"),
    ("tables/hits.parquet, .csv", "compounds with too few doses for a curve"),
    ("tables/growth.parquet", "growth rates: GR50 and GRmax"),
    ("tables/comparisons.parquet", "EC50s of compounds and groups beside each other"),
    ("tables/departures.parquet", "the dose at which shape changes, beside that of death"),
    ("tables/onsets.parquet, orders.parquet", "when each dose changed what, and in which order"),
    ("tables/positions.parquet", "whether row, column or edge moves the vehicle wells"),
    ("tables/zprime.parquet", "quality of the controls"),
    ("tables/diameters.parquet", "diameters, where they were estimated"),
    ("tables/reduced/<set>/", "components of classical, deep and joint features"),
    ("tables/profiles/<set>.parquet", "profiles of wells"),
    ("tables/embeddings/", "one embedding per cell"),
    ("tables/scores/", "the network beside methods that need none"),
    ("death/<acquisition>_gates.parquet", "gates of the death stains"),
    ("anndata/cells.h5ad, wells.h5ad", "cells and wells for scanpy and the like"),
    ("design/plate_map.csv", "the plate map as it was understood"),
    ("report/figures/", "figures for papers, as PNG and SVG"),
    ("pipeline_info/manifest.json", "every file of the run, with its size and hash"),
)


def design(screen: ReportInputs) -> Section:
    """The design in words."""
    return Section("design", "Design", [_design(screen)])


def _design(screen: ReportInputs) -> Part:
    wells, given = screen.wells, screen.design
    roles = wells.drop_duplicates(["Metadata_Plate", "Metadata_Well"])["Metadata_Role"].value_counts()
    replicates = sorted(wells["Metadata_Replicate"].unique())
    entries: list[tuple[str, object]] = [
        ("Plates", listed(sorted(wells["Metadata_Plate"].unique()))),
        ("Timepoints", listed((hours(t) for t in screen.timepoints), 12)),
        ("Replicates", listed(replicates, 12)),
        ("Doses", dose_key(screen) or "no treated well"),
        ("Wells of a plate map", listed(f"{n} {role or EMPTY}" for role, n in roles.items())),
    ]
    if channels := given.get("channels"):
        roles_of = {v: k.replace("_", " ") for k, v in (given.get("roles") or {}).items() if v}
        names = [
            f"{c['name']} ({roles_of[c['name']]})" if c["name"] in roles_of else str(c["name"])
            for c in channels
        ]
        entries.append(("Channels (role)", listed(names, 12)))
    if image := given.get("image"):
        entries.append(("Images", f"{image.get('width')} × {image.get('height')} px, {image.get('dtype')}"))
    for key, words in (
        ("planes", "Raw planes"),
        ("fields", "Fields"),
        ("ignored_files", "Other files, not read"),
    ):
        value = given.get(key)
        if isinstance(value, int):
            entries.append((words, f"{value:,}"))
    empty = given.get("empty_well_timepoints") or []
    if empty:
        entries.append(("Wells without images", listed(empty) if isinstance(empty, list) else empty))
    return Part("", definition(entries))


def definition(entries: list[tuple[str, object]]) -> str:
    """A list of names and values."""
    return (
        '<dl class="md-list">'
        + "".join(f"<dt>{escape(k)}</dt><dd>{cell(v)}</dd>" for k, v in entries)
        + "</dl>"
    )


def excluded_fields(screen: ReportInputs) -> list[dict[str, object]]:
    """Fields that `check_design` left out, with the reason."""
    return list(screen.design.get("excluded") or [])


def provenance(screen: ReportInputs) -> Section:
    """The run, the models, the software, the parameters."""
    parts = [_run(screen), model_part(screen)]
    if screen.versions:
        rows = [
            [process, ", ".join(f"{t} {v}" for t, v in tools.items())]
            for process, tools in screen.versions.items()
        ]
        parts.append(
            Part("Software", tools_table(screen) + folded("By step", table(["Step", "Software"], rows)))
        )
    else:
        parts.append(Part("Software", notice("Left out: the versions were not given (--versions).")))
    if screen.params:
        rows = [
            [name, "–" if value in (None, "") else str(value)]
            for name, value in sorted(screen.params.items())
        ]
        parts.append(Part("Parameters", table(["Parameter", "Value"], rows)))
    else:
        parts.append(
            Part("Parameters", notice("Left out: the parameters were not given (--params, or in --run)."))
        )
    parts.append(Part("Files", table(["Of the results, where the run has it", "What it holds"], FILES)))
    return Section("provenance", "Run, software, parameters", parts)


def tools(screen: ReportInputs) -> dict[str, list[str]]:
    """Each tool with its versions, over all steps."""
    found: dict[str, set[str]] = {}
    for entries in screen.versions.values():
        for tool, version in entries.items():
            found.setdefault(tool, set()).add(version)
    return {tool: sorted(found[tool]) for tool in sorted(found, key=str.lower)}


def tools_table(screen: ReportInputs) -> str:
    """Tool and version; two versions of a tool in one run are pointed out."""
    rows = []
    for tool, versions in tools(screen).items():
        text = ", ".join(versions)
        mark = Safe(f'{escape(text)} <span class="md-state md-warn">differs between steps</span>')
        rows.append([tool, mark if len(versions) > 1 else text])
    return table(["Software", "Version"], rows)


def _run(screen: ReportInputs) -> Part:
    names = {
        "pipeline": "Pipeline",
        "version": "Version",
        "revision": "Revision",
        "profile": "Profile",
        "command": "Command",
        "command_line": "Command",
        "session": "Session",
        "start": "Started",
        "nextflow": "Nextflow",
        "container_engine": "Containers",
    }
    entries = [(words, str(screen.run[key])) for key, words in names.items() if screen.run.get(key)]
    if not entries:
        return Part("Run", notice("Left out: the record of the run was not given (--run)."))
    if "container_engine" in screen.run and not screen.run["container_engine"]:
        entries.append(("Containers", "none (software of the machine)"))
    return Part("Run", definition(list(entries)))
