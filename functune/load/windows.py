"""
Makes the Measurement of a step from its requests. Pure functions over records.

The window nominally lasts from the end of the warm-up to the end of the step. T threads that all sleep 100 ms answer in
bursts, T at once every 100 ms, and an edge that cuts a burst would misstate the throughput by part of T. So both edges
move into a pause: the completion before the longest pause of the first quarter opens the window, and the completion
before the longest pause of the last quarter closes it. The window then holds the completions after its opening, up to
and including the one that closes it: whole bursts over a whole number of periods. An edge whose quarter has no
completion already lies in a pause and stays. On a smooth flow the move is harmless: the window grows by about one
longest pause, a share ln(k) / n of it for n completions, k of them in a quarter. That is a fraction of the 1 / sqrt(n)
by which random completions scatter anyway.

For the concurrency, a request counts from its start to its end, cut at the edges of the window. It also counts when it
began before the window or had not ended with the step.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from functune.errors import LoadError
from functune.experiments.subject import Subject
from functune.load.records import Request, StepEnd
from functune.run.measurement import Handler, Measurement, Phase, RequestResults
from functune.setting import Setting
from functune.timing.header import ReportedCall

MOST_NAMES = 50
"""Names that are kept apart: the users of a Locust file may give each of many ids a name of its own."""
OTHER = "other requests"
EDGE_SHARE = 0.25
"""Share of the nominal window in which an edge may be placed, at both ends."""


class Place(NamedTuple):
    """The place of a step in its run: fields that its Measurement takes over."""

    experiment: str
    trial: int
    subject: Subject
    setting: Setting
    repeat: int = 0
    phase: Phase = "capacity"
    share: float | None = None


def measure(step: StepEnd, requests: Sequence[Request], place: Place) -> Measurement:
    """
    The Measurement of one step from the requests that ended in it.

    Raises LoadError naming route, users and setting when no request was answered in the window.
    """
    opened, closed = step.opened, step.closed
    if step.arrival_rate is None:  # arrivals at random make no bursts that an edge could cut
        opened, closed = window(opened, closed, sorted(request.ended for request in requests))
    inside = [request for request in requests if opened < request.ended <= closed]
    require_answers(inside, step=step, subject=place.subject, setting=place.setting)
    succeeded = [request for request in inside if request.error is None]
    failed = [request for request in inside if request.error is not None]
    calls = [request.report for request in inside if request.report is not None]
    peaks, threads = by_worker(calls)
    return Measurement(
        **place._asdict(),
        handler=handler(calls),
        users=step.users,
        arrival_rate=step.arrival_rate,
        started_at=opened,
        duration=closed - opened,
        warm_up=opened - step.began,
        longest_pause=longest_pause(opened, closed, [request.ended for request in inside]),
        concurrency=concurrency(requests, step.unfinished, opened=opened, closed=closed),
        latencies_us=[round(request.latency * 1e6) for request in succeeded],
        error_latencies_us=[round(request.latency * 1e6) for request in failed],
        errors=dict(Counter(request.error for request in failed if request.error is not None)),
        worker_requests=dict(Counter(workers_of(calls))),
        instance_requests=dict(Counter(call.instance for call in calls if call.instance)),
        worker_peak_in_flight=peaks,
        worker_threads=threads,
        wait_times_us=reported_times(call.wait for call in calls),
        service_times_us=reported_times(call.service for call in calls),
        cpu_times_us=reported_times(call.cpu for call in calls),
        loop_times_us=reported_times(call.loop for call in calls),
        hold_times_us=reported_times(call.hold for call in calls),
        open_calls=step.open_calls,
        send_delays_us=[round((request.sent - request.began) * 1e6) for request in inside if request.sent is not None],
        arrivals=sum(opened < arrival <= closed for arrival in step.arrivals),
        generator_lag_us=list(step.lags_us),
        generator_rss_mb=step.generator_rss_mb,
        worker_cpu=step.worker_cpu,
        worker_core_wait=step.worker_core_wait,
        worker_rss_mb=step.worker_rss_mb,
        worker_peak_mb=step.worker_peak_mb,
        front_pid=step.front_pid,
        worker_pids=step.worker_pids,
        throttled=step.throttled,
        generator_cpu=step.generator_cpu,
        load_processes=step.load_processes,
        host_cpu=step.host_cpu,
        other_cpu=step.other_cpu,
        by_request=by_request(inside),
    )


def by_request(requests: Iterable[Request]) -> dict[str, RequestResults]:
    """The answers by the name of their request; empty for requests without a name, or with one name only."""
    named: defaultdict[str, list[Request]] = defaultdict(list)
    for request in requests:
        if request.name is not None:
            named[request.name if request.name in named or len(named) < MOST_NAMES else OTHER].append(request)
    if len(named) < 2:
        return {}
    return {
        name: RequestResults(
            latencies_us=[round(each.latency * 1e6) for each in group if each.error is None],
            errors=dict(Counter(each.error for each in group if each.error is not None)),
        )
        for name, group in sorted(named.items())
    }


def window(opened: float, closed: float, ends: Sequence[float]) -> tuple[float, float]:
    """
    The opening and the closing of the window, by the rule above; ``ends`` are the completions in rising order.

    Falls back to the nominal edges when the moved ones would hold no completion.
    """
    slack = (closed - opened) * EDGE_SHARE
    opening = before_longest_pause(ends, opened, opened + slack)
    closing = before_longest_pause(ends, closed - slack, closed)
    opening = opened if opening is None else opening
    closing = closed if closing is None else closing
    return (opening, closing) if any(opening < end <= closing for end in ends) else (opened, closed)


def before_longest_pause(ends: Sequence[float], low: float, high: float) -> float | None:
    """The completion from low to high that the longest pause follows, up to high; None without a completion."""
    inside = [end for end in ends if low <= end <= high]
    if not inside:
        return None
    return max(pairwise([*inside, high]), key=lambda pause: pause[1] - pause[0])[0]


def longest_pause(opened: float, closed: float, ends: Iterable[float]) -> float:
    """The longest time from opened to closed without a completion."""
    return max(later - earlier for earlier, later in pairwise([opened, *sorted(ends), closed]))


def concurrency(requests: Iterable[Request], unfinished: Iterable[float], *, opened: float, closed: float) -> float:
    """Time average of the requests in flight from opened to closed; ``unfinished`` began and never ended."""
    seconds = sum(max(min(request.ended, closed) - max(request.began, opened), 0.0) for request in requests) + sum(
        max(closed - max(began, opened), 0.0) for began in unfinished
    )
    return seconds / (closed - opened)


def by_worker(calls: Sequence[ReportedCall]) -> tuple[dict[str, int], dict[str, int]]:
    """By worker: the most calls open at once that it reported, and the number of its threads."""
    peaks: dict[str, int] = {}
    threads: defaultdict[str, set[int]] = defaultdict(set)
    for call, worker in zip(calls, workers_of(calls), strict=True):
        peaks[worker] = max(peaks.get(worker, 0), call.calls)
        threads[worker].add(call.thread)
    return peaks, {worker: len(numbers) for worker, numbers in threads.items()}


def workers_of(calls: Sequence[ReportedCall]) -> list[str]:
    """The worker of each call: its pid, with the instance before it where there are several."""
    is_one = len({call.instance for call in calls}) < 2
    return [str(call.pid) if is_one else f"{call.instance}/{call.pid}" for call in calls]


def handler(calls: Iterable[ReportedCall]) -> Handler | None:
    """The kind of handler that the answers report; None when no answer reports one."""
    return next(("def" if call.kind == "def" else "async def" for call in calls), None)


def reported_times(times: Iterable[int | None]) -> list[int]:
    """The times that were reported."""
    return [time for time in times if time is not None]


def require_answers(requests: Sequence[Request], *, step: StepEnd, subject: Subject, setting: Setting) -> None:
    """Raise LoadError, with the fate of the requests, when none was answered."""
    if any(request.was_answered for request in requests):
        return
    if requests:
        name, _ = Counter(request.error for request in requests).most_common(1)[0]
        found = (
            f"none of {len(requests)} requests was answered, most failed with {name}; "
            "check whether the host is still up"
        )
    else:
        found = (
            f"no request ended and {len(step.unfinished)} were in flight; "
            "measure longer, use fewer users, or check whether the function hangs"
        )
    raise LoadError(f"{subject} at {setting}, {step.users} users: in {step.closed - step.opened:.1f} s {found}")
