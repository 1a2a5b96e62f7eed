"""The segmentation models of the run: file, hash, origin, what they learnt from, scores, terms, card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from morphodose.report.answers import finite
from morphodose.report.html import Safe, cell, escape, notice
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part
from morphodose.report.words import counted, listed

TITLE = "Segmentation models"
#: Parameter → what its model finds.
FINDS = {"cell_model": "cells", "nuclear_model": "nuclei"}
#: Names of fields that are written out.
MOST_NAMED = 6


def model_part(screen: ReportInputs) -> Part:
    """A list for each file of weights that the run staged; one for both where it is the same file."""
    weights = screen.run.get("weights") or {}
    found: dict[str, tuple[list[str], Mapping[str, Any]]] = {}
    for parameter, what in FINDS.items():
        about = weights.get(parameter)
        if about:
            found.setdefault(str(about.get("sha256")), ([], about))[0].append(what)
    if not found:
        return Part(TITLE, notice("Left out: the record of the run says nothing of weights (--run)."))
    html = ""
    for finds, about in found.values():
        rows = "".join(f"<dt>{escape(k)}</dt><dd>{cell(v)}</dd>" for k, v in entries(about, listed(finds)))
        html += f'<dl class="md-list">{rows}</dl>'
    return Part(TITLE, html)


def entries(about: Mapping[str, Any], finds: str) -> list[tuple[str, object]]:
    """What is known of a file of weights, in the order in which it is read."""
    own = "start" in about  # of train_cells.py, which writes a card beside the file
    checked = "as expected" if about.get("checked") else "no hash to compare with was given"
    named = about.get("model") or about.get("name")
    rows: list[tuple[str, object]] = [
        ("Finds", finds),
        ("Model", named if named == about.get("file") else f"{named}, file {about.get('file')}"),
        ("SHA-256", Safe(f"<code>{escape(about.get('sha256'))}</code>, {escape(checked)}")),
        ("Origin", about.get("origin")),
    ]
    if own:
        learnt = (
            f"{counted(int(about.get('cells') or 0), 'corrected cell')} of {_fields(about.get('fields'))}"
        )
        rows += [("Trained on from", about["start"]), ("Learnt from", learnt)]
        rows.append(("F1 at IoU 0.5 and 0.75", _scores(about)))
    elif about.get("training_data"):
        rows.append(("Learnt from", about["training_data"]))
    rows.append(("Terms", about.get("licence") or "not recorded"))
    card = str(PurePath(str(about.get("file"))).with_suffix(".md")) if own else about.get("scores")
    rows.append(("Card", f"{card}, beside the file" if own else card or "none came with the file"))
    return rows


def _fields(names: Any) -> str:
    names = list(names or [])
    return f"{counted(len(names), 'field')} ({listed(names, MOST_NAMED)})" if names else "no field"


def _scores(about: Mapping[str, Any]) -> str:
    before, after = (
        [f"{score:.2f}" for score in about.get(f"f1_{when}") or [] if finite(score)]
        for when in ("before", "after")
    )
    if not after:
        return "not known: no field was held out"
    was = f"{' and '.join(before)} before, " if before else ""
    return f"{was}{' and '.join(after)} after; held out: {_fields(about.get('held_out'))}"
