"""The course of a day in arrays of moments: instances that follow what is needed, and requests that wait meanwhile."""

import numpy as np
from scipy.ndimage import maximum_filter1d


def held(needed: np.ndarray, moments: float) -> np.ndarray:
    """The most that was needed within the last so many moments."""
    size = min(max(1, round(moments) + 1), len(needed))  # no longer than the day, whatever a reader assumes
    return maximum_filter1d(needed, size, mode="nearest", origin=(size - 1) // 2) if size > 1 else needed


def lagging(needed: np.ndarray, *, delay: float, most_per_moment: float) -> np.ndarray:
    """
    The instances that are ready: those needed ``delay`` moments ago, with no more new ones per moment than allowed.

    y(t) = min(x(t), y(t - 1) + r) is the running minimum of x(t) - r t, plus r t. The first moment has what it needs.
    """
    times = np.arange(len(needed), dtype=float)
    later = np.interp(times - delay, times, needed)
    asked = np.minimum(needed, later)  # one that is removed is gone at once
    slope = most_per_moment * times
    return np.minimum.accumulate(asked - slope) + slope


def waits(rates: np.ndarray, capacity: np.ndarray, moment: float) -> np.ndarray:
    """
    Seconds that a request of each moment waits because more arrive than are served; both in requests per second.

    A fluid of requests, first come, first served: what has arrived by t has left when the served amount reaches it.
    Those that are still there at the end wait as if the last capacity stayed.
    """
    surplus = np.cumsum((rates - capacity) * moment)
    left = surplus - np.minimum(np.minimum.accumulate(surplus), 0.0)
    if not left.any():
        return np.zeros(len(rates))
    arrived = np.cumsum(rates * moment)
    times = (np.arange(len(rates)) + 1) * moment
    served = arrived - left
    finished = np.interp(arrived, served, times)
    beyond = arrived > served[-1]
    finished[beyond] = times[-1] + (arrived[beyond] - served[-1]) / max(float(capacity[-1]), 1e-9)
    return np.where(left > 1e-9 * np.maximum(arrived, 1), finished - times, 0.0)
