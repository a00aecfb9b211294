"""
A closed loop without think time whose answers are known in closed form, as the sweep would have measured it.

X = min(N / S, threads / S, processors / D_c) with S = D_c + D_w; by Little's law every latency averages N / X.
"""

import heapq
import random
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from functune.analysis.experiment import ExperimentFindings, analyse
from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.levels import Level, Repeat, levels_of, with_spreads
from functune.analysis.search.exploration import Scope, explore
from functune.experiments.model import Expectation, Experiment, Load, Matrix, Workload
from functune.experiments.planned import planned_steps, planned_trials
from functune.experiments.subject import Subject
from functune.plans.registry import price_for
from functune.run.measurement import Handler, Measurement, Phase
from functune.setting import Setting

CORES = 2
SLEEP = Subject(route="/api/sync/sleep?ms=100")
LAGS_US = random.Random(1).choices(range(20, 901), k=400)
"""How much later than asked the load generator woke up in each step."""
DRAWS = np.random.RandomState()
"""Draws what ``random.Random`` does from the same state, many at a time."""


def throughput(
    setting: Setting, users: int, *, cpu: float, wait: float, handler: Handler, blocks_loop: bool = False
) -> float:
    processes = setting.process_count
    slots = setting.threads * processes
    if handler == "async def":
        slots = processes if blocks_loop else users
    cores = setting.cores_within(CORES) or CORES
    return min(min(users, slots) / (cpu / min(cores, 1) + wait), min(processes, cores) / cpu)


def step(
    *,
    setting: Setting | None = None,
    users: int = 1,
    cpu: float = 0.0003,
    wait: float = 0.1,
    handler: Handler = "def",
    blocks_loop: bool = False,
    route: str = "/api/sync/sleep?ms=100",
    experiment: str = "threads",
    trial: int = 0,
    duration: float = 3.0,
    jitter: float = 0.0,
    errors: int = 0,
    repeat: int = 0,
    noise: float = 0.0,
    contention: float = 0.0,
    coherency: float = 0.0,
    phase: Phase = "capacity",
    background: str | None = None,
    background_users: int = 0,
) -> Measurement:
    """
    One step; ``jitter`` is the relative spread of latencies, which keeps their mean, ``noise`` that of the throughput.

    ``contention`` and ``coherency`` slow it down by the Universal Scalability Law.
    """
    setting = setting or Setting()
    rate = throughput(setting, users, cpu=cpu, wait=wait, handler=handler, blocks_loop=blocks_loop)
    rate /= 1 + contention * (users - 1) + coherency * users * (users - 1)
    chance = random.Random(f"{route} {setting} {users} {repeat or ''}")
    rate *= 1 + noise * chance.gauss(0, 1) if noise else 1
    stretched = cpu / min(setting.cores_within(CORES) or CORES, 1)  # less than a core makes computing take longer
    serving = min(setting.process_count, users)
    count = max(round(rate * duration * (1 - jitter * chance.uniform(0, 0.2))), 1)
    latencies = scattered(users / rate * 1e6, jitter, count, chance)
    failed = [1_000] * errors
    return Measurement(
        experiment=experiment,
        trial=trial,
        subject=Subject(route=route, background=background, background_users=background_users),
        handler=handler,
        setting=setting,
        users=users,
        started_at=1_760_000_000.0 + trial,
        duration=duration,
        warm_up=1.0,
        concurrency=(sum(latencies) + sum(failed)) / 1e6 / duration,
        latencies_us=latencies,
        error_latencies_us=failed,
        errors={"HTTP 500": errors} if errors else {},
        worker_requests={str(4242 + number): count // serving for number in range(serving)},
        worker_peak_in_flight={"4242": users},
        worker_threads={"4242": min(setting.threads, users)},
        service_times_us=[round((stretched + wait) * 1e6)] * count,
        cpu_times_us=[round(cpu * 1e6)] * count,
        generator_cpu=0.05,
        host_cpu=min(rate * cpu, CORES),
        other_cpu=0.02,
        wait_times_us=[max(round((users / rate - stretched - wait) * 1e6), 400)] * count,
        repeat=repeat,
        phase=phase,
        generator_lag_us=LAGS_US,
        generator_rss_mb=64.0,
        worker_cpu={"4241": 0.1, "4242": min(rate * cpu, CORES)},
        worker_rss_mb={"4241": 60.0, "4242": 55.0 + 0.05 * min(setting.threads, users)},
        worker_peak_mb={"4241": 61.0, "4242": 56.0 + 0.05 * min(setting.threads, users)},
        front_pid=4241,
    )


def scattered(mean: float, jitter: float, count: int, chance: random.Random) -> list[int]:
    """Whole numbers around a mean, evenly spread; the last that is drawn from ``chance``, which is left as it was."""
    if not jitter:
        return [round(mean)] * count
    _, (*key, place), _ = chance.getstate()
    DRAWS.set_state(("MT19937", np.array(key, dtype=np.uint32), place, 0, 0.0))
    found: list[int] = np.rint(mean * (1 + jitter * (2 * DRAWS.random_sample(count) - 1))).astype(int).tolist()
    return found


def arrivals(
    rate: float,
    *,
    setting: Setting | None = None,
    cpu: float = 0.0003,
    wait: float = 0.1,
    route: str = "/api/sync/sleep?ms=100",
    experiment: str = "threads",
    duration: float = 10.0,
    connections: int = 256,
    repeat: int = 0,
    share: float | None = None,
) -> Measurement:
    """
    An open-loop step: Poisson arrivals at ``rate`` a second, served first come first served by all threads.

    ``share`` is that of the capacity, that of the threads where it is omitted, to whole per cent.
    """
    setting = setting or Setting()
    share = round(rate * (cpu + wait) / setting.threads / setting.process_count, 2) if share is None else share
    chance = random.Random(f"{route} {setting} {rate} {repeat}")
    free = [0.0] * min(setting.threads * setting.process_count, connections)
    now, latencies, in_flight = 0.0, [], 0.0
    while (now := now + chance.expovariate(rate)) < duration:
        began = max(now, free[0])
        ended = began + (cpu + wait) * chance.uniform(0.98, 1.02)
        heapq.heapreplace(free, ended)
        latencies.append(round((ended - now) * 1e6))
        in_flight += ended - now
    base = step(setting=setting, users=1, cpu=cpu, wait=wait, route=route, experiment=experiment, duration=duration)
    return msgspec.structs.replace(
        base,
        users=connections,
        phase="arrivals",
        arrival_rate=rate,
        share=share,
        arrivals=len(latencies),
        latencies_us=latencies,
        concurrency=in_flight / duration,
        send_delays_us=[chance.randint(10, 800) for _ in latencies],
        service_times_us=base.service_times_us[:1] * len(latencies),
        cpu_times_us=base.cpu_times_us[:1] * len(latencies),
        wait_times_us=[max(latency - round((cpu + wait) * 1e6), 400) for latency in latencies],
        repeat=repeat,
    )


def planned(
    *,
    name: str = "threads",
    question: str = "How many threads does a blocking handler need?",
    lesson: str = "",
    routes: tuple[str, ...] = ("/api/sync/sleep?ms=100",),
    settings: Matrix | None = None,
    users: tuple[int, ...] = (1, 16, 64),
    arrivals: tuple[float, ...] = (),
    expect: tuple[Expectation, ...] = (),
) -> Experiment:
    return Experiment(
        name=name,
        question=question,
        lesson=lesson,
        workload=Workload(routes=routes),
        settings=settings or Matrix(thread_count=(1, 4, 16, 64)),
        load=Load(users=users, warm_up=1.0, measure=3.0, arrivals=arrivals),
        expect=expect,
    )


def sweep(
    experiment: Experiment,
    *,
    cpu: float = 0.0003,
    wait: float = 0.1,
    jitter: float = 0.0,
    blocking: Iterable[str] = (),
) -> list[Measurement]:
    """Every planned step; a route with "async" in it is an async def handler, one in ``blocking`` blocks its loop."""
    return [
        step(
            setting=trial.setting,
            users=users,
            cpu=cpu,
            wait=wait,
            handler="async def" if "async" in trial.subject.route else "def",
            blocks_loop=trial.subject.route in blocking,
            route=trial.subject.route,
            experiment=experiment.name,
            trial=index,
            jitter=jitter,
        )
        for index, trial in enumerate(planned_trials(experiment))
        for users in experiment.load.users
    ]


def findings(
    experiment: Experiment, measured: Iterable[Measurement], *, cores: float | None = CORES
) -> ExperimentFindings:
    """The findings of an experiment with the prices of Flex Consumption, as a report has them."""
    return analyse(experiment, measured, cores=cores, price=price_for(experiment.priced_memory_mb))


def level(*repeats: Measurement) -> Level:
    """The one level of the repeats of a step."""
    [only] = levels_of(repeats)
    return only


def plain_level(
    figures: Figures,
    *,
    setting: Setting | None = None,
    users: int = 8,
    subject: Subject | None = None,
    repeats: Mapping[int, Figures] | None = None,
) -> Level:
    """A level with these figures, and those of its repeats by number: one repeat with the same ones if omitted."""
    made = Level(
        subject=subject or Subject(route="/api/plain"),
        setting=setting or Setting(),
        users=users,
        figures=figures,
        repeats=tuple(
            Repeat(number=number, trial=number, started_at=1_760_000_000.0 + number, figures=each)
            for number, each in (repeats or {0: figures}).items()
        ),
    )
    return with_spreads(made, seed=1)


def searched(
    experiment: Experiment, *, scopes: Sequence[Scope] = (), cpu: float = 0.0003, wait: float = 0.1
) -> list[Measurement]:
    """Every step that the adaptive search of an experiment asks for, to its end."""
    measured: list[Measurement] = []
    steps = len(list(planned_steps(experiment)))
    while batch := explore(experiment, levels_of(measured), cores=CORES, scopes=scopes).batch:
        if len(measured) + len(batch) > steps:
            raise AssertionError("the search measured more than the whole grid")
        measured += [
            step(
                setting=each.setting,
                users=each.users,
                cpu=cpu,
                wait=wait,
                route=each.subject.route,
                background=each.subject.background,
                background_users=each.subject.background_users,
                experiment=experiment.name,
                trial=len(measured) + index,
            )
            for index, each in enumerate(batch)
        ]
    return measured
