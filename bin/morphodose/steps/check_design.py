"""The check of the design, which gets every parameter that is judged by what the screen has."""

from __future__ import annotations

from morphodose.options.groups import GROUPS
from morphodose.steps.step import Step

STEP = Step(
    "CHECK_DESIGN",
    "check_design.py",
    tuple(option for group in GROUPS for option in group.options if option.judged),
    words="reading and checking the design",
    task="screen",
    work="planes",
)
