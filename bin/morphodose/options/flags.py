"""Flags of a command, from the declarations of its step; and `--options`, the file that Nextflow writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from morphodose.options.option import Option

Function = TypeVar("Function", bound=Callable[..., Any])


def takes(options: Sequence[Option]) -> Callable[[Function], Function]:
    """Give a command the flags of its step, by the names of the pipeline's parameters.

    A flag on the command line goes before the value in the file of ``--options``, which goes before what the
    step takes without either (`Option.without`).

    Parameters
    ----------
    options : sequence of Option
        What the step takes.
    """

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = flag(option)(function)
        read = click.option(
            "--options",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            is_eager=True,
            expose_value=False,
            callback=lambda context, _, path: _take(context, path, options),
            help="JSON: the flags below by name, as the pipeline gives them.",
        )
        return read(function)

    return decorate


def flag(option: Option) -> Callable[[Function], Function]:
    """The click option of a parameter."""
    names = f"--{option.name}/--no_{option.name}" if option.kind == "flag" else f"--{option.name}"
    return click.option(names, type=_type(option), default=option.without, help=option.help)


def _type(option: Option) -> click.ParamType:
    if option.choices:
        return click.Choice([str(choice) for choice in option.choices])
    low, high = option.minimum if option.above is None else option.above, option.maximum
    bounded = low is not None or high is not None
    if option.kind == "integer":
        whole = [None if bound is None else int(bound) for bound in (low, high)]
        return click.IntRange(min=whole[0], max=whole[1]) if bounded else click.INT
    if option.kind == "number":
        return click.FloatRange(low, high, min_open=option.above is not None) if bounded else click.FLOAT
    return click.BOOL if option.kind == "flag" else click.STRING


def _take(context: click.Context, path: Path | None, options: Sequence[Option]) -> None:
    """Make the values of a file the defaults of the flags."""
    if path is None:
        return
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise click.UsageError(f"--options {path}: is not a JSON file ({fault})") from fault
    if not isinstance(given, dict):
        raise click.UsageError(f"--options {path}: is not a JSON object of parameters by name")
    flags = {option.name: option.kind == "flag" for option in options}
    if unknown := sorted(set(given) - set(flags)):
        raise click.UsageError(f"--options {path}: {', '.join(unknown)}: no such parameter of this command")
    context.default_map = {
        # Nextflow makes a number of a text such as 488, and false of --name false
        name: value if flags[name] else str(value)
        for name, value in given.items()
        if value not in (None, "") and (flags[name] or value is not False)
    }
