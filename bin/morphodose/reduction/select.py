"""Which features go on: morphology, measured in most cells, not constant, and related to the label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from morphodose.cells.excluded import why_excluded
from morphodose.reduction.variance import Floats, Moments


@dataclass(frozen=True)
class Choice:
    """What became of one feature.

    Attributes
    ----------
    feature, origin : str
        Name; ``classical`` or ``deep``.
    reason : str
        Why it was left out; '' where it is selected.
    missing : float
        Fraction of cells without a value.
    variance, chi2 : float
        After missing values were filled; chi2 is NaN without a label.
    fill, mean, scale : float
        Value of missing entries; then ``(value - mean) / scale`` enters the PCA.
    fills : mapping
        Group → its own value of missing entries, where groups divide the screen.
    """

    feature: str
    origin: str
    reason: str
    missing: float
    variance: float
    chi2: float
    fill: float
    mean: float
    scale: float
    fills: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class GroupFills:
    """What missing values are replaced by in each of G groups.

    Attributes
    ----------
    names : tuple of str
        '' for the wells of no group.
    fill, gone : (G, P) array
        Value of missing entries, and how many there are.
    """

    names: tuple[str, ...]
    fill: Floats
    gone: Floats


def choose(
    features: tuple[str, ...],
    origin: tuple[str, ...],
    moments: Moments,
    fill: Floats,
    chi2: Floats,
    top: int,
    max_missing: float,
    groups: GroupFills | None = None,
) -> list[Choice]:
    """Select features, and say how each enters the PCA.

    Parameters
    ----------
    features, origin : tuple of str
        Names of the P features, and the set each comes from.
    moments : Moments
    fill : (P,) array
        Value of missing entries.
    chi2 : (P,) array
        Scores against the label; NaN without a label.
    top : int
        Features to keep of each origin, those with the highest score; 0 keeps all. Ties keep their order.
    max_missing : float
        Largest fraction of cells without a value.
    groups : GroupFills, optional
        Values of missing entries that differ between groups.

    Returns
    -------
    list of Choice
        In the given order. Measurements have different units, so each is divided by its standard deviation.
        Embeddings share theirs: they are divided by one number. With both, each set is divided by a further
        number, so that its selected features have variance 1 in all, and neither dominates.
    """
    mean, variance = moments.filled(groups.fill, groups.gone) if groups else moments.filled(fill)
    constant, missing = moments.constant(), moments.missing
    reasons = []
    for number, name in enumerate(features):
        reason = why_excluded(name) if origin[number] == "classical" else ""
        if not reason and missing[number] > max_missing:
            reason = f"missing in {missing[number]:.1%} of the cells, more than {max_missing:.1%}"
        if not reason and constant[number]:
            reason = "no variance"
        reasons.append(reason)
    for kind in sorted(set(origin)):
        left = [n for n, reason in enumerate(reasons) if not reason and origin[n] == kind]
        if top and len(left) > top and np.isfinite(chi2[left]).all():
            ranked = sorted(left, key=lambda n: -chi2[n])
            for place, number in enumerate(ranked[top:], start=top + 1):
                reasons[number] = f"chi-squared rank {place} of {len(left)}, beyond {top}"
    scale = _scales(origin, variance, np.array([not reason for reason in reasons]))
    named = [number for number, name in enumerate(groups.names) if name] if groups else []
    return [
        Choice(
            feature=name,
            origin=origin[n],
            reason=reasons[n],
            missing=float(missing[n]),
            variance=float(variance[n]),
            chi2=float(chi2[n]),
            fill=float(fill[n]),
            mean=float(mean[n]),
            scale=float(scale[n]),
            fills={groups.names[g]: float(groups.fill[g, n]) for g in named} if groups else {},
        )
        for n, name in enumerate(features)
    ]


def _scales(origin: tuple[str, ...], variance: Floats, selected: np.ndarray) -> Floats:
    """Divisor of each feature."""
    kinds = np.array(origin)
    joint = len(set(origin)) > 1
    scale = np.ones(len(origin))
    for kind in set(origin):
        chosen = selected & (kinds == kind)
        if kind == "classical":
            scale[chosen] = np.sqrt(variance[chosen])
        elif chosen.any():
            scale[chosen] = np.sqrt(variance[chosen].mean())
        if joint:
            scale[chosen] *= np.sqrt(max(int(chosen.sum()), 1))
    return scale
