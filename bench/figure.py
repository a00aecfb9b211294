"""A figure, its bound, the line that compares the two, and the error where there is no figure."""

import statistics
from dataclasses import dataclass


class NotMeasuredError(Exception):
    """A suite could not measure a figure; the message says which and why. The other suites go on."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a figure is and the limits it must keep."""

    figure: str
    unit: str
    """As printed after the value; empty for a ratio."""
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"{self.figure} has no limit: give at_least, at_most or both")

    def holds(self, value: float) -> bool:
        """Whether the value keeps both limits."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        limits = [f">= {self.at_least:g}"] if self.at_least is not None else []
        limits += [f"<= {self.at_most:g}"] if self.at_most is not None else []
        return " and ".join(limits)


@dataclass(frozen=True, slots=True)
class Figure:
    """The measured values of a figure, one per round. The median is judged; the range is printed next to it."""

    bound: Bound
    values: tuple[float, ...]
    case: str = ""
    """Which of several, such as a workload or a setting."""
    detail: str = ""
    """Absolute numbers, for orientation only."""

    @property
    def median(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.values)

    @property
    def is_held(self) -> bool:
        """Whether the median keeps the bound."""
        return self.bound.holds(self.median)

    def __str__(self) -> str:
        name = f"{self.case}: {self.bound.figure}" if self.case else self.bound.figure
        several = f"({min(self.values):.3f} to {max(self.values):.3f})" if len(self.values) > 1 else ""
        verdict = "held" if self.is_held else "NOT HELD"
        columns = f"{name:<66}{self.median:>8.3f} {self.bound.unit:<11}{several:<22}{self.bound!s:<20}{verdict:<10}"
        return f"{columns}{self.detail}".rstrip()
