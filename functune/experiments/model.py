"""
The experiment file as types: a question, the workload, the settings and the load that answer it, and the expectations.

    name = "threads-blocking-io"
    question = "How many threads does a blocking handler need?"
    [workload]
    routes = ["/api/sync/sleep?ms=100"]
    [settings]
    thread_count = [1, 16, "unset"]
    [load]
    users = [1, 16, 64]
    warm_up = 1.0
    measure = 3.0
    repeats = 3
    [[expect]]
    claim = "16 threads sleeping 100 ms serve 160 calls a second"
    metric = "throughput"
    where = { thread_count = 16, users = 64 }
    at_least = 152

A file holds one experiment, or several as ``[[experiment]]`` tables: a run folder keeps them in this form.
"""

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from functune.experiments.requests import RequestTemplate, Route, ThinkTime, require_no_key, require_ordered
from functune.experiments.subject import Subject
from functune.setting import (
    KNOBS,
    MAX_LIMITER_TOKENS,
    MAX_PER_INSTANCE_CONCURRENCY,
    MAX_PROCESS_COUNT,
    MAX_THREAD_COUNT,
    Setting,
    Unset,
    instance_from_file,
)
from functune.shapes import INSTANCE_MEMORY_MB, INSTANCE_SHAPES, OwnShape

type ThreadCount = Annotated[int, Meta(ge=1, le=MAX_THREAD_COUNT)] | Unset
type ProcessCount = Annotated[int, Meta(ge=1, le=MAX_PROCESS_COUNT)]
type LimiterTokens = Annotated[int, Meta(ge=1, le=MAX_LIMITER_TOKENS)] | Unset
type PerInstanceConcurrency = Annotated[int, Meta(ge=1, le=MAX_PER_INSTANCE_CONCURRENCY)] | Unset
type SettingName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.:]*\Z")]
type HostName = Annotated[str, Meta(pattern=r"^[a-z]+(-[a-z]+)*(:[a-z]+)?\Z")]
INSTANCE_NAMES = ["unset", *INSTANCE_SHAPES]
type InstanceName = Annotated[
    str,
    # The list is for editors: msgspec checks the pattern.
    Meta(pattern=rf"^({'|'.join(map(re.escape, INSTANCE_NAMES))})\Z", extra_json_schema={"enum": INSTANCE_NAMES}),
]
type InstanceValue = InstanceName | OwnShape
type Users = Annotated[int, Meta(ge=1, le=1000)]
type BackgroundUsers = Annotated[int, Meta(ge=0, le=1000)]
type Text = Annotated[str, Meta(min_length=1)]
type Metric = Literal["throughput", "p50_ms", "p95_ms", "p99_ms", "error_ratio", "memory_mb"]
type Share = Annotated[float, Meta(gt=0, le=1.5)]
MOST_LOAD_PROCESSES = 64
_PORT = r"[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
BIND = re.compile(rf"(\*|\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):({_PORT})")
type SearchName = Literal["adaptive", "grid"]
PRICED_MEMORY_MB = 2048
"""The instance memory for costs where the reader asks for none: the default of Flex Consumption, MB."""
type Strategy = Literal["throughput", "latency", "cost", "balanced"]
"""The names of the strategies; each is described by an entry of STRATEGIES in analysis/verdict/strategies.py."""


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server of the lab that the app may call, so that outbound calls are measured without a network."""

    delay_ms: Annotated[int, Meta(ge=0, le=10_000)]
    """Milliseconds until it answers."""
    urls: Annotated[int, Meta(ge=1, le=50)] = 1
    """How many of its URLs are in the app setting ``FETCH_URLS``."""


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The requests: routes that are each measured alone, or requests that make a mix, or the users of a Locust file."""

    routes: tuple[Route, ...] = ()
    """Paths that are requested with GET. Each is measured alone with each setting."""
    method: Literal["GET"] = "GET"
    """The method of ``routes``."""
    requests: tuple[RequestTemplate, ...] = ()
    """The requests in full; several are measured together, as one mix."""
    alone: bool = False
    """Whether each request of a mix is also measured alone, which shows the setting that it would choose."""
    locustfile: str | None = None
    """A Locust file next to the experiment, whose users are the load."""
    think_time: ThinkTime = 0.0
    """Seconds that a user waits after an answer, or a range such as ``[1, 3]``."""
    background: Route | None = None
    """A route that other users call meanwhile, which shows how one handler slows another down."""
    background_users: Annotated[tuple[BackgroundUsers, ...], Meta(min_length=1)] = (0,)
    """The numbers of such users: each is measured with each route and setting."""
    target: Target | None = None
    """A server that the app calls: its address is in the app settings ``FETCH_URLS`` and ``FETCH_ALLOWED_HOSTS``."""

    def __post_init__(self) -> None:
        given = [key for key in ("routes", "requests", "locustfile") if getattr(self, key)]
        if len(given) != 1:
            found = f"{' and '.join(given)} are both given" if given else "nothing is requested"
            raise ValueError(f"{found}: allowed is one of routes, requests and locustfile")
        require_distinct("routes", self.routes)
        require_distinct("the names of requests", [request.name for request in self.requests])
        require_distinct("background_users", self.background_users)
        require_ordered(self.think_time)
        for route in (*self.routes, *filter(None, [self.background])):
            require_no_key(route, key="routes" if route in self.routes else "background")
        if self.alone and len(self.requests) < 2:
            raise ValueError("alone is true without a mix: allowed is with two requests or more")
        if self.locustfile and self.think_time != 0:
            raise ValueError("think_time is given with a locustfile: its users set their own wait_time")
        if self.background is None and self.background_users != (0,):
            raise ValueError(f"background_users is {list(self.background_users)} without a background route to call")


class Matrix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings: every combination of the lists, which have the names of the knobs."""

    thread_count: Annotated[tuple[ThreadCount, ...], Meta(min_length=1)] = ("unset",)
    process_count: Annotated[tuple[ProcessCount, ...], Meta(min_length=1)] = (1,)
    limiter_tokens: Annotated[tuple[LimiterTokens, ...], Meta(min_length=1)] = ("unset",)
    per_instance_concurrency: Annotated[tuple[PerInstanceConcurrency, ...], Meta(min_length=1)] = ("unset",)
    app_settings: Annotated[tuple[dict[SettingName, str], ...], Meta(min_length=1)] = ({},)
    """Other app settings, such as ``[{}, {SWITCH_INTERVAL_MS = "0.5"}]``."""
    host: tuple[HostName, ...] = ()
    """
    The hosts to measure on, such as ``["local", "gunicorn:gthread", "uvicorn"]``; none for that of ``--host``.

    ``gunicorn`` is Gunicorn with the workers that fit the app.
    """
    instance: Annotated[tuple[InstanceValue, ...], Meta(min_length=1)] = ("unset",)
    """
    The shapes of an instance whose cores and memory the host gets, such as ``"flex-512"``, ``"B1"`` or
    ``{ cores = 0.5, memory_mb = 1024 }``; unset for all that the machine has.
    """

    def __post_init__(self) -> None:
        for key in self.__struct_fields__:
            require_distinct(key, getattr(self, key))
        own = {knob.variable: knob.name for knob in KNOBS if knob.variable is not None}
        for name in sorted({name for one in self.app_settings for name in one} & own.keys()):
            raise ValueError(f"app_settings holds {name}: it is set by {own[name]}")
        for name in (name for one in self.app_settings for name, value in one.items() if "\0" in value):
            raise ValueError(f"app_settings.{name} contains a null character: allowed is none in an app setting")


class Load(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The closed-loop load: one step per number of users. Times are in seconds."""

    users: Annotated[tuple[Users, ...], Meta(min_length=1)]
    """Numbers of users, increasing: one step for each."""
    warm_up: Annotated[float, Meta(ge=0.2, le=60)]
    """Seconds cut off at the start of each step."""
    measure: Annotated[float, Meta(ge=1, le=600)]
    """Seconds measured in each step, after the warm-up."""
    search: SearchName = "adaptive"
    """``adaptive`` skips the steps that cannot change the answer; ``grid`` measures all."""
    repeats: Annotated[int, Meta(ge=1, le=50)] = 1
    """Rounds: each measures every step once, in a new random order."""
    seed: Annotated[int, Meta(ge=0)] = 1
    """Seed of the random order, arrivals and rows."""
    processes: Annotated[int, Meta(ge=1, le=MOST_LOAD_PROCESSES)] = 1
    """Load processes on this machine, which share the users and the arrivals."""
    workers: Annotated[int, Meta(ge=0, le=MOST_LOAD_PROCESSES)] = 0
    """Load processes that you start, on other machines as a rule, instead of ``processes``."""
    bind: str = "127.0.0.1:5557"
    """The address and the port that ``workers`` connect to: by default Locust's own port, on this machine alone."""
    arrivals: tuple[Share, ...] = ()
    """
    Shares of the capacity at which requests arrive at random (open loop), to the recommended setting and the defaults.

    The open loop shows latency at a given load, the closed loop shows capacity.
    """

    def __post_init__(self) -> None:
        for key in ("users", "arrivals"):
            values = getattr(self, key)
            if any(later <= earlier for earlier, later in pairwise(values)):
                raise ValueError(f"{key} is {list(values)}: allowed are strictly increasing numbers")
        if not BIND.fullmatch(self.bind):
            raise ValueError(
                f"bind is '{self.bind}': allowed is ADDRESS:PORT, with a port up to 65535, such as 127.0.0.1:5557"
            )
        if self.processes > 1 and self.workers:
            raise ValueError(
                f"processes is {self.processes} and workers is {self.workers}: allowed is one of them, since a load is "
                "sent either from this machine or by the load processes that you start"
            )


class PlannedStep(Protocol):
    """Anything that is measured with a setting: a trial, a step, a measurement or a level."""

    @property
    def setting(self) -> Setting: ...
    @property
    def subject(self) -> Subject: ...


class Where(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Selects steps: an omitted key matches everything."""

    thread_count: ThreadCount | None = None
    process_count: ProcessCount | None = None
    limiter_tokens: LimiterTokens | None = None
    per_instance_concurrency: PerInstanceConcurrency | None = None
    app_settings: dict[SettingName, str] | None = None
    host: HostName | None = None
    instance: InstanceValue | None = None
    users: Users | None = None
    """The number of users."""
    background_users: BackgroundUsers | None = None
    """The number of background users."""
    route: Route | None = None
    """The route."""
    arrivals: Share | None = None
    """The open-loop step at this share of the capacity, one of those of the load; omit ``users`` then."""

    def selects(self, step: PlannedStep) -> bool:
        """Whether setting, route and background load match. The load itself is ignored."""
        return (
            all(
                knob.read(wanted) == getattr(step.setting, knob.name)
                for knob in KNOBS
                if (wanted := getattr(self, knob.name)) is not None
            )
            and self.route in (None, step.subject.route)
            and self.background_users in (None, step.subject.background_users)
        )

    def __str__(self) -> str:
        return ", ".join(f"{key} = {value}" for key, value in msgspec.to_builtins(self).items()) or "every step"


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A metric of one step, or its ratio over that of another step, and the limits it must keep."""

    claim: Text
    """The expectation as a sentence."""
    metric: Metric
    """The figure that is compared."""
    where: Where
    """Selects the step."""
    over: Where | None = None
    """Selects the step to divide by; without it, the figure itself is compared."""
    at_least: float | None = None
    """Lower limit."""
    at_most: float | None = None
    """Upper limit."""
    free_cores: Annotated[int, Meta(ge=1)] | None = None
    """
    Judged only where every step selected had that many cores for the host and the load generator.

    These are the machine's cores minus those used by other programs; 0.2 fewer are accepted.
    """

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.at_least, self.at_most) if limit is not None]
        if not limits:
            raise ValueError("at_least and at_most are both missing: give one of them, or both")
        for limit in limits:
            if not math.isfinite(limit):
                raise ValueError(f"the limit is {limit}: allowed is a finite number")
        if len(limits) == 2 and limits[0] > limits[1]:
            raise ValueError(f"at_least is {limits[0]:g}: allowed is no more than at_most, {limits[1]:g}")


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The present setting of the app, one value for each knob."""

    thread_count: ThreadCount = "unset"
    process_count: ProcessCount = 1
    limiter_tokens: LimiterTokens = "unset"
    per_instance_concurrency: PerInstanceConcurrency = "unset"
    app_settings: dict[SettingName, str] = {}
    host: HostName | None = None
    instance: InstanceValue = "unset"

    @property
    def setting(self) -> Setting:
        """As a Setting."""
        return Setting(**{knob.name: knob.read(getattr(self, knob.name)) for knob in KNOBS})


class Experiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A question and how it is answered."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,64}\Z")]
    """1 to 64 lower-case letters, digits and dashes."""
    question: Text
    """The question that the experiment answers."""
    lesson: str = ""
    """One or two sentences: the lesson and its reason."""
    app: Text | None = None
    """
    ``MODULE:CALLABLE`` of a WSGI or ASGI app, such as ``src.app:app``, which runs on Gunicorn or Uvicorn.

    Without it and ``--app``, a function app.
    """
    folder: Text | None = None
    """
    The folder of the app, inside the script root and relative to it; without it, the script root.

    With ``folder`` alone, a function app there.
    """
    workload: Workload
    """The requests."""
    settings: Matrix
    """The settings to compare; an empty table is Azure's defaults."""
    load: Load
    """Users, durations and repeats."""
    objective: str = ""
    """Conditions that the setting must meet, such as ``p95 < 300ms and errors < 1%``."""
    strategy: Strategy = "throughput"
    """The aim of the recommended setting."""
    memory_mb: Annotated[int, Meta(extra_json_schema={"enum": INSTANCE_MEMORY_MB})] | None = None
    """
    Instance memory in MB. Without it, costs are those of 2048 MB and no size is recommended.

    The costs of web servers are those of App Service B1 in any case.
    """
    baseline: Baseline | None = None
    """The present setting, with which the verdict compares; without it, Azure's defaults."""
    expect: tuple[Expectation, ...] = ()
    """``[[expect]]`` tables, checked by every run."""

    def __post_init__(self) -> None:
        if self.memory_mb not in (None, *INSTANCE_MEMORY_MB):
            sizes = ", ".join(map(str, INSTANCE_MEMORY_MB[:-1]))
            raise ValueError(f"memory_mb is {self.memory_mb}: allowed: {sizes} or {INSTANCE_MEMORY_MB[-1]}")
        if self.folder is not None and (self.folder.startswith("/") or ".." in self.folder.split("/")):
            raise ValueError(f"folder is '{self.folder}': allowed is a folder inside the script root, such as apps/x")
        if self.workload.locustfile and self.load.arrivals:
            raise ValueError("load.arrivals is given with a locustfile: allowed is with routes or requests")

    @property
    def priced_memory_mb(self) -> int:
        """The instance memory for costs, in MB."""
        return self.memory_mb or PRICED_MEMORY_MB

    @property
    def compared_with(self) -> Setting:
        """The setting that every verdict compares with: the baseline, or Azure's defaults."""
        if self.baseline is not None:
            return self.baseline.setting
        first = instance_from_file(self.settings.instance[0])
        return Setting(host=next(iter(self.settings.host), None), instance=first)


def require_distinct(key: str, values: Sequence[object]) -> None:
    """Raise ValueError, to which msgspec adds the place, when a value is listed twice."""
    if any(value in values[:index] for index, value in enumerate(values)):
        raise ValueError(f"{key} is {list(values)}: allowed is each value once")
