"""The response of one instance against the requests in it, as a run measured it, and on other numbers of cores."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from functune.analysis.numbers.levels import Level
from functune.run.measurement import Measurement

SIZE_COUNT = 100
"""The number of equally likely sizes of a request."""


class InstanceCurve(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """R(n), the mean response with n requests in flight. It grows with n where requests share a core or the GIL."""

    in_flight: np.ndarray
    """Ascending, from 1."""
    seconds: np.ndarray
    cpu: float | None
    """Core-seconds of the host and its workers per request; None where they are not known."""
    sizes: np.ndarray
    """Equally likely sizes of a request, ascending, with a mean of 1."""
    cores: float | None = None
    """Those of the instance that it was measured on; None for the whole machine."""

    def response(self, in_flight: np.ndarray | float) -> np.ndarray:
        """Seconds with that many in flight; beyond the most that was measured the throughput stays what it was."""
        inside = np.interp(in_flight, self.in_flight, self.seconds)
        return np.asarray(inside * np.maximum(np.asarray(in_flight) / self.in_flight[-1], 1.0))

    def capacity(self, most: int) -> float:
        """The highest throughput with at most that many in flight, requests per second."""
        counts = self.counts(most)
        return float((counts / self.response(counts)).max())

    def best_count(self, most: int) -> int:
        """The fewest in flight with 99 % of that throughput."""
        counts = self.counts(most)
        throughput = counts / self.response(counts)
        return int(counts[np.argmax(throughput >= 0.99 * throughput.max())])

    def counts(self, most: int) -> np.ndarray:
        """1 to the most in flight, or to the most that was measured where that is less."""
        return np.arange(1, max(1, min(most, int(np.ceil(self.in_flight[-1])))) + 1)

    def on_cores(self, cores: float) -> "InstanceCurve":
        """
        The curve on an instance with that many cores, by the CPU time of a request.

        On a fraction of a core each request computes for 1 / cores times as long, and n requests need at least
        n x CPU time / cores together. More cores than measured change nothing: nobody measured what they do.
        """
        if self.cpu is None or (self.cores is not None and cores >= self.cores):
            return self
        counts = np.unique(np.concatenate([self.in_flight, self.counts(int(self.in_flight[-1]))]))
        slower = self.response(counts) + self.cpu * (1 / min(cores, 1.0) - 1 / min(self.cores or 1.0, 1.0))
        return msgspec.structs.replace(self, in_flight=counts, seconds=np.maximum(slower, counts * self.cpu / cores))


def instance_curve(
    levels: Iterable[Level], measured: Iterable[Measurement], *, cores: float | None = None
) -> InstanceCurve | None:
    """
    The curve of a setting from its closed-loop levels of one subject that worked on one instance; None without any.

    ``cores`` are those of its instance, None for the whole machine.

    Mean latencies, since those add up to what was in flight (Little's law). ``measured`` are the measurements of the
    same subject and setting: the fewest users show how much requests differ in size, since nothing slows them down.
    """
    known = sorted_levels(levels)
    if not known:
        return None
    users = known[0].users
    latencies = [each.latencies_us for each in measured if each.share is None and each.users == users]
    return InstanceCurve(
        in_flight=np.array([float(level.users) for level in known]),
        seconds=np.array([level.figures.mean for level in known]),
        cpu=cpu_of(known),
        sizes=sizes_of(latencies),
        cores=cores,
    )


def sorted_levels(levels: Iterable[Level]) -> list[Level]:
    """The closed-loop levels that count and worked, on one instance, fewest users first."""
    found = (each for each in levels if each.share is None and each.counts and each.figures.worked)
    found = (each for each in found if (each.figures.instances or 1) == 1)
    return sorted((each for each in found if each.figures.mean), key=lambda level: level.users)


def cpu_of(levels: Sequence[Level]) -> float | None:
    """
    Core-seconds of the host and its workers per request, at the highest throughput; None where nothing reports them.

    What a host uses while it rests counts least there. Where only the handler's CPU time is known, it is that.
    """
    figures = max(levels, key=lambda level: level.throughput).figures
    if figures.host_cpu is not None:
        return figures.host_cpu / figures.rate
    return None if figures.cpu is None else figures.cpu.mean


def sizes_of(latencies_us: Iterable[Sequence[int]]) -> np.ndarray:
    """Equally likely sizes with a mean of 1: the means of equal parts of the ordered latencies."""
    ordered = np.sort(np.concatenate([np.asarray(each, dtype=float) for each in latencies_us]))
    if len(ordered) < SIZE_COUNT:  # too few for so many parts: interpolated
        ordered = np.quantile(ordered, (np.arange(SIZE_COUNT) + 0.5) / SIZE_COUNT)
    parts = np.array([part.mean() for part in np.array_split(ordered, SIZE_COUNT)])
    return parts / parts.mean()
