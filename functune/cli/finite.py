"""A range of numbers for options. The ranges of click accept nan and inf, which no later comparison refuses."""

import math
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """A click.FloatRange of finite numbers: with ``nan`` as a limit, nothing would ever be above it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Fails for one that is not finite, or not in the range."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number
