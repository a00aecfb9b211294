"""
The settings that a sweep varies: the table of knobs, and a Setting, which has a value for each of them.

Everything that depends on which knobs there are reads this table: hosts apply it, experiment files are checked by it,
the search orders settings by it, and plans, report and terminal take their names and words from it. A new knob is a
field of Setting, an entry of KNOBS, and its two lists in the experiment file (experiments/model.py).

Sources: the defaults and limits of FUNCTIONS_WORKER_PROCESS_COUNT and PYTHON_THREADPOOL_THREAD_COUNT are those of
azure-functions-host (WorkerProcessCountOptions.cs, PR 7671), that of per-instance concurrency is Azure Resource
Manager's (functionAppConfig.scaleAndConcurrency.triggers.http).
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec

from functune.app_service.generated import GUNICORN_ARGUMENTS, WEB_CONCURRENCY, settings_of_counts
from functune.formatting import count, joined, plural
from functune.shapes import InstanceShape, OwnShape, shape_of
from functune.web_servers import LACKING_KNOBS, WEB_SERVERS, is_app_service

PROCESS_COUNT = "FUNCTIONS_WORKER_PROCESS_COUNT"
THREAD_COUNT = "PYTHON_THREADPOOL_THREAD_COUNT"
MAX_CONCURRENT_REQUESTS = "AzureFunctionsJobHost__extensions__http__maxConcurrentRequests"
"""host.json's limit as an app setting: requests beyond it wait in the host."""
DEFAULT_THREAD_COUNT = 1000
"""The thread count that the host injects when PYTHON_THREADPOOL_THREAD_COUNT is unset."""
MAX_PROCESS_COUNT = 10
"""With more worker processes than this the real host does not start."""
MAX_THREAD_COUNT = 1000
"""The most threads a sweep sets: as many as it has users, so more could never be busy."""
MAX_PER_INSTANCE_CONCURRENCY = 1000
MAX_LIMITER_TOKENS = 1000
"""The same as for threads: a sweep has no more users."""

FEW_SHAPES = ("flex-512", "flex-2048", "EP1", "B1", "aca-0.5")
"""Names of shapes that messages show."""

type Unset = Literal["unset"]
"""The word of an experiment file for a knob without a value."""


class Setting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One combination of knob values, named as Azure names them. The defaults are Azure's, and None is unset."""

    process_count: int = 1
    """Worker processes of the instance."""
    thread_count: int | None = None
    """Threads per worker process for ``def`` handlers; unset, the number of the host."""
    limiter_tokens: int | None = None
    """Threads that anyio's default limiter admits in each process; unset, the number of the app, 40 by default."""
    per_instance_concurrency: int | None = None
    """Requests that the instance admits at a time; unset, any number."""
    host: str | None = None
    """The host, as ``--host`` takes it; unset, that of the run."""
    app_settings: tuple[tuple[str, str], ...] = ()
    """Other app settings, by name."""
    instance: InstanceShape | None = None
    """The cores and the memory that the host may use; unset, all that the machine has."""

    @property
    def threads(self) -> int:
        """The threads per worker process in effect: those of the host where the thread count is unset."""
        if self.thread_count is not None:
            return self.thread_count
        own = None if self.is_on_functions else WEB_SERVERS[self.host or ""].default_threads
        return own or DEFAULT_THREAD_COUNT

    def calls_inside(self, users: int) -> float:
        """The calls that the threads of one worker process hold at a time while ``users`` call the app."""
        return min(self.threads, users / self.process_count)

    def cores_within(self, machine: float | None) -> float | None:
        """The cores that its host may use on a machine, whose number is None when unknown."""
        known = [each for each in (machine, self.instance.cores if self.instance else None) if each is not None]
        return min(known, default=None)

    @property
    def simplicity(self) -> tuple[Any, ...]:
        """Sort key, simplest setting first. The order of the knobs and their ranks are in KNOBS."""
        return tuple(knob.rank(self) for knob in KNOBS)

    @property
    def in_words(self) -> str:
        """The setting as a phrase: ``16 threads in 2 processes``, ``1 process, threads unset``."""
        processes, threads = words_of(self, ["process_count"]), words_of(self, ["thread_count"])
        pool = f"{processes}, {threads}" if self.thread_count is None else f"{threads} in {processes}"
        rest = [
            knob.words(value)
            for knob in KNOBS
            if knob.name not in ("process_count", "thread_count") and (value := getattr(self, knob.name))
        ]
        return ", ".join([pool, *rest])

    def __str__(self) -> str:
        """The setting for tables and logs: ``T=16 P=2``."""
        written = [knob.short(getattr(self, knob.name)) for knob in COLUMNS]
        return " ".join(text for text in written if text)

    @property
    def on_its_host(self) -> "Setting":
        """Without the values of knobs that its host lacks."""
        lacking = LACKING_KNOBS.get(self.host or "", frozenset())
        return msgspec.structs.replace(self, **dict.fromkeys(lacking)) if lacking else self

    @property
    def is_on_functions(self) -> bool:
        """Whether a Functions host runs it, and not a web server."""
        return self.host not in WEB_SERVERS

    def app_setting_values(self) -> dict[str, str | None]:
        """The variables that set it, by name; None for one to leave unset. A web server has variables of its own."""
        if not self.is_on_functions:
            return server_variables(self)
        values = {knob.variable: getattr(self, knob.name) for knob in KNOBS if knob.variable is not None}
        return {name: None if value is None else str(value) for name, value in values.items()} | dict(self.app_settings)

    def settings_to_set(self) -> dict[str, str | None]:
        """The app settings to recommend: also the limit of host.json that has the effect of a limit per instance."""
        limit = self.per_instance_concurrency
        return self.app_setting_values() | ({} if limit is None else {MAX_CONCURRENT_REQUESTS: str(limit)})


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be set."""

    name: str
    """Its field in Setting and its key in an experiment file."""
    column: int
    """Its place among the columns of a table."""
    title: str
    """Plural noun for headings: ``threads``."""
    variable: str | None
    """The app setting that sets it; None where it is no app setting."""
    allowed: str
    """One value in words, for error messages."""
    words: Callable[[Any], str]
    """A value as a phrase."""
    rank: Callable[[Setting], Any]
    """The sort key of a setting's value, simplest first."""
    short: Callable[[Any], str]
    """A value for tables; empty where nothing is to be shown."""
    read: Callable[[Any], Any] = lambda value: from_file(value)
    """The value of a Setting from one of an experiment file."""


def from_file(value: object) -> Any:
    """A value of an experiment file as Setting holds it: None for "unset", app settings as sorted pairs."""
    if value == "unset":
        return None
    return tuple(sorted(value.items())) if isinstance(value, Mapping) else value


def instance_from_file(value: str | OwnShape | None) -> InstanceShape | None:
    """The shape of an experiment file: None for "unset"."""
    return None if value in (None, "unset") else shape_of(value)


def instance_rank(setting: Setting) -> tuple[float, int]:
    """The size of the instance; the whole machine comes last."""
    shape = setting.instance
    return (math.inf, 0) if shape is None else (shape.cores, shape.memory_mb)


def named_values(values: Iterable[tuple[str, str]]) -> str:
    """App settings as text: ``A=1, B=2``; ``no other app setting`` for none."""
    return ", ".join(f"{name}={value}" for name, value in values) or "no other app setting"


KNOBS: tuple[Knob, ...] = (
    # In the order of simplicity: a smaller instance costs less, whatever runs on it; then a process costs the memory of
    # a whole interpreter, a thread part of it.
    Knob(
        name="instance",
        column=6,
        title="instance sizes",
        variable=None,
        allowed=(
            f"the name of a shape ({', '.join(FEW_SHAPES)}, …: docs/instance-sizes.md), "
            '{ cores = 0.5, memory_mb = 1024 }, or "unset"'
        ),
        words=lambda value: "on the whole machine" if value is None else f"on {value}",
        rank=instance_rank,
        short=lambda value: "" if value is None else str(value),
        read=instance_from_file,
    ),
    Knob(
        name="process_count",
        column=1,
        title="processes",
        variable=PROCESS_COUNT,
        allowed=f"a whole number from 1 to {MAX_PROCESS_COUNT}",
        words=lambda value: plural(value, "process"),
        rank=lambda setting: setting.process_count,
        short=lambda value: f"P={value}",
    ),
    Knob(
        name="thread_count",
        column=0,
        title="threads",
        variable=THREAD_COUNT,
        allowed=f'a whole number from 1 to {MAX_THREAD_COUNT}, or "unset"',
        words=lambda value: "threads unset" if value is None else plural(value, "thread"),
        rank=lambda setting: setting.threads,
        short=lambda value: f"T={'unset' if value is None else value}",
    ),
    Knob(
        # The lab sets it in the worker, and the reader in the code of the app: no setting of a platform does.
        name="limiter_tokens",
        column=2,
        title="limiter tokens",
        variable=None,
        allowed=f'a whole number from 1 to {MAX_LIMITER_TOKENS}, or "unset"',
        words=lambda value: "limiter tokens unset" if value is None else plural(value, "limiter token"),
        rank=lambda setting: setting.limiter_tokens or 0,
        short=lambda value: "" if value is None else f"L={value}",
    ),
    Knob(
        name="app_settings",
        column=4,
        title="app settings",
        variable=None,
        allowed="a table of app settings: names of letters, digits and _ . : with strings as their values",
        words=named_values,
        rank=lambda setting: (len(setting.app_settings), setting.app_settings),
        short=lambda value: " ".join(f"{name}={text}" for name, text in value),
    ),
    Knob(
        # No limit ranks before a limit.
        name="per_instance_concurrency",
        column=3,
        title="requests at a time",
        variable=None,
        allowed=f'a whole number from 1 to {MAX_PER_INSTANCE_CONCURRENCY}, or "unset"',
        words=lambda value: "any number at a time" if value is None else f"{count(value)} at a time",
        rank=lambda setting: setting.per_instance_concurrency or 0,
        short=lambda value: "" if value is None else f"c={value}",
    ),
    Knob(
        name="host",
        column=5,
        title="hosts",
        variable=None,
        allowed='the name of a host, such as "local" or "gunicorn:gthread"',
        words=lambda value: "on the host of the run" if value is None else f"on {value}",
        rank=lambda setting: _HOST_RANKS.get(setting.host, len(_HOST_RANKS)),
        short=lambda value: value or "",
    ),
)


_HOST_RANKS: Mapping[str | None, int] = {host: rank for rank, host in enumerate([None, "local", "func", *WEB_SERVERS])}
"""The Functions hosts come first among settings that serve alike."""
COLUMNS = tuple(sorted(KNOBS, key=lambda knob: knob.column))
"""The knobs in the order of table columns."""


def server_variables(setting: Setting) -> dict[str, str | None]:
    """
    The variables with which a web server starts with the setting, its app settings included.

    WEB_CONCURRENCY is the default for its workers. Arguments among the app settings follow those of the knobs.
    """
    facts = WEB_SERVERS[setting.host or ""]
    if is_app_service(setting.host):
        return {**settings_of_counts(setting.process_count, setting.thread_count)}
    threads = None if setting.thread_count is None else str(setting.thread_count)
    own = dict(setting.app_settings)
    values: dict[str, str | None] = {WEB_CONCURRENCY: str(setting.process_count)}
    if facts.worker_class is not None:
        flag = f"--threads {threads}" if threads is not None and facts.threads == "server" else ""
        known = (f"--worker-class {facts.worker_class}", flag, own.pop(GUNICORN_ARGUMENTS, ""))
        values[GUNICORN_ARGUMENTS] = " ".join(filter(None, known))
    if facts.threads == "pool" and threads is not None:
        values[THREAD_COUNT] = threads
    return values | own


def words_of(setting: Setting, names: Iterable[str]) -> str:
    """The values of some knobs, by name, as a phrase: ``2 processes, 4 at a time``."""
    chosen = set(names)
    return ", ".join(knob.words(getattr(setting, knob.name)) for knob in KNOBS if knob.name in chosen)


def varying_knobs(settings: Iterable[Setting]) -> tuple[Knob, ...]:
    """The knobs that have more than one value among the settings, in the order of KNOBS."""
    several = list(settings)
    return tuple(knob for knob in KNOBS if len({getattr(one, knob.name) for one in several}) > 1)


def titles_of(knobs: Iterable[Knob]) -> str:
    """The knobs' titles as an enumeration: ``threads and processes``."""
    return joined([knob.title for knob in knobs])
