"""The latency of an instance against the requests that reach it, by simulation: a table for each kind of instance."""

from collections.abc import Sequence
from functools import lru_cache

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
KEPT = 16
"""Simulations that are kept; an app takes two to four."""


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
    kinds = [(curve.capacity(MOST_SLOTS), curve.response(curve.counts(MOST_SLOTS))) for curve in curves]
    found = simulated_rows(contents(kinds), curves[0].sizes.tobytes(), seed=seed, refusing=False)
    return [
        StationTable(capacity=capacity, shares=QUEUEING, rows=rows)
        for (capacity, _), rows in zip(kinds, found, strict=True)
    ]


def refusing_tables(kinds: Sequence[tuple[InstanceCurve, int]], *, seed: int) -> list[StationTable]:
    """
    Instances that take so many requests at a time; other instances take those that find one full.

    The curves differ in nothing but the cores; all are simulated side by side.
    """
    responses = [curve.response(np.arange(1, concurrency + 1)) for curve, concurrency in kinds]
    with_capacities = [(len(each) / float(each[-1]), each) for each in responses]
    sizes = kinds[0][0].sizes
    found = simulated_rows(contents(with_capacities), sizes.tobytes(), seed=seed, refusing=True)
    return [
        StationTable(capacity=capacity, shares=REFUSING, rows=np.concatenate([rows, float(each[-1]) * sizes[None, :]]))
        for (capacity, each), rows in zip(with_capacities, found, strict=True)
    ]


type KindContents = tuple[tuple[float, bytes], ...]
"""The capacity and the responses of each kind of instance."""


def contents(kinds: Sequence[tuple[float, np.ndarray]]) -> KindContents:
    """Kinds that are compared by what is in their arrays."""
    return tuple((capacity, responses.tobytes()) for capacity, responses in kinds)


@lru_cache(maxsize=KEPT)
def simulated_rows(kinds: KindContents, sizes: bytes, *, seed: int, refusing: bool) -> tuple[np.ndarray, ...]:
    """
    The latencies of each kind, equally likely values in a row for each share, that of a full instance left out.

    They do not depend on the traffic, so those of the last apps are kept: an app is planned for one after the other.
    """
    shares, requests = (REFUSING[:-1], REFUSING_REQUESTS) if refusing else (QUEUEING, QUEUEING_REQUESTS)
    stations = [
        Station(share * capacity, np.frombuffer(responses))
        for capacity, responses in kinds
        for share in shares
        for _ in range(COPIES)
    ]
    found = simulate(stations, np.frombuffer(sizes), requests=requests // COPIES, seed=seed, refusing=refusing)
    rows = tuple(map(equally_likely, np.split(found.latencies, len(kinds))))
    for each in rows:
        each.flags.writeable = False
    return rows


def equally_likely(latencies: np.ndarray) -> np.ndarray:
    """The latencies of each rate, all copies together, as equally likely values."""
    together = latencies.reshape(-1, COPIES * latencies.shape[1])
    taken = [np.sort(row[np.isfinite(row)]) for row in together]
    return np.array([[part.mean() for part in np.array_split(row, SIZE_COUNT)] for row in taken])
