"""The repeats of a step -> one step that holds all of their requests, which everything but an interval is read from."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec

from functune.measurements import Measurement, step_key

JOINED = (
    "latencies_us",
    "error_latencies_us",
    "service_times_us",
    "cpu_times_us",
    "queued_us",
    "send_delays_us",
    "generator_lag_us",
)
ADDED = ("errors", "worker_requests")
HIGHEST = ("worker_peak_in_flight", "worker_threads", "worker_cpu", "worker_rss_mb")


def by_step(measurements: Iterable[Measurement]) -> dict[tuple[object, ...], list[Measurement]]:
    """The repeats of every step, in the order they were measured; the keys are those of ``step_key``."""
    found: dict[tuple[object, ...], list[Measurement]] = {}
    for measurement in measurements:
        found.setdefault(step_key(measurement), []).append(measurement)
    return found


def pooled(repeats: Sequence[Measurement]) -> Measurement:
    """
    One measurement of all requests of the repeats: as if their windows had been one.

    Rates and concurrency are averages over the time measured; cores too, and unknown where one repeat does not know.
    The rest is the first repeat's.
    """
    if len(repeats) == 1:
        return repeats[0]
    duration = sum(each.duration for each in repeats)

    def average(name: str) -> float | None:
        values: list[float | None] = [getattr(each, name) for each in repeats]
        weighted = [value * each.duration for value, each in zip(values, repeats, strict=True) if value is not None]
        return sum(weighted) / duration if len(weighted) == len(repeats) else None

    changed: dict[str, Any] = {
        name: list(chain.from_iterable(getattr(each, name) for each in repeats)) for name in JOINED
    }
    changed |= {name: merged([getattr(each, name) for each in repeats], sum) for name in ADDED}
    changed |= {name: merged([getattr(each, name) for each in repeats], max) for name in HIGHEST}
    changed |= {name: average(name) for name in ("concurrency", "generator_cpu", "host_cpu", "other_cpu")}
    return msgspec.structs.replace(
        repeats[0],
        duration=duration,
        longest_pause=max(each.longest_pause for each in repeats),
        arrivals=sum(each.arrivals for each in repeats),
        **changed,
    )


def merged(each: Sequence[dict[str, Any]], combine: Callable[[Iterable[Any]], Any]) -> dict[str, Any]:
    """One dictionary with, for each key, its values combined."""
    keys = dict.fromkeys(chain.from_iterable(each))
    return {key: combine([one[key] for one in each if key in one]) for key in keys}
