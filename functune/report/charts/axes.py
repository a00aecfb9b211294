"""A logarithmic axis and where values lie on it."""

import math
from collections.abc import Sequence

import msgspec

from functune.report.charts.vega import Specification, log_scale, quantity

IN_MS_AND_S = "datum.value >= 1 ? datum.value + ' s' : format(datum.value * 1000, '~r') + ' ms'"
"""Tick labels of seconds."""
WITH_SEPARATORS = "format(datum.value, ',~r')"
"""Tick labels of numbers without a unit."""


class LogAxis(msgspec.Struct, frozen=True, kw_only=True):
    """A logarithmic axis: on one, N / S is a straight line, and equal ratios are equal distances."""

    title: str
    low: float
    high: float
    tick_labels: str
    """A Vega expression."""

    @property
    def ticks(self) -> list[float]:
        """1, 2 and 5 times the powers of ten from ``low`` to ``high``."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        ticks = [float(f"{digit}e{decade}") for decade in decades for digit in (1, 2, 5)]
        return [tick for tick in ticks if self.low <= tick <= self.high]

    def distance_of(self, value: float, length: float) -> float:
        """The distance of a value from the high end, on an axis of that length; same unit as ``length``."""
        return length * math.log(self.high / value) / math.log(self.high / self.low)

    def value_at(self, distance: float, length: float) -> float:
        """The value at a distance from the high end; the inverse of ``distance_of``."""
        return float(self.high * (self.low / self.high) ** (distance / length))

    def vertical(self, name: str = "value") -> Specification:
        """The vertical channel of a field, its title above the axis."""
        axis = {
            "values": self.ticks,
            "title": self.title,
            "labelExpr": self.tick_labels,
            "titleAngle": 0,
            "titleAlign": "left",
            "titleAnchor": "start",
            "titleX": -54,
            "minExtent": 54,
            "titleY": -14,
        }
        return quantity(name, scale=log_scale(self.low, self.high), axis=axis)

    def horizontal(self, name: str) -> Specification:
        """The horizontal channel of a field."""
        axis = {
            "values": self.ticks,
            "title": self.title,
            "labelExpr": self.tick_labels,
            "grid": False,
            "labelOverlap": True,
        }
        return quantity(name, scale=log_scale(self.low, self.high), axis=axis)


def log_axis(title: str, values: Sequence[float], *, tick_labels: str) -> LogAxis:
    """An axis around the values, at least a decade long: a shorter one would make noise look like a finding."""
    low, high = min(values) / 1.3, max(values) * 1.3
    margin = max(math.sqrt(10 * low / high), 1.0)
    return LogAxis(title=title, low=low / margin, high=high * margin, tick_labels=tick_labels)
