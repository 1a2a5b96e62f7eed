"""Part: hits of a primary screen, of compounds with too few doses for a curve."""

from __future__ import annotations

from morphodose.report.answers import finite
from morphodose.report.html import long_table, paragraph
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part
from morphodose.report.words import counted, dose_words, endpoint_words, hours, listed, number
from morphodose.responses.hits import HIT_Q

HEADERS = ("Compound", "Dose", "Time", "Plate", "Endpoint", "Robust z", "SSMD", "Q", "Wells", "Vehicle wells")


def hit_parts(screen: ReportInputs) -> list[Part]:
    """The table of hits, the strongest first; nothing where every compound has doses enough for a curve."""
    table = screen.primary
    if table.empty:
        return []
    hits = table[table["Hit"].fillna(False).astype(bool)]
    hits = hits.reindex(hits["SSMD"].abs().sort_values(ascending=False, kind="stable").index)
    rows: list[list[object]] = [
        [
            row["Metadata_Compound"],
            dose_words(
                row["Metadata_Dose"], unit if isinstance(unit := row["Metadata_DoseUnit"], str) else None
            ),
            hours(row["Metadata_Timepoint"]),
            row["Metadata_Plate"],
            endpoint_words(str(row["Endpoint"]), screen.units),
            *(number(row[name]) if finite(row[name]) else None for name in ("RobustZ", "SSMD", "Q")),
            int(row["N_Wells"]),
            int(row["N_Vehicle"]),
        ]
        for row in hits.to_dict("records")
    ]
    tested, found = (each["Metadata_Compound"].nunique() for each in (table, hits))
    text = (
        f"{counted(tested, 'compound')} with too few doses for a curve, compared with vehicle of the same "
        f"plate, time and group: {counted(found, 'hit')} at a false discovery rate of {HIT_Q:g} over the "
        "compounds of a plate, timepoint and endpoint. SSMD is the difference in standard deviations of the "
        "difference; a single well has the scatter of vehicle."
    )
    if len(unknown := table[table["Reason"].notna()]):
        reasons = listed(dict.fromkeys(unknown["Reason"].astype(str)), 2)
        text += f" {counted(len(unknown), 'comparison')} could not be made: {reasons}."
    if "Layout" in table and len(marked := table[table["Layout"].notna()]):
        plates = listed(sorted(set(marked["Metadata_Plate"].astype(str))), 3)
        reasons = listed(dict.fromkeys(marked["Layout"].astype(str)), 2)
        text += f" A hit may be due to the position of its well (plate {plates}): {reasons}."
    return [Part("Hits", paragraph(text) + (long_table(HEADERS, rows, "hits") if rows else ""))]
