"""Section: what was dropped, why, and the command that runs it again."""

from __future__ import annotations

import shlex

from morphodose.report.html import escape, long_table, notice, paragraph, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.provenance import STEPS, excluded_fields
from morphodose.report.quality import verdict_part
from morphodose.report.words import counted


def section(screen: ReportInputs) -> Section:
    """Faults of the input, fields that quality control dropped, wells and steps left out, the command."""
    parts = [_command(screen), _faults(screen), verdict_part(screen)]
    parts.append(_left_out(screen))
    return Section("dropped", "What was dropped", parts)


def _command(screen: ReportInputs) -> Part:
    """The command of this run with -resume: it does again only what is missing or has changed."""
    run, title = screen.run, "To run it again"
    if not run:
        return Part(title, notice("Left out: the record of the run was not given (--run)."))
    outdir = str(screen.params.get("outdir") or "results").rstrip("/")
    # only a pipeline that Nextflow fetched has a revision; another was started from a clone
    fetched = run.get("pipeline") and run.get("revision")
    words = ["nextflow", "run"]
    words += [str(run["pipeline"]), "-r", str(run["revision"])] if fetched else ["main.nf"]
    words += ["-profile", str(run["profile"])] if run.get("profile") else []
    words += ["-work-dir", str(run["work_dir"])] if run.get("work_dir") else []
    words += ["-params-file", f"{outdir}/pipeline_info/params.json", "-resume"]
    text = paragraph(
        "Copy missing or faulty files from the instrument again, then run this in the folder of the first "
        "run. Only what depends on changed files is repeated. params.json has the parameters of this run."
        + ("" if fetched else " If main.nf is not in that folder, write where it is.")
    )
    return Part(title, f'{text}<pre class="md-command"><code>{escape(shlex.join(words))}</code></pre>')


def _faults(screen: ReportInputs) -> Part:
    faults, excluded = screen.faults, excluded_fields(screen)
    if not screen.design and faults.empty:
        return Part(
            "Faults of the input",
            notice("Left out: the design of check_design was not given (--design, --faults)."),
        )
    if faults.empty and not excluded:
        return Part(
            "Faults of the input",
            paragraph(
                "No fault was found: every plane is present and readable, and every well is in the plate "
                "map.",
                kind="md-fine",
            ),
        )
    html = ""
    if not faults.empty:
        columns = [c for c in ("Severity", "File", "Row", "Value", "Message", "Fix") if c in faults]
        rows = [
            [
                "" if v is None or v != v else int(v) if c == "Row" else v
                for c, v in zip(columns, row, strict=True)
            ]
            for row in faults[columns].itertuples(index=False, name=None)
        ]
        html += long_table(columns, rows[:300], "faults")
        if len(rows) > 300:
            html += paragraph(f"The first 300 of {len(rows):,} faults; all are in design_faults.parquet.")
    if excluded:
        rows = [[e.get("image_id"), e.get("reason")] for e in excluded]
        html += paragraph(f"{counted(len(excluded), 'field')} left out of everything:") + long_table(
            ["Field", "Reason"], rows[:300], "fields"
        )
    return Part("Faults of the input", html)


def _left_out(screen: ReportInputs) -> Part:
    entries = screen.run.get("left_out") or []
    title = "Steps left out"
    if not screen.run:
        return Part(title, notice("Left out: the record of the run was not given (--run)."))
    if not entries:
        return Part(title, paragraph("None: every step of the pipeline ran.", kind="md-fine"))
    rows = [[STEPS.get(str(e.get("step")), e.get("step")), e.get("reason")] for e in entries]
    return Part(title, table(["Step", "Reason"], rows))
