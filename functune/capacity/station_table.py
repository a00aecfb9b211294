"""The latency of an instance against the requests that reach it, by simulation: a table for each kind of instance."""

from collections.abc import Sequence

import msgspec
import numpy as np

from functune.capacity.curve import SIZE_COUNT, InstanceCurve
from functune.capacity.station import Station, simulate

QUEUEING = np.array([0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95])
"""Rates as shares of what an instance can serve, where requests beyond its places wait."""
REFUSING = np.array([0.02, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.8])
"""The same where another instance takes them; from the last one on, an instance is full."""
QUEUEING_REQUESTS, REFUSING_REQUESTS = 18_000, 6_000
"""Arrivals that are simulated for each rate, at several stations side by side."""
COPIES = 12
MOST_SLOTS = 1_024


class StationTable(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What one instance serves, and how fast."""

    capacity: float
    """Requests per second."""
    shares: np.ndarray
    """Rates as shares of it."""
    rows: np.ndarray
    """Equally likely latencies, seconds; a row for each share."""

    def row(self, shares: np.ndarray) -> np.ndarray:
        """The number of the row for each share: that of the nearest."""
        return np.asarray(np.digitize(shares, (self.shares[1:] + self.shares[:-1]) / 2))


def queueing_tables(curves: Sequence[InstanceCurve], *, seed: int) -> list[StationTable]:
    """
    Instances that take as many requests at a time as were measured, or 1,024; the others wait.

    The curves differ in nothing but the cores; all are simulated side by side.
    """
    capacities = [curve.capacity(MOST_SLOTS) for curve in curves]
    stations = [
        Station(share * capacity, curve.response(curve.counts(MOST_SLOTS)))
        for curve, capacity in zip(curves, capacities, strict=True)
        for share in QUEUEING
        for _ in range(COPIES)
    ]
    found = simulate(stations, curves[0].sizes, requests=QUEUEING_REQUESTS // COPIES, seed=seed)
    return [
        StationTable(capacity=capacity, shares=QUEUEING, rows=equally_likely(latencies))
        for capacity, latencies in zip(capacities, np.split(found.latencies, len(curves)), strict=True)
    ]


def refusing_tables(kinds: Sequence[tuple[InstanceCurve, int]], *, seed: int) -> list[StationTable]:
    """
    Instances that take so many requests at a time; other instances take those that find one full.

    The curves differ in nothing but the cores; all are simulated side by side.
    """
    responses = [curve.response(np.arange(1, concurrency + 1)) for curve, concurrency in kinds]
    capacities = [len(each) / float(each[-1]) for each in responses]
    stations = [
        Station(share * capacity, each)
        for each, capacity in zip(responses, capacities, strict=True)
        for share in REFUSING[:-1]
        for _ in range(COPIES)
    ]
    sizes = kinds[0][0].sizes
    found = simulate(stations, sizes, requests=REFUSING_REQUESTS // COPIES, seed=seed, refusing=True)
    return [
        StationTable(
            capacity=capacity,
            shares=REFUSING,
            rows=np.concatenate([equally_likely(latencies), float(each[-1]) * sizes[None, :]]),
        )
        for capacity, each, latencies in zip(capacities, responses, np.split(found.latencies, len(kinds)), strict=True)
    ]


def equally_likely(latencies: np.ndarray) -> np.ndarray:
    """The latencies of each rate, all copies together, as equally likely values."""
    together = latencies.reshape(-1, COPIES * latencies.shape[1])
    taken = [np.sort(row[np.isfinite(row)]) for row in together]
    return np.array([[part.mean() for part in np.array_split(row, SIZE_COUNT)] for row in taken])
