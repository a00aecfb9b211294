"""How often the quota of the host's cores was used up during a step, by the kernel's own count of its periods."""

from pathlib import Path
from typing import NamedTuple


class QuotaPeriods(NamedTuple):
    """Periods in which the host wanted a core, and those of them in which its quota did not suffice."""

    periods: int
    throttled: int


def read_periods(cpu_stat: str | None) -> QuotaPeriods | None:
    """The counts so far from the file ``cpu.stat`` of a control group; None for no file, as for a host that is gone."""
    try:
        lines = Path(cpu_stat).read_text().splitlines() if cpu_stat else []
    except OSError:
        return None
    counts = dict(line.split() for line in lines)
    return QuotaPeriods(int(counts["nr_periods"]), int(counts["nr_throttled"])) if "nr_periods" in counts else None


def throttled_share(opened: QuotaPeriods | None, closed: QuotaPeriods | None) -> float | None:
    """The share of the periods from one reading to another in which the quota did not suffice, 0 to 1."""
    if opened is None or closed is None:
        return None
    periods = closed.periods - opened.periods
    return (closed.throttled - opened.throttled) / periods if periods else 0.0
