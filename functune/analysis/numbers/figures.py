"""The figures of a step: everything that is computed from its requests, for one repeat or for all repeats together."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np

from functune.analysis.numbers.generators import largest_clock_offset, more_load_processes, widest_clock_bound
from functune.analysis.numbers.statistics import Interval, interval_of_sorted, percentile, percentile_of_sorted
from functune.run.measurement import ACCEPTED_ERRORS, Measurement
from functune.setting import Setting

FAILED_TOO_MUCH = f"failed more than {ACCEPTED_ERRORS * 100:g} % of its requests"
"""Why a step did not work, as a predicate of sentences."""


class Price(Protocol):
    """Prices of instances on which settings can run, in the currency of the price list."""

    def __call__(self, setting: Setting, throughput: float) -> float | None:
        """The cost of a million requests with a setting at a throughput, requests per second; None for no price."""

    def instance(self, setting: Setting) -> str:
        """The instance that the price of a setting is for, such as ``App Service B1``."""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """A sample of times that answers report. Seconds."""

    count: int
    """The size of the sample."""
    mean: float
    """Its mean."""
    deviation: float
    """Standard deviation of the sample (divisor n - 1); 0 for a single value."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Times are in seconds, rates per second, CPU in cores, memory in MB. None where a figure is not known."""

    throughput: float
    """Successful requests per second (X)."""
    error_ratio: float = 0.0
    """Failed share of the completed requests, 0 to 1."""
    p50: float | None = None
    """Latency that half of the successful requests do not exceed; None for fewer than 6."""
    p95: float | None = None
    """Latency that 95 % do not exceed; None for fewer than 72."""
    p99: float | None = None
    """Latency that 99 % do not exceed; None for fewer than 368."""
    p95_interval: Interval | None = None
    """95 %, by order statistics of this step's requests."""
    mean: float | None = None
    """Mean latency of the successful requests."""
    cost: float | None = None
    """Per million requests."""
    requests: int = 0
    """Successful ones."""
    failed: int = 0
    """Those that failed."""
    errors: dict[str, int] = {}
    """Failures by kind."""
    worker_ends: dict[str, int] = {}
    """The workers that the server lost, by reason."""
    instances: int | None = None
    """The most instances of the app that served a repeat; None where answers do not name them."""
    serving_processes: int | None = None
    """The fewest worker processes that served a repeat; None where answers do not name their process."""
    setting_seen: bool | None = None
    """Whether the answers of the app agreed with its setting; None where the host was started with it."""
    memory_kills: int = 0
    """Processes of the host that the kernel ended for the memory of its instance."""
    throttled: float | None = None
    """Share of the kernel's periods in which the quota of the instance's cores did not suffice; None without one."""
    arrivals: int = 0
    """Arrivals intended in the window; 0 for a closed loop."""
    wait: Times | None = None
    """From where the host hands the call on to the handler's first line."""
    service: Times | None = None
    """From the handler's first line to its end."""
    cpu: Times | None = None
    """Thread CPU time of the handler."""
    loop: Times | None = None
    """Time an ``async def`` handler held the event loop."""
    hold: Times | None = None
    """Longest time an ``async def`` handler held the event loop without a break."""
    open_calls: float | None = None
    """Time average of the handler calls begun and not ended (L): the service time under this load is L / X."""
    in_flight: float = 0.0
    """Time average of the requests in flight (N)."""
    rate_times_latency: float = 0.0
    """X R over all completed requests, failures included; by Little's law it equals N."""
    send_delay_p99: float | None = None
    """Delay from the intended moment of an arrival to its sending."""
    generator_lag_p99: float | None = None
    """How much later than asked the load generator woke up."""
    generator_cpu: float = 0.0
    """Cores that all load processes on the measuring machine used."""
    busiest_generator: float | None = None
    """Cores that the busiest load process used: 1 is its limit. None where it is not known."""
    load_processes: int = 1
    """Load processes that sent the requests."""
    more_load_processes: int = 1
    """Those to add, at least, where the load processes limit the step."""
    clock_offset: float | None = None
    """The largest difference of a clock of a load process; None where one process sent all requests."""
    clock_bound: float | None = None
    """How far that difference may be off."""
    host_cpu: float | None = None
    """Cores used by the host, front and workers together."""
    other_cpu: float | None = None
    """Cores used by other programs."""
    generator_memory_mb: float | None = None
    """Memory of the load processes."""
    host_memory_mb: float | None = None
    """Front and workers together."""
    worker_cores: float | None = None
    """Cores used by all worker processes together."""
    worker_core_wait: float | None = None
    """Threads of all worker processes together that waited for a core; None where they are not counted."""
    front_cores: float | None = None
    """Cores used by the process of the host that takes the requests."""
    worker_peak_mb: float | None = None
    """Highest memory of all worker processes together."""
    duration: float = 0.0
    """Length of the windows."""
    shortest_window: float = 0.0
    """Length of the shortest window of the repeats."""
    longest_pause: float = 0.0
    """The longest time in a window in which no request ended."""
    warm_up: tuple[float, float] = (0.0, 0.0)
    """The least and the most that was cut off before a window."""

    @property
    def rate(self) -> float:
        """Completed requests per second, failures included."""
        return (self.requests + self.failed) / self.duration if self.duration else self.throughput

    @property
    def worked(self) -> bool:
        """Whether something was served and at most 1 % of the requests failed."""
        return self.throughput > 0 and self.error_ratio <= ACCEPTED_ERRORS


def figures_of(repeats: Sequence[Measurement], price: Price | None = None) -> Figures:
    """
    The figures of all requests of the repeats of a step, as if their windows had been one.

    Rates, cores and requests in flight are averages over the time measured; memory is the highest of any repeat.
    Raises ValueError without any repeat.
    """
    if not repeats:
        raise ValueError("figures take one measurement or more")
    duration = sum(each.duration for each in repeats)
    latencies = concatenated(each.latencies_us for each in repeats)
    failed = concatenated(each.error_latencies_us for each in repeats)
    completed = len(latencies) + len(failed)
    throughput = len(latencies) / duration
    ordered = np.sort(latencies)
    interval = interval_of_sorted(ordered, 0.95)
    return Figures(
        throughput=throughput,
        error_ratio=len(failed) / completed if completed else 0.0,
        p50=seconds(percentile_of_sorted(ordered, 0.5)),
        p95=seconds(percentile_of_sorted(ordered, 0.95)),
        p99=seconds(percentile_of_sorted(ordered, 0.99)),
        p95_interval=None if interval is None else Interval(interval.low / 1e6, interval.high / 1e6),
        mean=float(latencies.mean()) / 1e6 if len(latencies) else None,
        cost=price(repeats[0].setting, throughput) if price is not None and throughput else None,
        requests=len(latencies),
        failed=len(failed),
        errors=dict(sum((Counter(each.errors) for each in repeats), Counter[str]())),
        worker_ends=dict(sum((Counter(each.worker_ends) for each in repeats), Counter[str]())),
        instances=max(len(each.instance_requests) for each in repeats) or None,
        serving_processes=min(len(each.worker_requests) for each in repeats) or None,
        setting_seen=None if repeats[0].setting_seen is None else all(each.setting_seen for each in repeats),
        memory_kills=sum(each.memory_kills for each in repeats),
        throttled=average(repeats, lambda each: each.throttled),
        arrivals=sum(each.arrivals for each in repeats),
        wait=times(concatenated(each.wait_times_us for each in repeats)),
        service=times(concatenated(each.service_times_us for each in repeats)),
        cpu=times(concatenated(each.cpu_times_us for each in repeats)),
        loop=times(concatenated(each.loop_times_us for each in repeats)),
        hold=times(concatenated(each.hold_times_us for each in repeats)),
        open_calls=average(repeats, lambda each: each.open_calls),
        in_flight=average(repeats, lambda each: each.concurrency) or 0.0,
        rate_times_latency=float(latencies.sum() + failed.sum()) / 1e6 / duration,
        send_delay_p99=seconds(percentile(concatenated(each.send_delays_us for each in repeats), 0.99)),
        generator_lag_p99=seconds(percentile(concatenated(each.generator_lag_us for each in repeats), 0.99)),
        generator_cpu=average(repeats, lambda each: each.generator_cpu) or 0.0,
        busiest_generator=average(repeats, lambda each: each.busiest_generator),
        load_processes=max(each.senders for each in repeats),
        more_load_processes=max(map(more_load_processes, repeats)),
        clock_offset=largest_clock_offset(repeats),
        clock_bound=widest_clock_bound(repeats),
        host_cpu=average(repeats, lambda each: each.host_cpu),
        other_cpu=average(repeats, lambda each: each.other_cpu),
        generator_memory_mb=max((each.generator_rss_mb for each in repeats if each.generator_rss_mb), default=None),
        host_memory_mb=max(sum(each.worker_rss_mb.values()) for each in repeats) or None,
        worker_cores=average(repeats, lambda each: of_workers(each, each.worker_cpu)),
        worker_core_wait=average(repeats, lambda each: of_workers(each, each.worker_core_wait)),
        front_cores=average(repeats, lambda each: each.worker_cpu.get(str(each.front_pid))),
        worker_peak_mb=max(
            (peak for each in repeats if (peak := of_workers(each, each.worker_peak_mb)) is not None), default=None
        ),
        duration=duration,
        shortest_window=min(each.duration for each in repeats),
        longest_pause=max(each.longest_pause for each in repeats),
        warm_up=(min(each.warm_up for each in repeats), max(each.warm_up for each in repeats)),
    )


def concatenated(samples: Iterable[Sequence[int]]) -> np.ndarray:
    """Several samples as one."""
    return np.concatenate([np.asarray(each, dtype=np.int64) for each in samples])


def average(repeats: Sequence[Measurement], value: Callable[[Measurement], float | None]) -> float | None:
    """The average of a value over the time measured; None where a repeat does not know it."""
    known = [(found, each.duration) for each in repeats if (found := value(each)) is not None]
    if len(known) < len(repeats):
        return None
    return sum(found * duration for found, duration in known) / sum(duration for _, duration in known)


def of_workers(measured: Measurement, by_pid: Mapping[str, float]) -> float | None:
    """The sum over the worker processes; None where they, or a figure of one of them, are not known."""
    if measured.worker_pids:
        known = [by_pid[pid] for pid in measured.worker_pids if pid in by_pid]
        return sum(known) if len(known) == len(measured.worker_pids) else None
    front = str(measured.front_pid)
    return sum(value for pid, value in by_pid.items() if pid != front) if front in by_pid else None


def times(sample_us: np.ndarray) -> Times | None:
    """A sample of microseconds; None for an empty one."""
    if not len(sample_us):
        return None
    values = sample_us / 1e6
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return Times(count=len(values), mean=float(values.mean()), deviation=deviation)


def together(samples: Iterable[Times | None]) -> Times | None:
    """Several samples as one; None without any value."""
    known = [each for each in samples if each is not None]
    count = sum(each.count for each in known)
    if not count:
        return None
    centre = sum(each.count * each.mean for each in known) / count
    squares = sum((each.count - 1) * each.deviation**2 + each.count * (each.mean - centre) ** 2 for each in known)
    return Times(count=count, mean=centre, deviation=(squares / (count - 1)) ** 0.5 if count > 1 else 0.0)


def seconds(microseconds: float | None) -> float | None:
    """Microseconds as seconds."""
    return None if microseconds is None else microseconds / 1e6
