"""Section: well profiles of measurements, network and both, their activity and reproducibility."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from morphodose.report.answers import finite
from morphodose.report.components import kinds_of
from morphodose.report.deep_words import SETS, feature_words, look, set_words, step_reason
from morphodose.report.figure import Album, panels
from morphodose.report.html import Safe, escape, folded, notice, paragraph, table
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section, folded_but
from morphodose.report.words import dose_words, figure_text, hours, number
from morphodose.units import unit_words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TITLE = "Profiles"
#: Compounds with figures of their own.
MOST_COMPOUNDS = 3
#: Score → its words.
SCORES = {"activity": "activity", "reproducibility": "reproducibility of replicates"}
#: Below this a score is called significant (after adjustment for all conditions).
ALPHA = 0.05
#: Dropped features, and wells without a profile, that are listed.
MOST_DROPPED = 400


def section(screen: ReportInputs, album: Album) -> Section | None:
    """The three feature sets side by side, over dose and time; wells and features that were left out."""
    if not screen.deep.given:
        return None
    frame = screen.deep.profile_scores
    if frame.empty:
        why = step_reason(screen, "profile_features")
        lacking = [] if screen.deep.left_out.empty else [_left_out(screen)]
        return Section("profiles", TITLE, [Part("Profiles", notice(f"Left out: {why}.")), *lacking])
    known = set(frame["Compound"].astype(str))
    ranked = [hit.compound for hit in screen.ranked if hit.compound in known]
    compounds = [*ranked, *sorted(known.difference(ranked))]
    parts = [Part("Summary", _reading() + _summary(screen))]
    for index, compound in enumerate(compounds[:MOST_COMPOUNDS]):
        mine = frame[frame["Compound"].astype(str) == compound]
        parts += _parts(screen, album, compound if len(compounds) > 1 else "", mine, index)
    if len(compounds) > MOST_COMPOUNDS:
        parts.append(
            Part(
                "Further compounds",
                paragraph(f"{len(compounds) - MOST_COMPOUNDS} further compounds are in the table only."),
            )
        )
    parts.append(Part("All scores", folded(f"Table of {len(frame)} scores", _table(screen, frame))))
    parts += [_left_out(screen), _dropped(screen)]
    return Section("profiles", TITLE, folded_but(parts, "Scorecard"))


def _reading() -> str:
    return paragraph(
        "A profile holds the medians of the cells of a well, in robust standard deviations of the vehicle "
        "wells of the same plate and time. Activity: are wells of a dose nearer to one another than to "
        "the vehicle wells? Reproducibility: are they nearer to one another than to wells of other "
        "conditions? Both are given as mean average precision (mAP): 1 if always, and lower the more other "
        "wells lie between. What chance gives depends on the number of wells; the P values, from "
        "permutations, say what is more than chance."
    )


def _significant(frame: pd.DataFrame) -> pd.Series[bool]:
    for column in ("Q", "P"):
        if column in frame and frame[column].notna().any():
            return frame[column] < ALPHA
    return frame["mAP"].notna() & False


def _summary(screen: ReportInputs) -> str:
    """Mean over doses and times of each feature set, with its interval, and the sets against one another."""
    frame, card = screen.deep.profile_scores, screen.deep.profile_card
    rows: list[list[object]] = []
    for score in _scores(frame):
        for name in _sets(frame):
            mine = frame[(frame["Score"] == score) & (frame["Set"] == name) & frame["mAP"].notna()]
            given = card[(card["Score"] == score) & (card["Set"] == name)] if len(card) else card
            if mine.empty:
                continue
            found = f"{int(_significant(mine).sum())} of {len(mine)}"
            mean = number(float(mine["mAP"].mean()))
            if len(given):
                mean = _estimate(given.iloc[0]["mAP"], given.iloc[0]["Low"], given.iloc[0]["High"])
            rows.append([SCORES.get(score, score), set_words(name), mean, found])
    headers = [
        "Score",
        "Features",
        "Mean mAP (95 % interval)",
        f"Doses and times with adjusted P < {ALPHA:g}",
    ]
    return table(headers, rows) + _between(screen)


def _between(screen: ReportInputs) -> str:
    """Differences of the mean mAP between feature sets, paired by resample."""
    frame = screen.deep.profile_differences
    rows: list[list[object]] = []
    for row in frame.to_dict("records"):
        low, high = row["Low"], row["High"]
        word, style = "not told apart", "md-warn"
        if finite(low) and finite(high) and (low > 0 or high < 0):
            word, style = ("better", "md-ok") if low > 0 else ("worse", "md-stop")
        value = _estimate(row["Difference"], low, high)
        rows.append(
            [
                SCORES.get(str(row["Score"]), row["Score"]),
                f"{set_words(str(row['Set']))} against {set_words(str(row['Against']))}",
                Safe(f'{escape(value)} <span class="md-state {style}">{word}</span>'),
            ]
        )
    if not rows:
        return ""
    return paragraph("The feature sets against one another, on the same wells:") + table(
        ["Score", "Features", "Difference of mean mAP (95 % interval)"], rows
    )


def _estimate(value: Any, low: Any, high: Any) -> str:
    """``0.67 (0.55 to 0.78)``."""
    text = f"{value:.2f}" if finite(value) else "–"
    if finite(low) and finite(high):
        text += f" ({low:.2f} to {high:.2f})"
    return text.replace("-", "−")


def _scores(frame: pd.DataFrame) -> list[str]:
    found = [s for s in SCORES if (frame["Score"] == s).any()]
    return found + [s for s in dict.fromkeys(frame["Score"].astype(str)) if s not in found]


def _sets(frame: pd.DataFrame) -> list[str]:
    found = [s for s in SETS if (frame["Set"] == s).any()]
    return found + [s for s in dict.fromkeys(frame["Set"].astype(str)) if s not in found]


def _parts(screen: ReportInputs, album: Album, compound: str, frame: pd.DataFrame, index: int) -> list[Part]:
    """One part for each score: the sets side by side."""
    name, tag = (f" – {compound}", f"_{index + 1}") if compound else ("", "")
    unit = screen.dose_unit(compound or str(frame["Compound"].iloc[0]))
    parts = []
    for score in _scores(frame):
        mine = frame[(frame["Score"] == score) & frame["mAP"].notna()]
        if mine.empty:
            continue
        words = SCORES.get(score, score)
        drawn = album.draw(f"profiles_{score}{tag}", partial(_figure, mine, unit))
        caption = (
            f"{words[0].upper()}{words[1:]} of the profiles, one panel per timepoint. Bars: 95 % interval "
            f"over wells; filled: adjusted P < {ALPHA:g}, open: not told from chance. With few wells per "
            "dose the intervals are wide and small differences between the features mean nothing."
        )
        parts.append(Part(f"{words[0].upper()}{words[1:]}{name}", drawn.html(f"{words}{name}", caption)))
    return parts


def _figure(frame: pd.DataFrame, unit: str) -> Figure:
    """One panel per timepoint: mAP over dose, a colour a feature set, side by side."""
    import numpy as np

    times, sets = sorted(frame["Timepoint"].unique()), _sets(frame)
    doses = sorted(float(d) for d in frame["Dose"].unique())
    figure, axes = panels(len(times), 3, 3.7, 3.0, sharey=True)
    for axis, time in zip(axes, times, strict=True):
        for place, name in enumerate(sets):
            mine = frame[(frame["Timepoint"] == time) & (frame["Set"] == name)].sort_values("Dose")
            words, colour = look(SETS, name)
            x = np.array([doses.index(float(d)) for d in mine["Dose"]], dtype=float)
            x += (place - (len(sets) - 1) / 2) * 0.22
            axis.vlines(x, mine["Low"], mine["High"], color=colour, linewidth=1.8, alpha=0.8)
            sure = _significant(mine).to_numpy()
            faces = [colour if s else "white" for s in sure]
            axis.scatter(x, mine["mAP"], c=faces, edgecolors=colour, s=26, zorder=3, linewidth=1.4)
            axis.scatter([], [], color=colour, s=26, label=words)
        axis.set_xticks(range(len(doses)), [number(d, 3) for d in doses])
        axis.set_xlim(-0.6, len(doses) - 0.4)
        if len(doses) > 5:
            axis.tick_params(axis="x", labelrotation=45)
        axis.grid(False, axis="x")
        axis.set_ylim(0, 1.04)
        axis.set_title(hours(time))
        axis.set_xlabel(figure_text(f"dose ({unit_words(unit)})" if unit else "dose"))
    for axis in axes[::3]:
        axis.set_ylabel("mAP")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", title="features")
    return figure


def _table(screen: ReportInputs, frame: pd.DataFrame) -> str:
    rows: list[list[object]] = []
    order = frame.sort_values(["Score", "Compound", "Timepoint", "Dose", "Set"])
    for row in order.to_dict("records"):
        score = _estimate(row["mAP"], row["Low"], row["High"]) if finite(row["mAP"]) else row.get("Reason")
        compound = str(row["Compound"])
        rows.append(
            [
                SCORES.get(row["Score"], row["Score"]),
                compound,
                hours(row["Timepoint"]),
                dose_words(row["Dose"], screen.dose_unit(compound)),
                set_words(row["Set"]),
                score,
                _p(row.get("Q")),
                _count(row.get("N_Wells")),
            ]
        )
    headers = [
        "Score",
        "Compound",
        "Time",
        "Dose",
        "Features",
        "mAP (95 % interval)",
        "Adjusted P",
        "Wells",
    ]
    return table(headers, rows)


def _p(value: Any) -> str | None:
    return number(value) if finite(value) else None


def _count(value: Any) -> int | None:
    return int(value) if finite(value) else None


def _left_out(screen: ReportInputs) -> Part:
    """Wells that have no profile, and why: no score knows them."""
    frame = screen.deep.left_out
    title = "Wells without a profile"
    if "Reason" not in frame:
        return Part(title, notice(f"Left out: {screen.why_missing('profile_features', 'deep')}."))
    if frame.empty:
        return Part(title, paragraph("None: each well has a profile in each set of features."))
    rows = [
        [set_words(str(name)), reason, int(n)]
        for name, mine in frame.groupby("Set", sort=False)
        for reason, n in kinds_of(mine["Reason"]).items()
    ]
    shown = [
        [
            str(row["Acquisition"]),
            str(row["Well"]),
            str(row["Compound"]),
            dose_words(row["Dose"], screen.dose_unit(str(row["Compound"]))),
            set_words(str(row["Set"])),
            row["Reason"],
        ]
        for row in frame.head(MOST_DROPPED).to_dict("records")
    ]
    text = paragraph(
        "They take no part in the scores above; their counts and fractions are in the table of wells."
    )
    more = (
        f"the first {MOST_DROPPED} of {len(frame):,}; all are in wells_left_out.parquet"
        if len(frame) > MOST_DROPPED
        else f"{len(frame):,}"
    )
    headers = ["Acquisition", "Well", "Compound", "Dose", "Features", "Reason"]
    listing = folded(f"Which they are ({more})", table(headers, shown))
    return Part(title, text + table(["Features", "Reason", "Wells"], rows) + listing)


def _dropped(screen: ReportInputs) -> Part:
    """What was left out of the profiles, and why."""
    frame = screen.deep.dropped
    title = "Features left out of the profiles"
    if frame.empty:
        return Part(title, paragraph("None was recorded."))
    rows = [
        [set_words(str(name)), reason, int(n)]
        for name, mine in frame.groupby("Set", sort=False)
        for reason, n in kinds_of(mine["Reason"]).items()
    ]
    shown = [
        [set_words(str(row["Set"])), feature_words(str(row["Feature"]), screen.units), row["Reason"]]
        for row in frame.head(MOST_DROPPED).to_dict("records")
    ]
    more = (
        f"the first {MOST_DROPPED} of {len(frame):,}; all are in dropped_features.parquet"
        if len(frame) > MOST_DROPPED
        else f"{len(frame):,}"
    )
    listing = folded(f"Which they are ({more})", table(["Features", "Feature", "Reason"], shown))
    return Part(title, table(["Features", "Reason", "Number"], rows) + listing)
