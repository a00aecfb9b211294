"""The flag --memory: the instance memory that a setting has to fit."""

from collections.abc import Callable
from typing import Any

import click

from functune.experiments.model import PRICED_MEMORY_MB
from functune.shapes import INSTANCE_MEMORY_MB

_SIZES = list(map(str, INSTANCE_MEMORY_MB))


def memory_option[Command: Callable[..., Any]](command: Command) -> Command:
    """Add the flag, as the parameter ``memory``, a text."""
    return click.option(
        "--memory",
        type=click.Choice(_SIZES),
        metavar="MB",
        help=f"Instance memory, {', '.join(_SIZES[:-1])} or {_SIZES[-1]}: a setting that needs more is not recommended."
        f"  [default: no limit; costs are those of {PRICED_MEMORY_MB}]",
    )(command)
