"""
The clocks of load processes against that of the master, by round trips of a message.

The master notes when it sends a message and when the answer arrives; the load process notes the time in between. Its
clock read ``at`` at some moment from ``sent`` to ``received``, so its offset is known to within half of the round trip,
however the way out and the way back differ. The shortest round trip gives the tightest bound.
"""

from collections.abc import Iterable
from typing import NamedTuple


class RoundTrip(NamedTuple):
    """One message and its answer."""

    sent: float
    """Seconds on the master's clock."""
    at: float
    """Seconds on the clock of the load process."""
    received: float
    """Seconds on the master's clock."""


class ClockCheck(NamedTuple):
    """The offset of a clock, its own time less the master's, and how far it may be off, in seconds."""

    offset: float
    bound: float


def clock_check(trips: Iterable[RoundTrip]) -> ClockCheck:
    """The offset by the shortest of the round trips. Raises ValueError without any."""
    sent, at, received = min(trips, key=lambda trip: trip.received - trip.sent)
    return ClockCheck(at - (sent + received) / 2, (received - sent) / 2)


def during_step(before: ClockCheck, after: ClockCheck) -> ClockCheck:
    """
    The offset in a step that lies between two checks: the tighter of both.

    Where the two cannot be the same offset, the clocks moved against each other, and the bound reaches over both.
    """
    if abs(before.offset - after.offset) <= before.bound + after.bound:
        return min(before, after, key=lambda check: check.bound)
    low = min(check.offset - check.bound for check in (before, after))
    high = max(check.offset + check.bound for check in (before, after))
    return ClockCheck((low + high) / 2, (high - low) / 2)
