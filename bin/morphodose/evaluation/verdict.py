"""May the run claim that the network sees an effect? Every doubt speaks against it.

Balanced accuracy decides, since vehicle has more wells than a dose: a model that answers "vehicle" throughout
has an accuracy above one over the number of classes, and a balanced accuracy of exactly that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from morphodose.evaluation.cells import SplitCells
from morphodose.evaluation.intervals import Interval, difference_of, interval_of
from morphodose.evaluation.labels import Classes
from morphodose.evaluation.metrics import Tally
from morphodose.evaluation.permutation import Chance, Groups, chance, chance_of_names

METRIC = "balanced_accuracy"
LEVEL = 0.05
#: P of position below which it may tell the label; a doubt speaks against the network.
DOUBT = 0.1
#: P of the control below which the run is marked; a true network is held against the control anyway.
MARK = 0.01
#: Fewest classes whose names can be exchanged to a P value below that.
NAMES = 5
#: Share of wells whose place holds the same on other replicates, from which on the layout counts as the same.
SAME_LAYOUT = 0.9


@dataclass(frozen=True)
class Evidence:
    """What is known of one label.

    Attributes
    ----------
    label : str
        ``dose`` or ``time``.
    split : str
        ``replicate`` or ``wells``.
    network : Interval
        Balanced accuracy of the network on held-out cells.
    against : dict of str to Interval
        Model → balanced accuracy of the network less that of the model, paired.
    permuted : Interval or None
        That of the network on permuted labels less that of the majority class; None: not trained.
    permuted_p : float
        P value that the network on permuted labels is not better than chance.
    position : Interval or None
        That of position less that of the majority class.
    position_p : float
        P value that position tells nothing of the label.
    chance : Chance or None
        Test of the network against exchanged labels; None where it does not apply.
    same_layout : float
        Share of wells whose place holds the same on the other replicates.
    unconverged : tuple of str
        Models of which a training stopped before it had converged.
    """

    label: str
    split: str
    network: Interval
    against: Mapping[str, Interval]
    permuted: Interval | None
    permuted_p: float
    position: Interval | None
    position_p: float
    chance: Chance | None
    same_layout: float
    unconverged: tuple[str, ...] = ()


@dataclass
class ModelVerdict:
    """What may be said of one label."""

    claim: bool
    why: str
    marked: str = ""
    confounded: bool = False
    evidence: Evidence | None = field(default=None, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Entry of ``model_verdict.json``."""
        found: dict[str, Any] = {"claim": self.claim, "why": self.why, "confounded": self.confounded}
        if self.evidence is not None:
            seen = self.evidence
            found["metric"] = METRIC
            found["network"] = vars(seen.network)
            found["against"] = {name: vars(interval) for name, interval in seen.against.items()}
            found["p"] = None if seen.chance is None else seen.chance.p
            found["beyond_intensity"] = _beyond(seen, "intensity")
            found["beyond_classical"] = _beyond(seen, "classical_logistic", "classical_boosting")
        return found


def _beyond(evidence: Evidence, *models: str) -> bool | None:
    """Whether the network beats all of some models; None where none was scored."""
    known = [evidence.against[model].low > 0 for model in models if model in evidence.against]
    return all(known) if known else None


def gather_evidence(
    label: str, tallies: Mapping[str, Tally], classes: Classes, cells: SplitCells, split: str, seed: int
) -> Evidence | None:
    """What the counts of all models say of a label; None without a network."""
    network = tallies.get("network")
    if network is None or not network.confusion.any():
        return None

    def less(first: str, second: str) -> Interval | None:
        if first not in tallies or second not in tallies:
            return None
        return difference_of(tallies[first], tallies[second], classes, cells.strata, seed).get(METRIC)

    against = {name: less("network", name) for name in tallies if name != "network"}

    def tested(name: str) -> Chance | None:
        groups = groups_of(tallies[name], label, cells) if name in tallies else None
        return chance(groups, seed) if groups is not None else None

    permuted, position = tested("network_permuted"), tested("position")
    permuted_p = permuted.p if permuted else 1.0
    if "network_permuted" in tallies and len(classes.names) >= NAMES:
        permuted_p = chance_of_names(tallies["network_permuted"].confusion.sum(axis=0), seed)
    return Evidence(
        label, split,
        interval_of(network, classes, cells.strata, seed)[METRIC],
        {name: interval for name, interval in against.items() if interval is not None},
        less("network_permuted", "majority"),
        permuted_p,
        less("position", "majority"),
        position.p if position else 1.0,
        tested("network"),
        same_layout(cells),
        tuple(name for name, tally in tallies.items() if tally.unconverged),
    )  # fmt: skip


def groups_of(tally: Tally, label: str, cells: SplitCells) -> Groups | None:
    """What carries a label as a whole: wells for dose; for time acquisitions, which share a day's staining.

    None for times in a split over wells, where every acquisition is on both sides.
    """
    fold = np.zeros(len(cells.units), np.int64)
    fold[cells.unit] = cells.fold
    plates = {key: i for i, key in enumerate(sorted({unit[:2] for unit in cells.units}))}
    block = np.array([plates[unit[:2]] for unit in cells.units], dtype=np.int64)
    confusion = tally.confusion.astype(np.float64)
    if label == "dose":
        kept = np.flatnonzero(tally.cells)
        true = confusion.sum(axis=2).argmax(axis=1)
        return Groups(confusion.sum(axis=1)[kept], true[kept], block[kept], fold[kept])
    if any(len(set(fold[block == each])) > 1 for each in plates.values()):
        return None
    by_acquisition = np.stack([confusion[block == each].sum(axis=0) for each in plates.values()])
    folds = np.array([fold[block == each][0] for each in plates.values()])
    where, time = np.nonzero(by_acquisition.sum(axis=2))
    return Groups(by_acquisition[where, time], time, where, folds[where])


def same_layout(cells: SplitCells) -> float:
    """Share of wells whose place holds the same on all other replicates (of the plate, if it has others)."""
    places: dict[str, list[int]] = {}
    for number, unit in enumerate(cells.units):
        places.setdefault(unit.well, []).append(number)
    used: npt.NDArray[np.bool_] = np.bincount(cells.unit[cells.usable], minlength=len(cells.units)) > 0
    same = 0
    for number, unit in enumerate(cells.units):
        others = [n for n in places[unit.well] if n != number]
        others = [n for n in others if cells.units[n].plate == unit.plate] or others
        # a place that only one replicate has is not the same on others
        if used[number] and others:
            same += all(cells.strata[n] == cells.strata[number] for n in others)
    return same / max(int(used.sum()), 1)


def judge_model(evidence: Evidence) -> ModelVerdict:
    """The verdict on one label; the first objection that holds is given."""
    seen, label = evidence, evidence.label
    network = _text(seen.network)
    if seen.permuted is None:
        why = "the network on permuted labels was not trained: nothing shows that the evaluation has no leak"
        return ModelVerdict(False, why, evidence=seen)
    if seen.permuted.low > 0 and seen.permuted_p <= MARK:
        why = (
            f"the network on permuted labels is better than chance, by {_text(seen.permuted)}: something "
            "leaks, and no score of this run can be trusted"
        )
        return ModelVerdict(False, why, f"{label}: {why}", evidence=seen)
    majority = seen.against.get("majority")
    if majority is None or majority.low <= 0:
        less = "" if majority is None else f", {_text(majority)} above the majority class"
        why = f"on held-out cells the network is not better than chance: balanced accuracy {network}{less}"
        return ModelVerdict(False, why, evidence=seen)
    if label == "dose" and seen.same_layout >= SAME_LAYOUT:
        return _confounded(seen)
    control = seen.against["network_permuted"]
    if control.low <= 0:
        why = (
            f"the network, at {network}, is not better than on permuted labels: a difference of "
            f"{_text(control)}"
        )
        return ModelVerdict(False, why, evidence=seen)
    if seen.chance is None:
        why = (
            "a split over wells has every acquisition on both sides, and the staining and light of a day "
            "tell its time; two replicates or more are needed"
        )
        return ModelVerdict(False, why, confounded=True, evidence=seen)
    if seen.chance.p > LEVEL:
        return ModelVerdict(False, _by_chance(seen), evidence=seen)
    position = seen.against.get("position")
    if position is None or (position.low <= 0 and seen.position_p <= DOUBT):
        return _confounded(seen)
    held_out = "wells" if seen.split == "wells" else "replicates"
    why = (
        f"balanced accuracy {network} on held-out {held_out}, better than the majority class by "
        f"{_text(majority)}, P = {seen.chance.p:.2g}; "
    )
    if position.low > 0:
        why += f"better than position by {_text(position)}"
    else:
        why += f"position does not tell the {label} (P = {seen.position_p:.2g})"
    return ModelVerdict(True, f"{why}. {_compared(seen)}".strip(), evidence=seen)


def _text(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _by_chance(seen: Evidence) -> str:
    """Why a score above the majority class is not evidence."""
    found = seen.chance or Chance(1.0, 1.0)
    units = "wells" if seen.label == "dose" else "acquisitions (which share the staining of a day)"
    if found.least > LEVEL:
        return (
            f"too few {units} to tell: even a perfect network would have P = {found.least:.2g}; "
            f"the balanced accuracy is {_text(seen.network)}"
        )
    return (
        f"balanced accuracy {_text(seen.network)}, but with the labels of held-out {units} exchanged at "
        f"random it is as high too often (P = {found.p:.2g})"
    )


def _confounded(seen: Evidence) -> ModelVerdict:
    """No better than position, which tells the label."""
    label, network = seen.label, _text(seen.network)
    position = seen.against.get("position")
    less = "" if position is None else f", the network less position {_text(position)}"
    same = label == "dose" and seen.same_layout >= SAME_LAYOUT
    layout = (
        "the layout is the same on all replicates"
        if same
        else f"{seen.same_layout:.0%} of the wells hold the same on the other replicates"
    )
    why = (
        f"position predicts {label} as well{less}: {layout}, and the network, at {network}, cannot tell "
        f"{label} from position; use layouts that are randomised anew for each replicate"
    )
    return ModelVerdict(False, why, confounded=True, evidence=seen)


def _compared(seen: Evidence) -> str:
    """What the network sees beyond brightness and measurements."""
    parts = []
    for name, models in (
        ("stain intensity alone", ("intensity",)),
        ("the classical measurements", ("classical_logistic", "classical_boosting")),
    ):
        beyond = _beyond(seen, *models)
        if beyond is not None:
            early = " (whose training stopped before it had converged)"
            stopped = early if set(models) & set(seen.unconverged) else ""
            parts.append(f"{'better' if beyond else 'not better'} than {name}{stopped}")
    return f"The network is {' and '.join(parts)}" if parts else ""
