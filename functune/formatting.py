"""The format of numbers everywhere: three significant digits and a unit. Counts are exact."""

import math
from collections.abc import Sequence


def number(value: float, *, digits: int = 3) -> str:
    """The value to ``digits`` significant digits, thousands separated by commas: ``9.94``, ``100``, ``1,240``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    rounded = float(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


def number_range(low: float, high: float) -> str:
    """``1.94 to 1.97``; one number where both read the same."""
    first, last = number(low), number(high)
    return first if first == last else f"{first} to {last}"


def count(value: int) -> str:
    """A count, exact: ``12,345``."""
    return f"{value:,}"


def rate(value: float) -> str:
    """Requests per second."""
    return f"{number(value)} requests/s"


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best: ``301 µs``, ``100 ms``, ``1.25 s``."""
    shown = float(f"{seconds:.2e}")  # what is shown as 1,000 µs is 1.00 ms
    if shown < 0.001:
        return f"{number(shown * 1e6)} µs"
    if shown < 1:
        return f"{number(shown * 1e3)} ms"
    return f"{number(shown)} s"


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds without their unit, for table columns that name it."""
    return number(seconds * 1e3)


def percent(ratio: float) -> str:
    """A share of 1 as percent, one decimal."""
    return f"{ratio * 100:.1f} %"


def plural(quantity: int, noun: str) -> str:
    """``1 thread``, ``16 threads``, ``2 processes``."""
    ending = "" if quantity == 1 else "es" if noun.endswith("s") else "s"
    return f"{count(quantity)} {noun}{ending}"


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def money(amount: float) -> str:
    """An amount of money: ``12.30``, ``1,240``."""
    return f"{amount:,.2f}" if abs(amount) < 1000 else f"{amount:,.0f}"
