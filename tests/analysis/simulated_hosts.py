"""
Simulated hosts whose best setting is known: what a handler needs is given, so is what each setting truly serves.

A host serves the least of what users, threads, the interpreter lock, cores, a pool of the process and the front allow,
rounded at the knee, less what many users at once cost. What the front and switching cost is not in the times of the
handler, as on the real host. Each measured throughput scatters.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from functune.analysis.numbers.levels import Level, LevelKey, key_of
from functune.analysis.search.objective import Objective
from functune.experiments.subject import Subject
from functune.run.measurement import Handler, Measurement
from functune.setting import Setting
from tests.analysis.simulated import level, step

ROUTE = Subject(route="/api/simulated")
CORES = 2
CORNER = 16
"""Exponent that rounds the knee: where users just fill what serves them, 4 % are lost."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """What a request costs, in seconds."""

    cpu: float = 0.0003
    """Computing in Python, under the GIL."""
    outside: float = 0.0
    """Computing outside the GIL: hashing, numpy, zlib."""
    wait: float = 0.0
    handler: Handler = "def"
    pool: int | None = None
    """Places of a pool in each process, of which a call holds one while it waits; None for no pool."""
    front: float = 0.0003
    """In the host's one front process, and half of it again in the worker."""
    crowding: float = 1e-6
    """Loss per pair of users."""
    switching: float = 0.0
    """Loss per pair of users in one process."""
    noise: float = 0.01
    reports: bool = True
    """Whether answers say how long the handler took."""

    @property
    def service(self) -> float:
        """Seconds of a call alone in its handler."""
        return self.cpu + self.outside + self.wait

    def slots(self, setting: Setting, users: int) -> int:
        """The most calls inside handlers at a time."""
        return users if self.handler == "async def" else min(setting.threads * setting.process_count, users)

    def throughput(self, setting: Setting, users: int) -> float:
        """The truth, requests per second."""
        wanted = users / (self.service + 2 * self.front)
        most = min(self.limits(setting, users))
        met = min(wanted, most) if users == 1 else (wanted**-CORNER + most**-CORNER) ** (-1 / CORNER)
        each = users / setting.process_count
        return met / (1 + self.crowding * users * (users - 1) + self.switching * each * max(each - 1, 0))

    def limits(self, setting: Setting, users: int) -> list[float]:
        """What the front, the threads, the GIL of each process, the cores and the pool of each process serve."""
        processes, worker = setting.process_count, self.front / 2
        on_loop = self.outside if self.handler == "async def" else 0.0
        found = [
            1 / self.front,
            self.slots(setting, users) / self.service,
            processes / (self.cpu + worker + on_loop),
            CORES / (self.cpu + self.outside + worker),
        ]
        return [*found, processes * self.pool / self.wait] if self.pool is not None and self.wait else found

    def p95(self, setting: Setting, users: int) -> float:
        """The truth, seconds: latencies spread evenly over 80 to 120 % of their mean."""
        return 1.18 * users / self.throughput(setting, users)

    def capacity(self, setting: Setting, users: Iterable[int], objective: Objective | None = None) -> float:
        """The most a setting truly serves at any of these users, within an objective of the form p95 < limit."""
        limit = None if objective is None else objective.conditions[0].limit
        kept = [n for n in users if limit is None or self.p95(setting, n) < limit]
        return max((self.throughput(setting, n) for n in kept), default=0.0)

    def measure(
        self,
        setting: Setting,
        users: int,
        chance: np.random.Generator,
        *,
        trial: int = 0,
        window: float = 3.0,
        repeat: int = 0,
    ) -> Measurement:
        """The step as a sweep would have measured it; ``trial`` is when."""
        rate = self.throughput(setting, users) * max(chance.normal(1, self.noise), 0.1)
        count = max(round(rate * window), 1)
        latencies = (users / rate * chance.uniform(0.8, 1.2, count) * 1e6).astype(int).tolist()
        inside = min(self.slots(setting, users), max(users - rate * 2 * self.front, rate * self.service))
        times = chance.normal(1, 0.02, count)
        computed = self.cpu + self.outside
        bare = step(setting=setting, users=users, route=ROUTE.route, handler=self.handler, trial=trial, repeat=repeat)
        return msgspec.structs.replace(
            bare,
            duration=window,
            concurrency=float(users),
            latencies_us=latencies,
            handler=self.handler if self.reports else None,
            service_times_us=(inside / rate * 1e6 * times).astype(int).tolist() if self.reports else [],
            cpu_times_us=(computed * 1e6 * times).astype(int).tolist() if self.reports else [],
            wait_times_us=[],
            open_calls=inside if self.reports else None,
            worker_cpu={"4241": rate * self.front, "4242": rate * (computed + self.front / 2)},
            generator_cpu=min(rate * self.front, 0.8),
        )


def analysed(measured: Sequence[Measurement], known: dict[LevelKey, tuple[int, Level]]) -> list[Level]:
    """The levels of a growing search; ``known`` keeps those that did not grow."""
    groups: dict[LevelKey, list[Measurement]] = {}
    for one in measured:
        groups.setdefault(key_of(one), []).append(one)
    for key, group in groups.items():
        if known.get(key, (0,))[0] != len(group):
            known[key] = len(group), level(*group)
    return [known[key][1] for key in groups]


def truly_best(
    host: Host, settings: Iterable[Setting], users: Sequence[int], allows: Callable[[Setting], bool] = lambda _: True
) -> float:
    """The most that any of the settings that a plan allows truly serves."""
    return max(host.capacity(setting, users) for setting in settings if allows(setting))
