"""
The experiment file: a question, the workload, settings and load that answer it, and what is expected.

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

A file holds one experiment, or several as ``[[experiment]]`` tables: that is what a run folder keeps.
"""

import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import tomli_w
from msgspec import Meta

from functune.errors import ExperimentError
from functune.measurements import Measurement, Setting

FILE_NAME = "experiment.toml"
OWN_SETTINGS = {
    "PYTHON_THREADPOOL_THREAD_COUNT": "thread_count",
    "FUNCTIONS_WORKER_PROCESS_COUNT": "process_count",
}
"""App settings that have a list of their own."""
NAMED = {"thread_count", "process_count", "users", "route"}

type ThreadCount = Annotated[int, Meta(ge=1)] | Literal["unset"]
type ProcessCount = Annotated[int, Meta(ge=1, le=10)]  # 10 is the host's own maximum
type Users = Annotated[int, Meta(ge=1, le=1000)]
type Route = Annotated[str, Meta(pattern=r"^/[!-~]*\Z")]
type Text = Annotated[str, Meta(min_length=1)]
type Metric = Literal["throughput", "p50_ms", "p95_ms", "p99_ms", "error_ratio", "memory_mb"]
type PerInstanceConcurrency = Annotated[int, Meta(ge=1, le=1000)] | Literal["unset"]
type Share = Annotated[float, Meta(gt=0, le=1.5)]
type SettingName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.:]*\Z")]


ALLOWED = {
    "name": "1 to 64 lower-case letters, digits and dashes",
    "routes": "one or more paths that start with / and hold no spaces",
    "route": "a path that starts with / and holds no spaces",
    "method": '"GET"',
    "thread_count": 'one or more whole numbers from 1, or "unset"',
    "process_count": "one or more whole numbers from 1 to 10",
    "per_instance_concurrency": 'one or more whole numbers from 1 to 1000, or "unset"',
    "app_settings": "one or more tables of app settings and their values, both strings",
    "delay_ms": "a whole number of milliseconds from 0 to 10000",
    "urls": "a whole number from 1 to 50",
    "users": "one or more whole numbers from 1 to 1000",
    "background_users": "one or more whole numbers from 0 to 1000",
    "search": '"adaptive" or "grid"',
    "strategy": '"throughput", "latency", "cost" or "balanced"',
    "memory_mb": "512, 2048 or 4096",
    "repeats": "a whole number from 1 to 50",
    "seed": "a whole number from 0",
    "arrivals": "shares of the capacity, above 0 and up to 1.5, such as [0.5, 0.7, 0.85, 0.95]",
    "warm_up": "0.2 to 60 seconds",
    "measure": "1 to 600 seconds",
    "free_cores": "a whole number from 1",
    "metric": '"throughput", "p50_ms", "p95_ms", "p99_ms", "error_ratio" or "memory_mb"',
}
"""What each key may hold, in the words of an error message; the types below enforce it."""


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server of the lab that the app may call, so that outbound calls are measured without a network."""

    delay_ms: Annotated[int, Meta(ge=0, le=10_000)]
    """After which it answers."""
    urls: Annotated[int, Meta(ge=1, le=50)] = 1
    """How many urls of it are in the app setting FETCH_URLS."""


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is called: each route is measured with each setting."""

    routes: Annotated[tuple[Route, ...], Meta(min_length=1)]
    method: Literal["GET"] = "GET"
    background: Route | None = None
    """A route that other users call meanwhile, so that what one handler does to another can be seen."""
    background_users: Annotated[tuple[Annotated[int, Meta(ge=0, le=1000)], ...], Meta(min_length=1)] = (0,)
    """How many such users: each number is measured with each route and setting."""
    target: Target | None = None
    """What the app's fetch routes call: its address is passed in FETCH_URLS and FETCH_ALLOWED_HOSTS."""

    def __post_init__(self) -> None:
        require_distinct("routes", self.routes)
        require_distinct("background_users", self.background_users)
        if self.background is None and self.background_users != (0,):
            raise ValueError(f"background_users is {list(self.background_users)} without a background route to call")


class Matrix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings: every combination of the lists. Names and values are Azure's own."""

    thread_count: Annotated[tuple[ThreadCount, ...], Meta(min_length=1)] = ("unset",)
    process_count: Annotated[tuple[ProcessCount, ...], Meta(min_length=1)] = (1,)
    per_instance_concurrency: Annotated[tuple[PerInstanceConcurrency, ...], Meta(min_length=1)] = ("unset",)
    app_settings: Annotated[tuple[dict[SettingName, str], ...], Meta(min_length=1)] = ({},)
    """Further app settings of the app, such as ``[{}, {SWITCH_INTERVAL_MS = "0.5"}]``."""

    def __post_init__(self) -> None:
        for key in self.__struct_fields__:
            require_distinct(key, getattr(self, key))
        for name in sorted({name for one in self.app_settings for name in one} & OWN_SETTINGS.keys()):
            raise ValueError(f"app_settings holds {name}: it is set by {OWN_SETTINGS[name]}")


class Load(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The closed-loop load: one step per number of users. Times are in seconds."""

    users: Annotated[tuple[Users, ...], Meta(min_length=1)]
    warm_up: Annotated[float, Meta(ge=0.2, le=60)]
    """Cut off at the start of each step."""
    measure: Annotated[float, Meta(ge=1, le=600)]
    """Measured per step, after the warm-up."""
    search: Literal["adaptive", "grid"] = "adaptive"
    """Whether steps that cannot change the answer are skipped, or every one is measured."""
    repeats: Annotated[int, Meta(ge=1, le=50)] = 1
    """How often each step is measured, in rounds: a round has every setting once, in random order."""
    seed: Annotated[int, Meta(ge=0)] = 1
    """Of the random order and of the random arrivals."""
    arrivals: tuple[Share, ...] = ()
    """
    Second phase: open-loop Poisson arrivals at these shares of what the recommended setting and the defaults served.

    Needs no users of its own: it shows latency at a load, where the closed loop shows capacity.
    """

    def __post_init__(self) -> None:
        for key in ("users", "arrivals"):
            values = getattr(self, key)
            if any(later <= earlier for earlier, later in pairwise(values)):
                raise ValueError(f"{key} is {list(values)}: allowed are strictly increasing numbers")


class Where(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Selects steps: what is left out matches everything."""

    thread_count: ThreadCount | None = None
    process_count: ProcessCount | None = None
    per_instance_concurrency: PerInstanceConcurrency | None = None
    app_settings: dict[SettingName, str] | None = None
    users: Users | None = None
    background_users: int | None = None
    route: Route | None = None
    arrivals: Share | None = None
    """The open-loop step at this share of the capacity, one of the load's; ``users`` is left out with it."""

    def selects(self, step: "Trial | Step | Measurement") -> bool:
        """Whether the step, planned or measured, is meant, or one of the trial; which arrivals is not looked at."""
        setting, concurrency = step.setting, self.per_instance_concurrency
        return (
            (self.thread_count is None or threads(self.thread_count) == setting.thread_count)
            and self.process_count in (None, setting.process_count)
            and (concurrency is None or threads(concurrency) == setting.per_instance_concurrency)
            and (self.app_settings is None or sorted_settings(self.app_settings) == setting.app_settings)
            and (isinstance(step, Trial) or self.users in (None, step.users))
            and self.background_users in (None, step.background_users)
            and self.route in (None, step.route)
        )

    def __str__(self) -> str:
        return ", ".join(f"{key} = {value}" for key, value in msgspec.to_builtins(self).items()) or "every step"


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a run must show: the metric of one step, or its ratio over that of another, within limits."""

    claim: Text
    metric: Metric
    where: Where
    over: Where | None = None
    at_least: float | None = None
    at_most: float | None = None
    free_cores: Annotated[int, Meta(ge=1)] | None = None
    """
    Judged only where the machine had so many cores for host and load generator in every step looked at.

    That is: its cores less those other programs used, by 0.2 at most too few. Else it is neither met nor failed.
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


class Experiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A question and how it is answered."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,64}\Z")]
    question: Text
    lesson: str = ""
    """One or two sentences: what the experiment shows, and why."""
    workload: Workload
    settings: Matrix
    load: Load
    objective: str = ""
    """What a setting must keep to be recommended, such as ``p95 < 300ms``; empty for nothing."""
    strategy: Literal["throughput", "latency", "cost", "balanced"] = "throughput"
    memory_mb: Literal[512, 2048, 4096] = 2048
    """Instance memory that costs are reckoned with, in MB: the sizes of Flex Consumption."""
    expect: tuple[Expectation, ...] = ()

    def __post_init__(self) -> None:
        for index, expectation in enumerate(self.expect):
            require_one_step(self, f"expect[{index}].where", expectation.where)
            if expectation.over is not None:
                require_one_step(self, f"expect[{index}].over", expectation.over)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One setting measured once on one route: a step for every number of users of the experiment's load."""

    setting: Setting
    route: str
    background_users: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One closed-loop step of the plan, repeats left out."""

    setting: Setting
    route: str
    background_users: int = 0
    users: int


def threads(count: int | Literal["unset"]) -> int | None:
    """The file's thread count, or concurrency, as a Setting holds it: None where it is left unset."""
    return None if count == "unset" else count


def sorted_settings(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """App settings as a Setting holds them."""
    return tuple(sorted(values.items()))


def settings(matrix: Matrix) -> list[Setting]:
    """Every combination, in an order that never changes; the last list of the matrix varies fastest but threads."""
    return [
        Setting(
            process_count=process_count,
            thread_count=threads(thread_count),
            per_instance_concurrency=threads(concurrency),
            app_settings=sorted_settings(values),
        )
        for process_count in matrix.process_count
        for concurrency in matrix.per_instance_concurrency
        for values in matrix.app_settings
        for thread_count in matrix.thread_count
    ]


def trials(experiment: Experiment) -> Iterator[Trial]:
    """
    The trials of one round in an order that never changes: by setting, route and background users, as in the file.

    Routes vary fastest, so that one host start serves all routes of a setting.
    """
    workload = experiment.workload
    for setting in settings(experiment.settings):
        for background_users in workload.background_users:
            for route in workload.routes:
                yield Trial(setting=setting, route=route, background_users=background_users)


def steps(experiment: Experiment) -> Iterator[Step]:
    """The closed-loop steps of one round, in the order of the trials."""
    for trial in trials(experiment):
        for users in experiment.load.users:
            yield Step(setting=trial.setting, route=trial.route, background_users=trial.background_users, users=users)


def required_steps(experiment: Experiment) -> list[Step]:
    """
    The closed-loop steps its expectations look at, which every search has to measure.

    For arrivals all numbers of users: they show the capacity of which the arrivals are a share.
    """
    selections = wheres(experiment)
    return [step for step in steps(experiment) if any(where.selects(step) for where in selections)]


def required_arrivals(experiment: Experiment) -> list[Trial]:
    """The trials whose arrivals its expectations look at."""
    opened = [where for where in wheres(experiment) if where.arrivals is not None]
    return [trial for trial in trials(experiment) if any(where.selects(trial) for where in opened)]


def wheres(experiment: Experiment) -> list[Where]:
    """Every selection of steps in its expectations."""
    return [where for each in experiment.expect for where in (each.where, each.over) if where is not None]


def load(path: Path) -> list[Experiment]:
    """
    The experiments of a file, in file order.

    Raises ExperimentError naming the file, the key, the value and what is allowed.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExperimentError(f"{path}: {error.strerror}; an experiment is a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path}: not TOML in UTF-8: {error}") from error
    if "experiment" not in document:
        return [convert(document, source=str(path), at="")]
    tables = document.pop("experiment")
    if document:
        raise ExperimentError(
            f"{path}: {', '.join(document)} beside [[experiment]]: "
            "a file holds one experiment, or [[experiment]] tables and nothing else"
        )
    if not isinstance(tables, list) or not tables:
        raise ExperimentError(f"{path}: experiment is {tables!r}: allowed are [[experiment]] tables")
    experiments = [convert(table, source=str(path), at=f"experiment[{index}].") for index, table in enumerate(tables)]
    require_unique_names(experiments, source=str(path))
    return experiments


def require_unique_names(experiments: Sequence[Experiment], *, source: str = "the experiments of the run") -> None:
    """Raise ExperimentError when two share a name: measurements are told apart by it. Needed over several files too."""
    names = [experiment.name for experiment in experiments]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ExperimentError(f"{source}: name is {min(twice)!r} more than once: allowed is once, rename one of them")


def dumps(experiments: Sequence[Experiment]) -> str:
    """TOML that ``load`` reads back equal: ``[[experiment]]`` tables, also for a single one."""
    return tomli_w.dumps({"experiment": msgspec.to_builtins(experiments)})


def convert(table: object, *, source: str, at: str) -> Experiment:
    """The experiment of one parsed table; ``at`` is put before the keys that errors name."""
    try:
        return msgspec.convert(table, Experiment)
    except msgspec.ValidationError as error:
        raise ExperimentError(f"{source}: {explain(str(error), table, at)}") from error


def explain(message: str, table: object, at: str) -> str:
    """
    msgspec's message with the key first and the value it complains of, which msgspec leaves out.

    ``Expected `int` >= 1 - at `$.load.users[0]` `` becomes ``load.users[0] is 0: allowed: whole ...``.
    """
    message, _, path = message.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    if (unknown := re.fullmatch(r"Object contains unknown field `(.*)`", message, re.DOTALL)) is not None:
        place = f"{at}{key}.{unknown[1]}" if key else f"{at}{unknown[1]}"
        return f"{place} is unknown: allowed here are {', '.join(allowed_keys(key))}"
    if (missing := re.fullmatch(r"Object missing required field `(.*)`", message)) is not None:
        return f"{at}{key}{'.' if key else ''}{missing[1]} is missing"
    if not message.startswith(("Expected", "Invalid")):  # a sentence of a __post_init__: it names its value
        return f"{at}{key}{': ' if key else ''}{message}"
    allowed = ALLOWED.get(re.sub(r"\[\d+\]", "", key).rpartition(".")[2])
    wanted = f"allowed: {allowed}" if allowed else f"e{message[1:]}"
    return f"{at}{key or 'the table'} is {value_at(table, key)!r}: {wanted}"


def value_at(table: object, key: str) -> object:
    """The value at a key as msgspec writes it, e.g. ``expect[0].where.users``."""
    value: Any = table
    for name, index in re.findall(r"([A-Za-z_]+)|\[(\d+)\]", key):
        value = value[name] if name else value[int(index)]
    return value


def allowed_keys(key: str) -> list[str]:
    """The keys a table may have; ``key`` is empty for the experiment itself."""
    table = re.sub(r"\[\d+\]", "", key).rpartition(".")[2]
    tables: dict[str, type[msgspec.Struct]] = {
        "": Experiment,
        "workload": Workload,
        "target": Target,
        "settings": Matrix,
        "load": Load,
        "expect": Expectation,
        "where": Where,
        "over": Where,
    }
    return list(tables[table].__struct_fields__)


def require_distinct(key: str, values: Sequence[object]) -> None:
    """Raise ValueError, which msgspec completes with the place, when a value is listed twice."""
    if any(value in values[:index] for index, value in enumerate(values)):
        raise ValueError(f"{key} is {list(values)}: allowed is each value once")


def require_arrivals(experiment: Experiment, key: str, where: Where) -> None:
    """Raise ValueError unless the load has the share of the capacity that ``where`` names, and no users are named."""
    if where.arrivals not in experiment.load.arrivals:
        planned = list(experiment.load.arrivals)
        raise ValueError(f"{key}.arrivals is {where.arrivals:g}: allowed is one of load.arrivals, {planned}")
    if where.users is not None:
        raise ValueError(f"{key}.users is {where.users} beside arrivals: leave it out, arrivals need no users")


def require_one_step(experiment: Experiment, key: str, where: Where) -> None:
    """Raise ValueError unless ``where`` selects exactly one of the planned steps."""
    if where.arrivals is None:
        count = sum(map(where.selects, steps(experiment)))
    else:
        require_arrivals(experiment, key, where)
        count = sum(map(where.selects, trials(experiment)))
    if count != 1:
        matrix, workload = experiment.settings, experiment.workload
        choices = {key: getattr(matrix, key) for key in matrix.__struct_fields__}
        choices |= {"users": experiment.load.users, "route": workload.routes}
        choices |= {"background_users": workload.background_users} if workload.background else {}
        # A list of one value selects nothing: naming it would only lengthen the sentence.
        listed = [f"{name} {list(values)}" for name, values in choices.items() if name in NAMED or len(values) > 1]
        raise ValueError(
            f"{key} is {{{where}}}: it selects {count} planned steps, allowed is exactly one of {', '.join(listed)}"
        )
