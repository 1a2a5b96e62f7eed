"""Linear compensation of two stains whose light leaks into each other's channel, as in flow cytometry.

Roederer, Cytometry 45 (2001) 194: measured counts above the unstained cells are a matrix of spillover times
the true ones, and its inverse gives these back.
"""

from __future__ import annotations

import numpy as np

from morphodose.death.gates import Floats, unstained

#: Cells from which a spillover is estimated, and in how many groups of how many cells at least.
LEAST_CELLS, GROUPS, GROUP_CELLS = 100, (3, 6), 40
#: Percentile that is the lower envelope: low, since of the cells that have the one stain most may have the
#: other too, and a quantile of all of them is then one of the latter.
ENVELOPE = 5.0
#: A smaller estimate is the scatter of cells without any.
LEAST_SPILLOVER = 0.02
MOST_SPILLOVER = 0.9


def compensate(
    early: Floats, late: Floats, base: tuple[float, float], early_to_late: float, late_to_early: float
) -> tuple[Floats, Floats]:
    """Counts of both stains without the light of the other.

    Parameters
    ----------
    early, late : (N,) array
        Counts; a cell with only one of them keeps it as it is.
    base : (float, float)
        Centres of the unstained vehicle cells, counts, which stay where they are.
    early_to_late, late_to_early : float
        Share of a stain's light that is seen in the other's channel.
    """
    both = np.isfinite(early) & np.isfinite(late)
    e, m = early - base[0], late - base[1]
    scale = 1 - early_to_late * late_to_early
    return (
        np.where(both, base[0] + (e - late_to_early * m) / scale, early),
        np.where(both, base[1] + (m - early_to_late * e) / scale, late),
    )


def spillover(source: Floats, target: Floats, base: tuple[float, float] | None = None) -> float:
    """Share of a stain's light in another's channel, estimated from control cells.

    The stained cells of `source` are grouped by their counts; among those of each group some have none of the
    other stain, so that the lower envelope of `target` rises by the spillover alone. 0 where the cells are
    too few, or it does not rise in proportion.

    Parameters
    ----------
    source, target : (N,) array
        Counts of the cells in the two channels.
    base : (float, float), optional
        Centre and standard deviation of the unstained vehicle cells in `source`, counts; where it is not
        given, those of the main population of all cells.
    """
    from scipy.stats import theilslopes

    both = np.isfinite(source) & np.isfinite(target)
    source, target = source[both], target[both]
    if len(source) < LEAST_CELLS:
        return 0.0
    centre, spread = unstained(source) if base is None else base
    if not spread > 0:
        return 0.0
    stained = source > centre + 6 * spread
    if stained.sum() < LEAST_CELLS // 2:
        return 0.0
    order = np.argsort(source[stained])
    groups = np.array_split(order, np.clip(len(order) // GROUP_CELLS, *GROUPS))
    x = np.array([np.median(source[~stained]), *(np.median(source[stained][group]) for group in groups)])
    y = np.array(
        [
            np.percentile(target[~stained], ENVELOPE),
            *(np.percentile(target[stained][group], ENVELOPE) for group in groups),
        ]
    )
    from_unstained = float(np.median((y[1:] - y[0]) / (x[1:] - x[0])))
    among_stained = float(theilslopes(y[1:], x[1:])[0])
    low, high = sorted((from_unstained, among_stained))
    # where nearly all cells of the one stain have the other too, the envelope is high and does not rise
    if low < LEAST_SPILLOVER or high > 2 * low:
        return 0.0
    return min(from_unstained, MOST_SPILLOVER)
