"""Section: what the run cost. Nextflow's trace tells it, which is whole only after the last task."""

from __future__ import annotations

from morphodose.report.parts import Part, Section

#: Between these two `lib/cost.nf` writes the table, after the last task.
BEGIN, END = "<!--run-cost-->", "<!--/run-cost-->"


def section() -> Section:
    """The place of the table of tasks, time and memory of each step."""
    unknown = (
        "<p>Not known in this copy of the page: it was written before the run had ended. The figures of each "
        "task are in <code>pipeline_info/trace.txt</code>.</p>"
    )
    return Section("cost", "Cost", [Part("Time and memory", f"{BEGIN}{unknown}{END}")])
