"""The page itself: sections handed to MultiQC, which writes one HTML file that needs nothing else.

MultiQC (Ewels et al., Bioinformatics 2016) is used as a library. Its Python interface is preferred to
custom-content files: no file search, no guessing of formats, and a section in the order it was given.
All that could call home is off: the version check, the AI buttons and the upload to MegaQC. MultiQC reads
settings from the home folder, the working folder and the environment; none of them may change the report.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from morphodose.files import replacing
from morphodose.report.html import escape
from morphodose.report.parts import LinePlot, Part, ScatterPlot, Section
from morphodose.report.script import SCRIPT
from morphodose.report.style import CSS

#: MultiQC's settings; what it would do beyond writing the page is off.
SETTINGS: dict[str, Any] = {
    "no_version_check": True,
    "no_ai": True,
    "template_dark_mode": False,
    "skip_generalstats": True,
    "skip_versions_section": True,
    "show_analysis_paths": False,
    "make_data_dir": False,
    "data_dump_file": False,
    "plots_force_interactive": True,
    "plots_defer_loading_numseries": 1000,
}
#: What stands for a text, and for a name, until the page is there.
MARK, NAME = '<div data-morphodose="{}"></div>', "[[{}-{}]]"


def write_page(path: str | Path, sections: Sequence[Section], title: str, lead: str) -> None:
    """Write the sections as one self-contained HTML file, whole or not at all.

    Parameters
    ----------
    path : path
        The HTML file.
    sections : sequence of Section
        In the order of the page.
    title, lead : str
        Heading of the page and the line below it; HTML, already escaped.
    """
    with replacing(Path(path).resolve()) as temporary, _undisturbed():
        html = _render(sections, title, lead)
        temporary.write_text(html, encoding="utf-8")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """An empty home and working folder and no MultiQC variables, while MultiQC looks for settings."""
    kept = dict(os.environ)
    place = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="morphodose-report-") as folder:
        for name in [n for n in os.environ if n.startswith("MULTIQC_")]:
            del os.environ[name]
        os.environ.update(HOME=folder, XDG_CONFIG_HOME=folder)
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(place)
            os.environ.clear()
            os.environ.update(kept)


def _render(sections: Sequence[Section], title: str, lead: str) -> str:
    """The page as text.

    MultiQC is given a mark in place of every text, and the texts are put in afterwards: it keeps a copy of
    all it is given for its AI buttons, which would double the pictures, and its navigation turns escaped
    names back into tags.
    """
    import multiqc
    from multiqc import config, report
    from multiqc.base_module import BaseMultiqcModule

    multiqc.reset()
    Path("page.css").write_text(CSS, encoding="utf-8")
    settings = SETTINGS | {"title": _one_line(title), "intro_text": MARK.format("lead")}
    Path("settings.yaml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    for name, value in SETTINGS.items():  # the file is read when the page is written, plots are made before
        setattr(config, name, value)
    texts, names = {"lead": lead}, {}
    # a name of the screen that looks like a mark is none
    token = secrets.token_hex(8)
    for section in sections:
        module = BaseMultiqcModule(
            name=escape(section.title), anchor=f"md-{section.anchor}", autoformat=False
        )
        for index, part in enumerate(section.parts, start=1):
            anchor = f"md-{section.anchor}-{index}"
            texts[f"{anchor}-above"], texts[f"{anchor}-below"] = part.html, part.below
            names[anchor] = part.title
            module.add_section(
                name=NAME.format(token, anchor),
                anchor=anchor,
                content_before_plot=MARK.format(f"{anchor}-above") if part.html else "",
                plot=_plot(part),
                content=MARK.format(f"{anchor}-below") if part.below else "",
                autoformat=False,
            )
        report.modules.append(module)
    html = multiqc.write_report(
        custom_css_files=[str(Path("page.css").resolve())],
        config_files=[str(Path("settings.yaml").resolve())],
        no_version_check=True,
        no_megaqc_upload=True,
        quiet=True,
        make_data_dir=False,
        return_html=True,
    )
    if not html:
        raise RuntimeError("MultiQC wrote no report")
    html = re.sub(rf"\[\[{token}-(md-[a-z0-9-]+)\]\]", lambda match: escape(names[match[1]]), str(html))
    pattern = re.escape(MARK).replace(r"\{\}", "([a-z0-9-]+)")
    html = re.sub(pattern, lambda match: f'<div class="md-part">{texts[match[1]]}</div>', html)
    head, end, tail = html.rpartition("</body>")
    if not end:
        raise RuntimeError("MultiQC's page has no end of its body")
    return f"{head}<script>{SCRIPT}</script>{end}{tail}"


def _one_line(title: str) -> str:
    """A title that MultiQC may also put into a quoted JavaScript text."""
    return " ".join(title.replace("\\", "/").split())


def _plot(part: Part) -> Any:
    if isinstance(part.plot, LinePlot):
        return _line_plot(part.plot)
    if isinstance(part.plot, ScatterPlot):
        return _scatter_plot(part.plot)
    return None


def _line_plot(plot: LinePlot) -> Any:
    """MultiQC sorts the series of a plot by name; those given as further series keep their order."""
    from multiqc.plots import linegraph

    first, others = [], []
    for lines in plot.panels.values():
        first.append({lines[0].name: dict(lines[0].points)})
        others.append(
            [
                {"name": n.name, "pairs": list(n.points), "color": n.colour, "dash": n.dash, "width": 2}
                for n in lines[1:]
            ]
        )
    heads = [lines[0] for lines in plot.panels.values()]
    labels = []
    for name in plot.panels:
        low, high = plot.yranges.get(name, (None, None))
        xlab = plot.xlab if isinstance(plot.xlab, str) else plot.xlab[name]
        label: dict[str, Any] = {"name": name, "xlab": xlab, "ylab": plot.ylabs.get(name, name)}
        label |= {key: value for key, value in (("ymin", low), ("ymax", high)) if value is not None}
        labels.append(label)
    settings: dict[str, Any] = {
        "id": plot.id,
        "title": f"{plot.title}",
        "xlab": labels[0]["xlab"],
        "ylab": labels[0]["ylab"],
        "ymin": labels[0].get("ymin"),
        "ymax": labels[0].get("ymax"),
        "style": "lines+markers" if plot.markers else "lines",
        "showlegend": True,
        "xlog": plot.xlog,
        "smooth_points": None,
        "save_data_file": False,
        "colors": {head.name: head.colour for head in heads},
        "dash_styles": {head.name: head.dash for head in heads if head.dash},
        "height": 480,
    }
    if any(others):
        settings["extra_series"] = others
    if len(labels) > 1:
        settings["data_labels"] = labels
    return linegraph.plot(first, settings)


def _scatter_plot(plot: ScatterPlot) -> Any:
    """Points of a class as one series of markers.

    MultiQC's own scatter plot makes a series of each point: too many for a browser with thousands of cells.
    """
    lines = LinePlot(plot.id, plot.title, plot.xlabs, plot.panels, plot.ylabs)
    drawn = _line_plot(lines)
    for dataset in drawn.datasets:
        dataset.trace_params.update(mode="markers", marker={"size": plot.size, "opacity": 0.65})
    return drawn
