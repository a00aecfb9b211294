"""The limit by figures as the local host reports them, and by lines as the sampler sees them."""

from typing import Any

import msgspec
import pytest

from functune.analysis.numbers.hot_lines import HotLine, SubjectProfile
from functune.analysis.numbers.levels import levels_of
from functune.analysis.verdict.limit import Limit, LimitKind
from functune.analysis.verdict.limit_rules import find_limit
from functune.analysis.verdict.reasons import limit_in_words
from functune.analysis.verdict.recommendation import Aim, recommend
from functune.analysis.verdict.strategies import NoChoice
from functune.run.measurement import HOST_REFUSAL, Measurement
from functune.run.profile import LineKind
from functune.setting import Setting
from functune.shapes import shape_of
from tests.analysis.simulated import SLEEP, step

MANY = Setting(thread_count=64)


def seen(
    *,
    users: int,
    rate: int,
    service: float,
    cpu: float = 0.0003,
    cores: float = 0.1,
    setting: Setting = MANY,
    peak_mb: float = 80.0,
    outside: float = 0.0005,
    core_wait: float | None = None,
    **others: Any,
) -> Measurement:
    """
    A second of one step: ``rate`` answers, seconds of a call in its handler and on the CPU, cores of all workers.

    The latency is what Little's law makes of users and rate: the handler, ``outside`` of the worker, and the wait for
    the handler.
    """
    return msgspec.structs.replace(
        step(setting=setting),
        users=users,
        duration=1.0,
        latencies_us=[round(users / rate * 1e6)] * rate,
        service_times_us=[round(service * 1e6)] * rate,
        cpu_times_us=[round(cpu * 1e6)] * rate,
        wait_times_us=[round(max(users / rate - service - outside, 0.0) * 1e6)] * rate,
        open_calls=rate * service,
        worker_cpu={"4241": 0.1, "4242": cores},
        worker_core_wait={} if core_wait is None else {"4241": 0.0, "4242": core_wait},
        worker_peak_mb={"4241": 60.0, "4242": peak_mb},
        **{"host_cpu": cores + 0.1, **others},
    )


def on_loop(*, users: int, rate: int, service: float, loop: float, cpu: float = 0.0003, **others: Any) -> Measurement:
    """The same of an ``async def`` handler that holds the event loop for some seconds of each call."""
    held = [round(loop * 1e6)] * rate
    return seen(
        users=users,
        rate=rate,
        service=service,
        cpu=cpu,
        handler="async def",
        loop_times_us=held,
        hold_times_us=held,
        **others,
    )


def line(kind: LineKind, *, alone: float, loaded: float, number: int = 12, is_on_loop: bool = False) -> HotLine:
    """A line of the reader's code with its seconds per call, alone and under load."""
    return HotLine(
        file="shop/orders.py",
        line=number,
        function="save",
        state="running" if kind == "cpu" else "waiting",
        waits_in=None if kind == "cpu" else "Lock.acquire",
        kind=kind,
        on_loop=is_on_loop,
        seconds_alone=alone,
        seconds_loaded=loaded,
        share_alone=None,
        share_loaded=0.5,
        growth=loaded - alone,
        stack=(),
    )


def profile(*lines: HotLine) -> SubjectProfile:
    return SubjectProfile(
        experiment="threads", subject=SLEEP, setting=MANY, users=64, calls=50, samples=100, lines=lines
    )


def limit_of(*steps: Measurement, lines: tuple[HotLine, ...] = (), **context: Any) -> Limit:
    found = profile(*lines) if lines else None
    return find_limit(levels_of(steps), cores=2, profile=found, **context)


WAITS = seen(users=1, rate=10, service=0.1)
"""One user of a handler that waits 100 ms."""
QUEUES = (seen(users=1, rate=50, service=0.02), seen(users=64, rate=50, service=1.28))
"""A call of 20 ms that takes 64 times as long with 64 users."""
COMPUTES = seen(users=1, rate=50, service=0.02, cpu=0.02, cores=1.0)

FAILS = msgspec.structs.replace(
    seen(users=64, rate=600, service=0.1), error_latencies_us=[1000] * 40, errors={"HTTP 503": 40}
)
ONE_THREAD_EACH = seen(
    users=16, rate=98, service=0.02, cpu=0.02, cores=1.9, setting=Setting(thread_count=1, process_count=2)
)


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("threads", (WAITS, seen(users=64, rate=159, service=0.1, setting=Setting(thread_count=16)))),
        ("none", (WAITS, seen(users=64, rate=630, service=0.1))),
        ("gil", (COMPUTES, seen(users=16, rate=49, service=0.32, cpu=0.02, cores=1.0))),
        ("cores", (COMPUTES, seen(users=16, rate=96, service=0.16, cpu=0.02, cores=1.93))),
        (
            "event_loop_blocked",
            (on_loop(users=1, rate=10, service=0.1, loop=0.1), on_loop(users=16, rate=10, service=0.1, loop=0.1)),
        ),
        (
            "event_loop_busy",
            (
                on_loop(users=1, rate=10, service=0.1, loop=0.1, cpu=0.1),
                on_loop(users=16, rate=10, service=0.1, loop=0.1, cpu=0.1),
            ),
        ),
        (
            "host",
            (
                seen(users=1, rate=1000, service=0.00002, cpu=0.00002, cores=0.3),
                seen(users=64, rate=4000, service=0.00002, cpu=0.00002, cores=0.95),
            ),
        ),
        (
            "admission",
            (
                WAITS,
                seen(users=64, rate=40, service=0.1, setting=Setting(thread_count=64, per_instance_concurrency=4)),
            ),
        ),
    ],
)
def test_figures_alone_name_the_limit(kind: LimitKind, steps: tuple[Measurement, ...]) -> None:
    found = limit_of(*steps)
    assert found.kind == kind
    assert found.evidence


def test_handler_that_its_calls_wait_in_is_no_limit_of_the_host_on_a_busy_machine() -> None:
    """Other programs have the cores, so a call alone takes longer around its handler of 12 ms than in it."""
    taken: dict[str, Any] = {"cpu": 0.00001, "cores": 0.04, "other_cpu": 1.9}
    alone, queued = seen(users=1, rate=36, service=0.012, **taken), seen(users=16, rate=80, service=0.19, **taken)
    assert limit_of(alone, queued, lines=(line("lock", alone=0.0, loaded=0.18),)).kind == "lock"
    full = seen(users=16, rate=320, service=0.012, setting=Setting(thread_count=4), **taken)
    assert limit_of(alone, full).kind == "threads"
    assert limit_of(alone, seen(users=16, rate=200, service=0.012, **taken)).kind == "host"


def refusing(name: str, *, users: int = 64) -> Measurement:
    """A step whose failures are of one kind."""
    return msgspec.structs.replace(
        seen(users=users, rate=80, service=0.1), error_latencies_us=[1000] * 400, errors={name: 400}
    )


def test_calls_that_the_host_refuses_are_its_limit() -> None:
    eight = seen(users=8, rate=79, service=0.1)
    found = limit_of(WAITS, eight, refusing(HOST_REFUSAL))
    assert found.kind == "admission"
    assert "with 8 users it refused none, with 64 users 400 of 480 requests" in limit_in_words(found)
    assert "maxOutstandingRequests in host.json" in limit_in_words(found)
    assert limit_of(WAITS, eight, refusing("HTTP 429")).kind == "none"  # of the app, by its own rules
    assert limit_of(WAITS, eight, refusing(HOST_REFUSAL, users=4)).kind == "none"  # of another time
    quick = msgspec.structs.replace(refusing(HOST_REFUSAL), generator_cpu=0.99)
    assert limit_of(WAITS, eight, quick).kind == "admission"  # users who are refused at once keep the generator busy


def test_calls_that_queue_before_the_host_refuses_some_have_another_limit() -> None:
    """Eight users wait for four threads already, so more places in the host would not help."""
    four = seen(users=8, rate=39, service=0.1, setting=Setting(thread_count=4))
    assert limit_of(WAITS, four, refusing(HOST_REFUSAL)).kind == "threads"


def test_more_threads_are_said_to_add_throughput_only_where_a_setting_with_more_served_more() -> None:
    def full(threads: int, *, rate: int) -> Measurement:
        return seen(users=64, rate=rate, service=0.1, setting=Setting(thread_count=threads))

    alone = seen(users=1, rate=10, service=0.1, setting=Setting(thread_count=1))
    untried = limit_in_words(limit_of(alone, full(1, rate=10)))
    assert "keeps every thread busy; no setting with more threads was measured to serve more, so measure one" in untried
    shown = limit_in_words(limit_of(alone, full(1, rate=10), full(4, rate=40)))
    assert "keeps every thread busy: more threads add throughput" in shown


@pytest.mark.parametrize(
    ("kind", "waits_at"), [("lock", "lock"), ("lock", "file lock"), ("pool", "pool"), ("pool", "executor")]
)
def test_line_that_grows_names_what_calls_queue_for(kind: LimitKind, waits_at: LineKind) -> None:
    found = limit_of(*QUEUES, lines=(line("sleep", alone=0.02, loaded=0.02), line(waits_at, alone=0.0, loaded=1.26)))
    assert found.kind == kind
    assert found.where is not None
    assert (found.where.file, found.where.line) == ("shop/orders.py", 12)
    assert "shop/orders.py:12 in save, in Lock.acquire" in limit_in_words(found)


def test_server_that_slows_down_is_told_from_connections_of_each_process_by_a_second_process() -> None:
    grown = (line("network", alone=0.02, loaded=1.28),)
    two = Setting(thread_count=64, process_count=2)
    same = seen(users=64, rate=52, service=1.2, setting=two)
    double = seen(users=64, rate=100, service=0.64, setting=two)
    one_user = seen(users=1, rate=50, service=0.02, setting=two)
    assert limit_of(*QUEUES, same, lines=grown).kind == "downstream"
    assert limit_of(*QUEUES, double, lines=grown).kind == "unknown"
    assert "measure 2 processes with 64 users to see" in limit_in_words(limit_of(*QUEUES, one_user, lines=grown))


def test_lock_in_threads_of_an_executor_is_the_limit_and_not_the_executor() -> None:
    """Most calls queue for a thread, because the threads queue for the lock."""
    queue, lock = line("executor", alone=0.0, loaded=0.8, number=8), line("lock", alone=0.0, loaded=0.46)
    work = line("sleep", alone=0.02, loaded=0.02, number=13)
    found = limit_of(*QUEUES, lines=(queue, lock, work))
    assert (found.kind, found.where and found.where.line, found.share) == ("lock", 12, 1.0)
    assert limit_of(*QUEUES, lines=(queue, work)).kind == "pool"


def test_pool_in_front_of_a_server_that_slows_down_is_not_the_limit() -> None:
    """Two processes have twice as many connections: where that adds nothing, the server is the limit."""
    lines = (line("pool", alone=0.0, loaded=0.8, number=8), line("network", alone=0.02, loaded=0.48))
    two = Setting(thread_count=64, process_count=2)
    same, double = (seen(users=64, rate=rate, service=60 / rate, setting=two) for rate in (51, 98))
    assert limit_of(*QUEUES, same, lines=lines).where == limit_of(*QUEUES, same, lines=lines[1:]).where
    assert limit_of(*QUEUES, same, lines=lines).kind == "downstream"
    assert limit_of(*QUEUES, double, lines=lines).kind == "pool"
    assert limit_of(*QUEUES, lines=lines).kind == "unknown"


def test_gain_of_a_second_process_that_a_busy_machine_makes_names_neither_the_pool_nor_the_server() -> None:
    lines = (line("pool", alone=0.0, loaded=0.8, number=8), line("network", alone=0.02, loaded=0.48))
    by_chance = seen(users=64, rate=72, service=0.83, setting=Setting(thread_count=64, process_count=2))
    found = limit_of(*QUEUES, by_chance, lines=lines)
    assert found.kind == "unknown"
    assert "2 processes serve 1.44 times as much as one" in limit_in_words(found)


def test_semaphore_around_work_under_the_gil_is_the_limit_only_where_its_holders_are_not_slowed() -> None:
    busy = seen(users=16, rate=49, service=0.32, cpu=0.02, cores=1.0)
    places = line("pool", alone=0.0, loaded=0.2, number=8)
    slowed, steady = (line("cpu", alone=0.02, loaded=loaded) for loaded in (0.12, 0.021))
    assert limit_of(COMPUTES, busy, lines=(places, slowed)).kind == "gil"
    assert limit_of(COMPUTES, busy, lines=(places, steady)).kind == "pool"


@pytest.mark.parametrize(
    ("cores", "core_wait", "kind"),
    [(1.0, 0.1, "gil"), (1.9, 0.1, "cores"), (0.4, 2.8, "gil"), (0.3, 5.7, "cores"), (0.4, 4.0, "unknown")],
)
def test_coroutine_whose_work_computes_in_threads_is_limited_by_the_gil_or_the_cores(
    cores: float, core_wait: float, kind: LimitKind
) -> None:
    """Six threads compute; in the last three cases other programs use most of both cores."""
    others = {"cores": cores, "core_wait": core_wait, "other_cpu": 1.6 if cores < 1 else 0.0}
    alone, crowded = (on_loop(users=users, rate=50, service=users / 50, loop=0.0002, **others) for users in (1, 16))
    queue = line("executor", alone=0.0, loaded=0.2, number=8)
    work = msgspec.structs.replace(line("cpu", alone=0.02, loaded=0.12), share_loaded=6 / 64)
    found = limit_of(alone, crowded, lines=(queue, work))
    assert (found.kind, found.where and found.where.line) == (kind, None if kind == "unknown" else 12)


def threads_that_compute(*, cores: float, core_wait: float | None) -> Measurement:
    """16 threads that each have a call, while other programs use the rest of two cores."""
    return seen(users=16, rate=40, service=0.39, cpu=0.02, cores=cores, core_wait=core_wait, other_cpu=1.2)


@pytest.mark.parametrize(("core_wait", "kind"), [(2.5, "gil"), (13.0, "cores"), (8.0, "unknown"), (None, "unknown")])
def test_threads_that_wait_for_a_core_tell_the_gil_from_the_cores_on_a_busy_machine(
    core_wait: float | None, kind: LimitKind
) -> None:
    """Under the GIL one thread at a time wants a core; outside of it all do, whether they get one or not."""
    found = limit_of(COMPUTES, threads_that_compute(cores=0.86, core_wait=core_wait))
    assert found.kind == kind
    if kind == "unknown":
        assert "other programs used 1.2 cores" in limit_in_words(found)


def test_two_threads_show_the_gil_where_a_core_is_free_and_the_cores_where_both_are_used() -> None:
    two = Setting(thread_count=2)
    under = seen(users=16, rate=49, service=0.04, cpu=0.02, cores=1.0, core_wait=0.4, setting=two)
    outside = seen(users=16, rate=96, service=0.0205, cpu=0.02, cores=1.93, core_wait=0.1, setting=two)
    assert limit_of(COMPUTES, msgspec.structs.replace(under, host_cpu=1.1, other_cpu=0.1)).kind == "gil"
    assert limit_of(COMPUTES, msgspec.structs.replace(under, host_cpu=1.1, other_cpu=0.85)).kind == "unknown"
    assert limit_of(COMPUTES, outside).kind == "cores"


def test_short_calls_that_wait_for_the_gil_before_they_begin_compute_all_the_same() -> None:
    """They end before another thread gets the GIL, so no call takes longer; other programs use part of the core."""
    alone = seen(users=1, rate=360, service=0.0021, cpu=0.002, cores=0.76, core_wait=0.2)
    crowded = seen(users=16, rate=380, service=0.0022, cpu=0.002, cores=0.78, core_wait=1.3, outside=0.015)
    assert limit_of(alone, crowded).kind == "gil"


def test_loop_that_waits_for_a_core_computes() -> None:
    """Other programs leave the loop half of a core: 10 ms of CPU time take 20 ms."""
    alone, crowded = (
        on_loop(users=users, rate=48, service=0.02, loop=0.02, cpu=0.009, cores=0.5, core_wait=0.5) for users in (1, 16)
    )
    busy = limit_of(alone, crowded)
    assert busy.kind == "event_loop_busy"
    assert "hold the event loop 96.0 % of the time in stretches of 20.0 ms and they compute" in limit_in_words(busy)
    blocked = [msgspec.structs.replace(each, worker_core_wait={}) for each in (alone, crowded)]
    assert limit_of(*blocked).kind == "event_loop_blocked"
    working = line("cpu", alone=0.02, loaded=0.02, is_on_loop=True)
    assert limit_of(*blocked, lines=(working,)).kind == "unknown"


def test_loop_that_is_full_on_a_busy_machine_only_is_not_called_busy() -> None:
    """1 ms of CPU time in a call of 60 ms: 16 calls would keep a quarter of a core busy."""
    alone = on_loop(users=1, rate=16, service=0.06, loop=0.002, cpu=0.001)
    crowded = on_loop(
        users=16, rate=180, service=0.085, loop=0.0048, cpu=0.001, cores=0.2, core_wait=0.9, other_cpu=1.8
    )
    assert limit_of(alone, crowded).kind == "unknown"
    assert "other programs used 1.8 cores" in limit_in_words(limit_of(alone, crowded))


def test_calls_that_wait_in_front_of_idle_workers_are_not_admitted() -> None:
    limited = seen(users=64, rate=40, service=0.1, outside=1.5)
    assert limit_of(WAITS, limited).kind == "admission"
    assert "4.00 of 64 calls are in their handlers" in limit_in_words(limit_of(WAITS, limited))
    assert limit_of(WAITS, seen(users=64, rate=40, service=0.1, outside=1.5, cores=0.95)).kind != "admission"
    on_server = msgspec.structs.replace(MANY, host="gunicorn:gthread")
    served = [msgspec.structs.replace(each, setting=on_server) for each in (WAITS, limited)]
    assert limit_of(*served).kind != "admission"  # which a web server does not have


def test_generator_that_used_its_core_while_the_workers_were_idle_is_the_limit() -> None:
    few = seen(users=4, rate=400, service=0.0095)
    full = seen(users=64, rate=2400, service=0.0095, generator_cpu=0.97)
    alone = seen(users=1, rate=100, service=0.0095)
    assert limit_of(alone, few, full).kind == "generator"
    assert limit_of(alone, few, msgspec.structs.replace(full, generator_cpu=0.5)).kind != "generator"
    busy = msgspec.structs.replace(full, worker_cpu={"4241": 0.1, "4242": 0.95})
    assert limit_of(alone, few, busy).kind != "generator"


def test_generator_that_wakes_up_late_is_the_limit() -> None:
    late = seen(users=64, rate=400, service=0.1, outside=0.05, generator_lag_us=[120_000] * 400)
    assert limit_of(WAITS, late).kind == "generator"


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ((), "no step worked"),
        (QUEUES, "no profile that shows where it waits"),
        ((WAITS, seen(users=2, rate=20, service=0.1)), "2 users are too few"),
        ((seen(users=64, rate=630, service=0.1),), "no step of one user was measured"),
        (
            (msgspec.structs.replace(WAITS, service_times_us=[], open_calls=None, users=64),),
            "the host does not report the times of calls",
        ),
        ((WAITS,), "1 user is too few"),
        ((COMPUTES, ONE_THREAD_EACH), "two threads or more"),
        ((WAITS, FAILS), "answers failed at 64 users (HTTP 503: 40)"),
        ((msgspec.structs.replace(FAILS, worker_ends={"SIGKILL": 2}),), "(HTTP 503: 40; workers ended by SIGKILL: 2)"),
        ((FAILS,), "answers failed at 64 users (HTTP 503: 40)"),
        ((WAITS, seen(users=64, rate=300, service=0.1)), "the time passes outside of the handler"),
    ],
)
def test_limit_stays_unknown_with_the_reason(steps: tuple[Measurement, ...], reason: str) -> None:
    found = limit_of(*steps)
    assert found.kind == "unknown"
    assert reason in limit_in_words(found)


def test_full_threads_whose_calls_take_longer_than_alone_are_not_the_limit() -> None:
    full = seen(users=128, rate=50, service=1.28)
    assert limit_of(QUEUES[0], full).kind == "unknown"
    assert limit_of(QUEUES[0], full, lines=(line("lock", alone=0.0, loaded=1.26),)).kind == "lock"


def test_no_line_is_named_that_explains_less_than_half() -> None:
    lines = [line("lock", alone=0.0, loaded=0.3, number=number) for number in (1, 2, 3)]
    assert limit_of(*QUEUES, lines=tuple(lines)).kind == "unknown"


def test_memory_excludes_the_faster_setting_and_says_so() -> None:
    """Also at the level of one user, which does fit: an instance has many users with it."""
    fast = seen(users=64, rate=630, service=0.1, peak_mb=1100.0)
    slow = seen(users=64, rate=159, service=0.1, setting=Setting(thread_count=16), peak_mb=300.0)
    levels = levels_of([WAITS, fast, slow])
    found = find_limit(levels, cores=2, memory_mb=512)
    assert found.kind == "memory"
    assert "its workers use 1,100 MB, where an instance has 512 MB" in limit_in_words(found)
    assert "the fastest setting that fits serves 159 requests/s" in limit_in_words(found)
    assert find_limit(levels, cores=2, memory_mb=2048).kind == "threads"
    assert find_limit(levels_of([WAITS, fast]), cores=2, memory_mb=512).kind == "memory"

    chosen = recommend(SLEEP, levels, aim=Aim(memory_mb=512), cores=2)
    assert not isinstance(chosen, NoChoice)
    assert chosen.setting == Setting(thread_count=16)
    assert "1 setting used more than the 512 MB of an instance and was not considered." in chosen.caveats

    nothing = recommend(SLEEP, levels_of([WAITS, fast]), aim=Aim(memory_mb=512))
    assert isinstance(nothing, NoChoice)
    assert "512 MB" in nothing.reason


def test_busy_threads_that_compute_are_not_said_to_wait() -> None:
    """Its process gets little less than the core from which it would be the limit."""
    alone = seen(users=1, rate=80, service=0.0113, cpu=0.0108, cores=0.86, setting=Setting(thread_count=1))
    full = seen(
        users=64, rate=76, service=0.0125, cpu=0.0108, cores=0.82, setting=Setting(thread_count=1), other_cpu=1.1
    )
    found = limit_of(alone, full)
    assert found.kind == "unknown"
    assert "computes 10.8 ms of that" in limit_in_words(found)
    assert "other programs used 1.1 cores" in limit_in_words(found)
    waits = msgspec.structs.replace(full, cpu_times_us=[300] * 76)
    assert limit_of(alone, waits).kind == "threads"


def test_memory_that_a_busy_machine_hides_is_not_called_another_limit() -> None:
    """A call computes 23 of 120 ms. Idle, 16 threads serve more than 4, and use too much memory."""
    alone = seen(users=1, rate=8, service=0.12, cpu=0.023, cores=0.18, setting=Setting(thread_count=4))
    slow = seen(users=16, rate=23, service=0.17, cpu=0.023, setting=Setting(thread_count=4), peak_mb=300.0)

    def fast(*, cores: float, core_wait: float) -> Measurement:
        return seen(
            users=16,
            rate=23,
            service=0.68,
            cpu=0.023,
            cores=cores,
            core_wait=core_wait,
            other_cpu=1.4,
            setting=Setting(thread_count=16),
            peak_mb=1100.0,
        )

    hidden = find_limit(levels_of([alone, slow, fast(cores=0.53, core_wait=2.4)]), cores=2, memory_mb=512)
    assert hidden.kind == "unknown"
    assert "where an instance has 512 MB. Settings that fit serve as much, but other programs used 1.4 cores" in (
        limit_in_words(hidden)
    )
    shown = find_limit(levels_of([alone, slow, fast(cores=0.95, core_wait=0.0)]), cores=2, memory_mb=512)
    assert "512 MB" not in limit_in_words(shown)


def test_limiter_of_anyio_is_said_with_the_line_that_raises_it() -> None:
    queued = msgspec.structs.replace(line("pool", alone=0.0, loaded=1.2), waits_in="anyio CapacityLimiter")
    said = limit_in_words(limit_of(*QUEUES, lines=(queued,)))
    assert "anyio.to_thread.current_default_thread_limiter().total_tokens = 100." in said
    assert 'limiter_tokens = ["unset", 100]' in said
    other = limit_in_words(limit_of(*QUEUES, lines=(line("pool", alone=0.0, loaded=1.2),)))
    assert "anyio" not in other


GTHREAD = Setting(thread_count=16, host="gunicorn:gthread")


def on_server(*, setting: Setting = GTHREAD, cores: float = 0.1, **figures: Any) -> Measurement:
    """The same of a handler on a web server: no front, and no wait, since the server queues the requests itself."""
    pages = {"front_pid": None, "worker_pids": ("4242",), "wait_times_us": [], "host_cpu": cores}
    return msgspec.structs.replace(seen(setting=setting, cores=cores, **figures), **pages)


def test_worker_of_a_web_server_that_computes_is_limited_by_the_gil_where_a_core_is_idle() -> None:
    """Of four users, one or two are in the handler: the others wait for the GIL in the server's own code."""
    one = on_server(users=1, rate=117, service=0.0083, cpu=0.0082, cores=0.99)
    four = on_server(users=4, rate=116, service=0.0132, cpu=0.0081, cores=0.99)
    assert limit_of(one, four).kind == "gil"


def test_calls_that_wait_for_the_gil_outside_of_the_handler_are_not_taken_for_computing_outside_of_it() -> None:
    """On a busy machine: 5 of 16 calls are in the handler, and 4.7 threads use or want a core."""
    one = on_server(users=1, rate=52, service=0.016, cpu=0.0081, cores=0.49, core_wait=0.56, other_cpu=1.47)
    busy = on_server(users=16, rate=70, service=0.0733, cpu=0.0084, cores=0.79, core_wait=3.9, other_cpu=1.17)
    assert limit_of(one, busy).kind == "gil"
    hashing = on_server(users=16, rate=70, service=0.22, cpu=0.0084, cores=0.9, core_wait=14.0, other_cpu=1.1)
    assert limit_of(one, hashing).kind == "cores"


def test_queue_of_a_web_server_is_not_taken_for_admission() -> None:
    """64 users on one sync worker: 63 requests wait in the queue of the server."""
    sync = Setting(host="gunicorn:sync")
    one, many = (on_server(users=users, rate=10, service=0.1, setting=sync) for users in (1, 64))
    assert limit_of(one, many).kind == "threads"
    with_wait = msgspec.structs.replace(many, wait_times_us=[10] * 10)  # as functune.wsgi reports it
    assert limit_of(one, with_wait).kind == "threads"


QUARTER = Setting(thread_count=16, instance=shape_of("flex-512"))


def on_quarter(*, users: int, throttled: float = 1.0, cores: float = 0.2) -> Measurement:
    """A handler that computes 20 ms, on a quarter of a core."""
    return seen(
        users=users,
        rate=12,
        service=0.08,
        cpu=0.017,
        cores=cores,
        setting=QUARTER,
        throttled=throttled,
        host_cpu=cores + 0.05,
    )


def test_processes_that_no_connection_reached_are_the_reason_why_the_limit_is_unknown() -> None:
    """Two processes with 8 threads each, and 64 users whose connections one of them accepted."""
    two = msgspec.structs.replace(GTHREAD, thread_count=8, process_count=2)
    one, many = (
        on_server(users=1, rate=10, service=0.1, setting=two),
        on_server(users=64, rate=80, service=0.1, setting=two),
    )
    said, without = (
        limit_in_words(limit_of(one, msgspec.structs.replace(many, worker_requests=answers)))
        for answers in ({"71": 80}, {"71": 40, "72": 40})
    )
    assert "the time passes outside of the handler; 1 of 2 processes served all requests." in said
    assert "served all requests" not in without


def test_quota_that_is_used_up_is_the_limit() -> None:
    found = limit_of(on_quarter(users=1), on_quarter(users=64))
    assert found.kind == "instance"
    said = limit_in_words(found)
    assert said.startswith("The cores of the instance are used up: a larger instance adds throughput, more threads or")
    assert "use 0.25 of the 0.25 cores of the instance with 64 users" in said
    line_of = limit_of(on_quarter(users=1), on_quarter(users=64), lines=(line("cpu", alone=0.02, loaded=1.2),))
    assert str(line_of.where) == "shop/orders.py:12 in save"


@pytest.mark.parametrize(("throttled", "cores"), [(0.2, 0.2), (1.0, 0.05)])
def test_quota_that_is_seldom_used_up_is_not_the_limit(throttled: float, cores: float) -> None:
    """Little of it used, or held back in few slices: something else makes the calls wait."""
    steps = [on_quarter(users=users, throttled=throttled, cores=cores) for users in (1, 64)]
    assert limit_of(*steps).kind != "instance"
