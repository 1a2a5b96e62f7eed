"""Check and section: whether an effect of the dose can be told from one of the place on the plate."""

from __future__ import annotations

from morphodose.report.answers import NO_REASON
from morphodose.report.checks import Check, State, not_checked
from morphodose.report.html import long_table, notice, paragraph
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.words import counted, endpoint_words, hours, listed, number
from morphodose.responses.verdict import LEAST_DOSES

QUESTION = "Can dose be told from position?"
#: False discovery rate below which a row, column or edge is said to move the vehicle wells.
MOST_Q = 0.05
FIX = "Randomise the positions of doses and vehicle, separately on each replicate."


def place_checks(screen: ReportInputs) -> list[Check]:
    """Curves whose layout cannot tell dose from place, and places that move the vehicle wells.

    Either is a remark; both together are a fault: then an effect of the place is there, and may be what the
    curves show.
    """
    responses = screen.responses
    if responses.empty:
        return []  # no curve; the check of curves says why
    if "Layout" not in responses:
        return [not_checked(QUESTION, "the table of responses says nothing of the layout (column Layout)")]
    marked = responses[responses["Layout"].notna() & (responses["Layout"] != "")]
    moving = moved(screen)
    lines = []
    if len(marked):
        compounds = listed(sorted(set(marked["Metadata_Compound"].astype(str))), 3)
        reasons = listed(dict.fromkeys(marked["Layout"].astype(str)), 2)
        lines.append(f"Not in {len(marked)} of {counted(len(responses), 'curve')} ({compounds}): {reasons}")
    if moving:
        asked = str(screen.params.get("correct_positions") or "none")
        done = (
            "Nothing is corrected for it"
            if asked == "none"
            else f"Corrected for {asked} where the notes of the responses say so"
        )
        lines.append(f"Position moves the vehicle wells: {listed(moving, 3)}. {done}")
    # of what is too little for a curve the layout is not judged
    tried = (responses["N_Doses"] >= LEAST_DOSES) | (responses["State"] != "refused")
    if not lines and not tried.any():
        return [
            not_checked(
                QUESTION, "no endpoint has enough doses and wells for a curve, so no layout was judged"
            )
        ]
    if not lines:
        where = "" if len(screen.positions) else " Whether position matters was not tested."
        return [Check("ok", QUESTION, f"The layout sets doses apart from rows and columns.{where}")]
    state: State = "stop" if len(marked) and moving else "warn"
    return [Check(state, QUESTION, f"{'. '.join(lines)}.", FIX if len(marked) else "")]


def moved(screen: ReportInputs) -> list[str]:
    """Rows, columns and edges that move the vehicle wells, the surest first, an endpoint each."""
    table = screen.positions
    if not {"Term", "Q", "Endpoint"} <= set(table):
        return []
    found = table[table["Q"] <= MOST_Q].sort_values(["Q", "P"], kind="stable")
    return [
        f"{row['Term']} of plate {row['Metadata_Plate']} at {hours(row['Metadata_Timepoint'])}, "
        f"{endpoint_words(str(row['Endpoint']), screen.units)} (Q = {number(row['Q'])})"
        for row in found.drop_duplicates(["Term", "Endpoint"]).to_dict("records")
    ]


#: Rows of the table on the page; all are in `positions.parquet`.
MOST_ROWS = 200


def section(screen: ReportInputs) -> Section:
    """Tests of rows, columns and edge on the vehicle wells, the surest first."""
    title, frame = "Effects of position", screen.positions
    if not {"Term", "Q", "Endpoint"} <= set(frame) or frame.empty:
        why = screen.why_missing("fit_responses", "positions")
        return Section("places", title, [Part("", notice(f"Left out: {why}."))])
    tested = frame[frame["P"].notna()].sort_values(["Q", "P"], kind="stable")
    untested = frame[frame["P"].isna()]
    text = "Whether row, column or edge moves the vehicle wells, by plate, timepoint and endpoint."
    if len(untested):
        reasons = listed(dict.fromkeys(untested["Reason"].dropna().astype(str)), 2) or NO_REASON
        text += f" {counted(len(untested), 'test')} could not be made: {reasons}."
    if len(tested) > MOST_ROWS:
        text += f" The first {MOST_ROWS} of {len(tested):,}; all are in tables/positions.parquet."
    rows: list[list[object]] = [
        [
            row["Metadata_Plate"],
            hours(row["Metadata_Timepoint"]),
            endpoint_words(str(row["Endpoint"]), screen.units),
            row["Term"],
            number(row["P"]),
            number(row["Q"]),
            int(row["N_Wells"]),
        ]
        for row in tested.head(MOST_ROWS).to_dict("records")
    ]
    headers = ["Plate", "Time", "Endpoint", "Place", "P", "False discovery rate", "Vehicle wells"]
    body = long_table(headers, rows, "tests") if rows else ""
    return Section("places", title, [Part("", paragraph(text) + body)])
