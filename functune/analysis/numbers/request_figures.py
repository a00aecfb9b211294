"""The figures of each kind of request in a mix."""

from collections.abc import Sequence

import msgspec

from functune.analysis.numbers.statistics import percentile
from functune.run.measurement import Measurement


class RequestFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request in a step, all repeats together."""

    name: str
    throughput: float
    """Successful requests per second."""
    p95: float | None
    """Seconds; None below 72 requests."""
    requests: int
    """Those that succeeded."""
    failed: int


def request_figures(group: Sequence[Measurement]) -> tuple[RequestFigures, ...]:
    """The figures by name, over all measurements of one step; none where all requests are the same."""
    names = sorted({name for step in group for name in step.by_request})
    return tuple(figures_by_name(name, group) for name in names)


def figures_by_name(name: str, group: Sequence[Measurement]) -> RequestFigures:
    """The figures of one kind of request."""
    found = [step.by_request[name] for step in group if name in step.by_request]
    latencies = [latency for each in found for latency in each.latencies_us]
    p95 = percentile(latencies, 0.95)
    return RequestFigures(
        name=name,
        throughput=len(latencies) / sum(step.duration for step in group),
        p95=None if p95 is None else p95 / 1e6,
        requests=len(latencies),
        failed=sum(sum(each.errors.values()) for each in found),
    )
