"""The page itself: sections in views, one HTML file that needs nothing else.

Jinja2 fills the frame, escaping what is not marked as HTML; there is no framework in the browser. Without
JavaScript, and in print, all views stand below one another; with it, one is shown at a time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from morphodose.files import replacing
from morphodose.report.html import Safe
from morphodose.report.parts import VIEWS, Section
from morphodose.report.script import SCRIPT
from morphodose.report.style import CSS

FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="morphodose">
<title>{{ title }}</title>
<link rel="icon" href="data:,">
<style>{{ css }}</style>
<script>document.documentElement.classList.add("md-js")</script>
</head>
<body>
<a class="md-skip" href="#md-main">Skip to the content</a>
<header class="md-head">
<div class="md-title"><h1>{{ title }}</h1><p>{{ lead }}</p></div>
<nav aria-label="Views">
{%- for view in views %}<a href="#view-{{ view.key }}" data-view-link="{{ view.key }}">{{ view.title }}</a>
{%- endfor %}</nav>
{%- if compounds|length > 1 %}
<label class="md-compound">Compound <select id="md-compound">
{%- for name in compounds %}<option value="{{ loop.index0 }}">{{ name }}</option>{% endfor -%}
</select></label>
{%- endif %}
</header>
<main id="md-main" tabindex="-1">
{%- for view in views %}
<section class="md-page" id="view-{{ view.key }}" aria-labelledby="title-{{ view.key }}">
<h2 id="title-{{ view.key }}"{% if view.key == "answer" %} class="md-hidden"{% endif %}>{{ view.title }}</h2>
{%- for section in view.sections %}
<div class="md-section" id="sec-{{ section.anchor }}">
{%- set headed = section.title and section.title != view.title and view.sections|length > 1 %}
{%- set level = 4 if headed else 3 %}
{%- if headed %}
<h3>{{ section.title }}</h3>
{%- endif %}
{%- for part in section.parts %}
{%- if part.folded %}
<details class="md-part md-fold" id="sec-{{ section.anchor }}-{{ loop.index }}">
<summary>{{ part.title }}</summary>{{ part.html }}</details>
{%- else %}
<div class="md-part" id="sec-{{ section.anchor }}-{{ loop.index }}">
{%- if part.title %}<h{{ level }}>{{ part.title }}</h{{ level }}>{% endif %}{{ part.html }}</div>
{%- endif %}
{%- endfor %}
</div>
{%- endfor %}
</section>
{%- endfor %}
</main>
{%- for name, text in data %}
<script type="application/json" id="md-data-{{ name }}">{{ text }}</script>
{%- endfor %}
<script>{{ script }}</script>
</body>
</html>
"""


def write_page(
    path: str | Path,
    sections: Sequence[Section],
    title: str,
    lead: str,
    *,
    compounds: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write the sections as one self-contained HTML file, whole or not at all.

    Parameters
    ----------
    path : path
        The HTML file.
    sections : sequence of Section
        Each is shown in the view that names it, see `parts.VIEWS`; in the order of its view.
    title, lead : str
        Heading of the page and the line below it; plain text.
    compounds : sequence of str
        Names, in the order of their numbers in `data` and in the pieces of the page that belong to one.
    data : mapping
        Name → what the script reads, as JSON.
    """
    with replacing(Path(path).resolve()) as temporary:
        temporary.write_text(_render(sections, title, lead, compounds, data or {}), encoding="utf-8")


def _render(
    sections: Sequence[Section],
    title: str,
    lead: str,
    compounds: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
) -> str:
    """The page as text."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    by_name = {section.anchor: section for section in sections}
    views = []
    for key, words, names in VIEWS:
        shown = [by_name[name] for name in names if name in by_name]
        if shown:
            marked = [
                {
                    "anchor": section.anchor,
                    "title": section.title,
                    "parts": [
                        {"title": part.title, "html": Markup(part.html), "folded": part.folded}
                        for part in section.parts
                    ],
                }
                for section in shown
            ]
            views.append({"key": key, "title": words, "sections": marked})
    frame = Environment(autoescape=True, undefined=StrictUndefined).from_string(FRAME)
    return frame.render(
        title=title,
        lead=lead,
        views=views,
        compounds=list(compounds),
        css=Markup(CSS),
        script=Markup(SCRIPT),
        data=[(name, Markup(as_json(value))) for name, value in (data or {}).items()],
    )


def as_json(value: Any) -> Safe:
    """JSON for a script element: no text in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Safe(text)
