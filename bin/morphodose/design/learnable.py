"""Whether a screen has what the learning of dose and time needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

#: Roles of the wells that carry labels.
LEARNED_ROLES = ("vehicle", "treated")

#: (plate, replicate, timepoint, well, role, compound, dose) of a well-timepoint.
LabelledWell = tuple[str, str, float, str, str, str, float]


def why_not_learnable(wells: Iterable[LabelledWell]) -> str:
    """Why no network can be trained and judged on these wells; empty where it can.

    Parameters
    ----------
    wells : iterable of LabelledWell
        Well-timepoints that have images.

    Returns
    -------
    str
        A network has something to learn with two doses (vehicle is one) or two timepoints, and can be judged
        where whole replicates or, without them, a second well of each of two classes can be held out.
    """
    replicates: set[str] = set()
    times: set[float] = set()
    wells_of: dict[tuple[str, float], set[tuple[str, str, str]]] = defaultdict(set)
    for plate, replicate, timepoint, well, role, compound, dose in wells:
        if role not in LEARNED_ROLES:
            continue
        replicates.add(replicate)
        times.add(timepoint)
        condition = ("", 0.0) if role == "vehicle" or dose == 0 else (compound, dose)
        wells_of[condition].add((plate, replicate, well))
    if len(wells_of) < 2 and len(times) < 2:
        return "all wells have the same dose and time, so there is nothing to learn"
    if len(replicates) >= 2:
        return ""
    several = sum(len(found) >= 2 for found in wells_of.values())
    if several < 2 and not (len(times) >= 2 and sum(map(len, wells_of.values())) >= 2):
        return (
            "there are neither replicates nor two doses with two wells each: nothing can be held out to "
            "judge a network"
        )
    return ""
