"""The well-timepoint that tests of steps on one well work on, with the keys that `check_design` gives it."""

from __future__ import annotations

WELL = "Time_4hrs_R1_Well_B07"
KEYS = {
    "id": WELL,
    "plate": "P1",
    "timepoint_h": 4,
    "replicate": "1",
    "acquisition": "Time_4hrs_R1",
    "well": "B07",
}
