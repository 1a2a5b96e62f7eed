"""What every command in `bin/` shares: the click decorator that turns faults into plain messages."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from morphodose.errors import InputError


def command(function: Callable[..., Any]) -> click.Command:
    """Make `function` a click command that prints an `InputError` as ``Error: …`` and exits 1."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except InputError as fault:
            raise click.ClickException(str(fault)) from fault

    settings = {"help_option_names": ["-h", "--help"], "show_default": True}
    return click.command(context_settings=settings)(run)
