"""The latencies of all requests of a day: a mixture over its moments."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

WAIT_BINS = 40


class Mixture(NamedTuple):
    """Latencies in seconds with their weights."""

    values: np.ndarray
    weights: np.ndarray

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """The latencies that these shares of the requests do not exceed."""
        order = np.argsort(self.values)
        below = np.cumsum(self.weights[order])
        places = np.searchsorted(below, np.array(shares) * below[-1])
        return [float(self.values[order[min(place, len(order) - 1)]]) for place in places]


def mixture(
    rows: np.ndarray, row: np.ndarray, requests: np.ndarray, wait: np.ndarray, cold_share: np.ndarray, cold: float
) -> Mixture:
    """
    The latencies of all requests.

    ``rows`` has the equally likely latencies of each state of the instances, ``row`` the state at each moment,
    ``requests`` those of the moment, ``wait`` the seconds each of them waits before, and ``cold_share`` the share of
    them that waits ``cold`` seconds more for a start. Moments of the same state and about the same wait are one.
    """
    edges = wait_edges(wait)
    place = np.digitize(wait, edges)
    count = len(edges) + 1
    cell = row * count + place
    size = len(rows) * count
    weight = np.bincount(cell, weights=requests, minlength=size)
    late = np.bincount(cell, weights=requests * cold_share, minlength=size)
    waited = np.bincount(cell, weights=requests * wait, minlength=size)
    used = np.flatnonzero(weight)
    latencies = rows[used // count] + (waited[used] / weight[used])[:, None]
    warm = np.repeat((weight[used] - late[used])[:, None], rows.shape[1], axis=1)
    starting = np.repeat(late[used][:, None], rows.shape[1], axis=1)
    values = np.concatenate([latencies.ravel(), (latencies + cold).ravel()])
    return Mixture(values=values, weights=np.concatenate([warm.ravel(), starting.ravel()]))


def wait_edges(wait: np.ndarray) -> np.ndarray:
    """The bounds of the bins of waits; those of 0 have one of their own."""
    waiting = wait[wait > 0]
    if not len(waiting):
        return np.array([np.inf])
    low, high = float(waiting.min()), float(waiting.max())
    return np.geomspace(low, max(high, low * 1.001), WAIT_BINS)
