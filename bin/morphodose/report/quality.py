"""Section: are the images fit to be measured? Verdicts, figures of quality, focus, illumination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from morphodose.report import diameters
from morphodose.report.figure import Album, key_outside, panels
from morphodose.report.html import folded, long_table, notice, paragraph, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.words import counted, figure_text, hours, percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

VERDICTS = {"keep": "#3B7EA1", "flag": "#F0B13C", "drop": "#D55E00"}
#: Figures of image quality that are drawn, with words for the axis.
DRAWN = {
    "EdgeWidth": "focus: width of edges (px)",
    "PercentSaturated": "saturated pixels (%)",
    "Background": "background (counts)",
    "ForegroundCoverage": "area with stain (%)",
}


def section(screen: ReportInputs, album: Album) -> Section:
    """Quality by channel, focus of the stacks, flat field, diameters."""
    parts = []
    if figures := quality_columns(screen.images, channels_of(screen)):
        drawn = album.draw("image_quality", lambda: _strips(screen.images, figures))
        caption = "One point per field. Look at fields that lie far from the others of their channel."
        parts.append(Part("Focus, saturation, background", drawn.html("Image quality by channel", caption)))
    parts.append(_focus(screen, album))
    parts.append(_illumination(screen))
    parts.append(diameters.part(screen))
    return Section("quality", "Image quality", parts)


def channels_of(screen: ReportInputs) -> list[str]:
    """Channel names of the design."""
    return [str(channel["name"]) for channel in screen.design.get("channels", [])]


def verdict_counts(images: pd.DataFrame) -> dict[str, int]:
    """Number of fields of each verdict; empty without verdicts."""
    if "Metadata_QCVerdict" not in images:
        return {}
    counts = images["Metadata_QCVerdict"].value_counts()
    return {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}


def verdict_part(screen: ReportInputs) -> Part:
    """How many fields were kept, flagged and dropped, with the reasons and their names."""
    counts = verdict_counts(screen.images)
    if not counts:
        return Part(
            "Fields flagged or dropped", notice(f"Left out: {screen.why_missing('qc_images', 'images')}.")
        )
    images, total = screen.images, sum(counts.values())
    text = paragraph(
        f"Of {counted(total, 'field')}, {counts['keep']:,} are kept, {counts['flag']:,} flagged (measured, "
        f"but worth a look), {counts['drop']:,} dropped (left out of all results)."
    )
    bad = images[images["Metadata_QCVerdict"].isin(["flag", "drop"])]
    html = text
    if len(bad):
        reasons = bad.groupby(["Metadata_QCVerdict", "Metadata_QCReason"]).size().sort_values(ascending=False)
        html += long_table(
            ["Verdict", "Reason", "Fields"], [[v, r, int(n)] for (v, r), n in reasons.items()], "reasons"
        )
        rows = bad.sort_values(["Metadata_QCVerdict", "Metadata_ImageID"])[
            ["Metadata_ImageID", "Metadata_QCVerdict", "Metadata_QCReason"]
        ]
        shown = rows.head(200).itertuples(index=False, name=None)
        title = "Fields that are flagged or dropped" + (
            f" (the first 200 of {len(rows):,})" if len(rows) > 200 else ""
        )
        html += folded(title, table(["Field", "Verdict", "Reason"], shown))
    return Part("Fields flagged or dropped", html)


def quality_columns(images: pd.DataFrame, channels: list[str]) -> dict[str, dict[str, str]]:
    """Words of a figure → channel → column, for the figures that are drawn and vary."""
    found: dict[str, dict[str, str]] = {}
    for key, words in DRAWN.items():
        for channel in channels:
            column = f"ImageQuality_{key}_{channel}"
            if column in images and images[column].notna().any():
                found.setdefault(words, {})[channel] = column
    return found


def _strips(images: pd.DataFrame, figures: dict[str, dict[str, str]]) -> Figure:
    """One panel per figure of quality, one strip per channel, one point per field in its verdict's colour."""
    import numpy as np

    figure, axes = panels(len(figures), 2, 4.6, 3.0)
    chance = np.random.default_rng(0)
    verdicts = images.get("Metadata_QCVerdict")
    for axis, (words, columns) in zip(axes, figures.items(), strict=True):
        for place, (_channel, column) in enumerate(columns.items()):
            x = place + chance.uniform(-0.3, 0.3, len(images))
            for (verdict, colour), mark in zip(VERDICTS.items(), "o^x", strict=True):
                mine = (
                    np.asarray(verdicts == verdict)
                    if verdicts is not None
                    else np.full(len(images), verdict == "keep")
                )
                axis.plot(
                    x[mine],
                    images[column].to_numpy()[mine],
                    mark,
                    color=colour,
                    markersize=2.6 if verdict == "keep" else 4,
                    rasterized=True,
                    alpha=0.6,
                    mew=1 if mark == "x" else 0,
                    label=verdict if place == 0 else None,
                )
        axis.set_xticks(
            range(len(columns)),
            [figure_text(c) for c in columns],
            rotation=30,
            ha="right",
            rotation_mode="anchor",
        )
        axis.set_ylabel(words)
        axis.grid(False, axis="x")
        values = images[list(columns.values())].to_numpy(dtype=float)
        if np.nanmin(values) >= 0:  # what is never negative has no axis below 0
            axis.set_ylim(0, 1 if np.nanmax(values) == 0 else None)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", markerscale=2.5)
    return figure


def edge_rows(focus: pd.DataFrame) -> list[list[object]]:
    """Channel, stacks, planes, stacks whose sharpest plane is at the edge, and their share."""
    if focus.empty or "EdgeWarning" not in focus:
        return []
    stacks = focus.groupby(["Channel", "Metadata_ImageID"]).agg(
        Planes=("Z", "size"), Edge=("EdgeWarning", "max")
    )
    return [
        [
            channel,
            len(mine),
            int(mine["Planes"].max()),
            int(mine["Edge"].sum()),
            percent(float(mine["Edge"].mean())),
        ]
        for channel, mine in stacks.groupby(level="Channel", sort=False)
    ]


def _focus(screen: ReportInputs, album: Album) -> Part:
    rows, title = edge_rows(screen.focus), "Focus in z"
    if not rows:
        return Part(title, notice(f"Left out: {screen.why_missing('project_z', 'focus')}."))
    if all(row[2] == 1 for row in rows):
        return Part(title, notice("Every field has a single z plane: there is no focus curve to judge."))
    text = paragraph(
        "If the sharpest plane of a stack is its first or last, the true focus may lie outside the stack. "
        "That is a warning, not a reason to drop a field."
    )
    headers = ["Channel", "Stacks", "Planes", "Sharpest at the edge", "Share"]
    drawn = album.draw("focus_in_z", lambda: _focus_figure(screen.focus))
    return Part(
        title,
        text
        + drawn.html("Sharpest plane by channel", "How often each plane is the sharpest of its stack.")
        + table(headers, rows),
    )


def _focus_figure(focus: pd.DataFrame) -> Figure:
    """Share of stacks whose sharpest plane is plane z, one line per timepoint."""
    import seaborn as sns

    best = focus.loc[focus.groupby(["Channel", "Metadata_ImageID"])["Focus"].idxmax()]
    channels = list(dict.fromkeys(focus["Channel"]))
    planes = sorted(int(z) for z in focus["Z"].unique())
    times = sorted(best["Metadata_Timepoint"].unique())
    colours = sns.color_palette("viridis_r", len(times) + 1)[1:]
    figure, axes = panels(len(channels), 5, 2.6, 2.6, sharey=True)
    for axis, channel in zip(axes, channels, strict=True):
        mine = best[best["Channel"] == channel]
        for time, colour in zip(times, colours, strict=True):
            z = mine.loc[mine["Metadata_Timepoint"] == time, "Z"]
            shares = z.value_counts(normalize=True).reindex(planes, fill_value=0.0)
            axis.plot(
                planes, shares, marker="o", markersize=3, color=colour, linewidth=1.3, label=hours(time)
            )
        axis.set_title(figure_text(channel))
        axis.set_xticks(planes)
        axis.set_xlabel("z plane")
        axis.set_ylim(0, 1.02)
    axes[0].set_ylabel("share of stacks")
    key_outside(figure, axes[0], "")
    return figure


def _illumination(screen: ReportInputs) -> Part:
    title = "Illumination"
    frame = screen.illumination
    if frame.empty:
        return Part(title, notice(f"Left out: {screen.why_missing('correct_illumination', 'illumination')}."))
    text = paragraph(
        "The flat field is estimated on some images and judged on others; it is kept if it helps on the "
        "latter."
    )
    shown = frame.drop(
        columns=[
            c
            for c in ("Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate")
            if c in frame and "Metadata_Acquisition" in frame
        ]
    )
    headers = [c.removeprefix("Metadata_").replace("_", " ") for c in shown]
    return Part(
        title, text + long_table(headers, [list(r) for r in shown.itertuples(index=False, name=None)], "rows")
    )
