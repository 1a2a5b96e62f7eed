"""A question about the screen, its answer, and how much it matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ``none``: the check could not run, and its answer says why.
State = Literal["ok", "none", "warn", "stop"]

_ORDER: tuple[State, ...] = ("ok", "none", "warn", "stop")


@dataclass(frozen=True)
class Check:
    """A question about the screen, its answer, how much it matters, and what to do about it."""

    state: State
    question: str
    answer: str
    fix: str = ""


def worst(states: list[State]) -> State:
    """The gravest of some states."""
    return max(states, key=_ORDER.index, default="ok")


def graded(value: float, limits: tuple[float, float]) -> State:
    """State of a value: a remark above the first limit, a fault above the second."""
    return "ok" if not value > limits[0] else "warn" if not value > limits[1] else "stop"


def not_checked(question: str, why: str) -> Check:
    """A check that could not run."""
    return Check("none", question, f"Not checked: {why}.")
