"""
The settings of the host and its workers, gathered from flags, environment and files.

The order of precedence is that of ``func start``: flags, then the process environment, then local.settings.json.
Variables named ``AzureFunctionsJobHost__a__b`` override host.json.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from functune.environ import FUNCTION_KEY, MASTER_KEY, URL_KEY, process_environ
from functune.errors import SettingsError
from functune.host.host_json import DEFAULT_FUNCTION_TIMEOUT, HOST_JSON, HostJson, read_host_json
from functune.host.local_settings import LocalSettings, read_local_settings
from functune.host.messages import MAX_FRAME_BYTES
from functune.host.whole_numbers import parse_whole_number
from functune.packages.app_packages import AppPackages, find_app_packages
from functune.setting import DEFAULT_THREAD_COUNT, MAX_PROCESS_COUNT, PROCESS_COUNT, THREAD_COUNT

DEFAULT_PORT = 7071
DEFAULT_ADDRESS = "127.0.0.1"
DEFAULT_STARTUP_INTERVAL = 10.0
"""Seconds between worker starts from the third on (ProcessStartupInterval of the real host)."""
MAX_STARTUP_INTERVAL = 600.0
"""Seconds."""
DEFAULT_BODY_LIMIT = 104_857_600
"""Bytes, as in the real host."""
MAX_BODY_LIMIT = MAX_FRAME_BYTES - 2**20
"""Bytes. A body travels to the worker in one message, together with the headers and the URL."""

BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
THREAD_COUNT_SOURCE = "FUNCTUNE_THREAD_COUNT_SOURCE"
"""The variable in which the app's concurrency probe reads whether the host or an app setting chose the thread count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How worker processes are started. Times are in seconds."""

    process_count: int
    environ: Mapping[str, str]
    """The whole environment of a worker process."""
    startup_interval: float
    """The pause before the third and every later worker starts."""
    startup_stall: bool = True
    """Whether invocations wait while the third or a later worker starts, as in the real host."""
    startup_timeout: float = 60.0
    """The time a new process has to open its stream (ProcessStartupTimeout of the real host)."""
    initialization_timeout: float = 120.0
    """The time a worker has to import and index the app (initializationTimeout of the Python worker config)."""
    shutdown_timeout: float = 10.0
    """The time invocations in flight have to finish when the host stops."""
    restart_interval: float = 10.0
    """The pause between two restarts (ProcessRestartInterval of the real host)."""
    function_timeout: float | None = DEFAULT_FUNCTION_TIMEOUT
    """The longest an invocation may take, from host.json; None for no limit."""
    times: bool = False
    """Whether workers measure every call and answers report its times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """The limits of one client connection, as in Kestrel (KestrelServerLimits.cs), in seconds and bytes."""

    keep_alive_timeout: float = 130.0
    """The longest a connection may stay without a request."""
    request_headers_timeout: float = 30.0
    """From the first byte of a request to the end of its headers."""
    drain_timeout: float = 5.0
    """The time a client has to read an answer while it is still sending a body that the host does not read."""
    max_request_line_size: int = 8 * 1024
    max_request_headers_total_size: int = 32 * 1024
    max_request_header_count: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthKeys:
    """The keys that ``--enable-auth`` asks for. They appear in no ``repr``, log or error."""

    function: str = field(default="", repr=False)
    """Opens every function; empty for none."""
    master: str = field(default="", repr=False)
    """Opens everything, the admin endpoints included; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """All settings of ``functune serve``."""

    script_root: Path
    address: str
    port: int
    verbose: bool
    host_json: HostJson
    worker: WorkerSettings
    packages: AppPackages
    """Where the packages of the app come from."""
    body_limit: int
    """The largest request body, in bytes."""
    is_home_page_disabled: bool
    disabled_functions: frozenset[str]
    """Lower-cased names whose ``AzureWebJobs.<name>.Disabled`` is true."""
    connection: ConnectionLimits = ConnectionLimits()
    auth_keys: AuthKeys | None = None
    """None leaves everything open, as ``func start`` does."""
    per_instance_concurrency: int | None = None
    """The number of requests admitted at a time, as by one Flex Consumption instance; None for any number."""
    warnings: tuple[str, ...] = ()
    """What was read and ignored, and why; shown once at the start."""

    def listening_on(self, port: int) -> "HostSettings":
        """The same settings with the port the host listens on, which ``--port 0`` leaves open."""
        environ = {**self.worker.environ, "WEBSITE_HOSTNAME": f"localhost:{port}"}
        return replace(self, port=port, worker=replace(self.worker, environ=environ))


def read_host_settings(
    *,
    script_root: Path,
    address: str | None = None,
    port: int | None = None,
    functions: Sequence[str] = (),
    verbose: bool = False,
    startup_interval: float = DEFAULT_STARTUP_INTERVAL,
    startup_stall: bool = True,
    enable_auth: bool = False,
    per_instance_concurrency: int | None = None,
    python: str | None = None,
    times: bool = False,
) -> HostSettings:
    """
    Read every source once. The arguments are the flags of ``functune serve``.

    Raises SettingsError naming the file or setting, the value and the allowed values, and UsageError for ``python``.
    """
    script_root = script_root.resolve()
    if not script_root.is_dir():
        raise SettingsError(f"--script-root {script_root}: there is no such folder")
    if not 0 <= startup_interval <= MAX_STARTUP_INTERVAL:  # not a number is outside too
        raise SettingsError(
            f"--worker-startup-interval is {startup_interval:g}; it takes seconds from 0 to {MAX_STARTUP_INTERVAL:g}"
        )
    local = read_local_settings(script_root)
    environ, skipped = _merged(local)
    auth_keys = _take_auth_keys(environ, script_root, is_required=enable_auth)
    host_json = read_host_json(script_root, environ)
    if functions:
        host_json = replace(host_json, functions=tuple(functions))
    port = port if port is not None else local.port if local.port is not None else DEFAULT_PORT
    return HostSettings(
        script_root=script_root,
        address=address or local.address or DEFAULT_ADDRESS,
        port=port,
        verbose=verbose,
        host_json=host_json,
        worker=WorkerSettings(
            process_count=parse_process_count(environ.get(PROCESS_COUNT)),
            environ=worker_environ(environ, script_root=script_root, port=port),
            startup_interval=startup_interval,
            startup_stall=startup_stall,
            function_timeout=host_json.function_timeout,
            times=times,
        ),
        packages=find_app_packages(script_root, python=python),
        body_limit=_body_limit(environ),
        is_home_page_disabled=_is_true(environ.get("AzureWebJobsDisableHomepage", "")),
        disabled_functions=_disabled_functions(environ),
        auth_keys=auth_keys if enable_auth else None,
        per_instance_concurrency=per_instance_concurrency,
        warnings=(*local.warnings, *skipped, *_missing_host_json(script_root)),
    )


def worker_environ(environ: Mapping[str, str], *, script_root: Path, port: int) -> dict[str, str]:
    """
    The environment of a worker: that of the host, and what the real host and ``func start`` add.

    An unset or empty thread count becomes 1000, as in the real host; any other value is passed on unchanged. PYTHONPATH
    is dropped, since worker.py of the platform replaces it, and so is the function key of a URL.
    """
    added = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsScriptRoot": str(script_root),
        "FUNCTIONS_APPLICATION_DIRECTORY": str(script_root),
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "WEBSITE_HOSTNAME": f"localhost:{port}",
        THREAD_COUNT_SOURCE: "app setting",
    }
    if not environ.get(THREAD_COUNT):
        added |= {THREAD_COUNT: str(DEFAULT_THREAD_COUNT), THREAD_COUNT_SOURCE: "host default"}
    return {name: value for name, value in environ.items() if name not in {"PYTHONPATH", URL_KEY}} | added


def parse_process_count(value: str | None) -> int:
    """
    FUNCTIONS_WORKER_PROCESS_COUNT by the rules of the real host: unset, empty and anything up to 1 mean 1.

    Raises SettingsError above 10 and for anything but a whole number: the real host does not start with those either.
    """
    if not value:
        return 1
    count = parse_whole_number(value)
    if count is None:
        raise SettingsError(
            f"{PROCESS_COUNT} is '{value}'; it takes a whole number from 1 to {MAX_PROCESS_COUNT}. "
            "The real host does not start with it either"
        )
    if count > MAX_PROCESS_COUNT:
        raise SettingsError(
            f"{PROCESS_COUNT} is {count}; at most {MAX_PROCESS_COUNT} worker processes are allowed. "
            "The real host does not start with it either"
        )
    return max(count, 1)


def _merged(local: LocalSettings) -> tuple[dict[str, str], list[str]]:
    """The process environment with the local settings it lacks, and a warning for each of the others."""
    environ = process_environ()
    skipped = [
        f"Skipping '{name}' from local settings as it's already defined in current environment variables."
        for name in local.values
        if name in environ
    ]
    return {**local.values, **environ}, skipped


def _missing_host_json(script_root: Path) -> list[str]:
    """The warning about a missing host.json, if it is missing."""
    if (script_root / HOST_JSON).exists():
        return []
    return [f"{script_root} contains no {HOST_JSON}: the defaults of the real host apply"]


def _take_auth_keys(environ: dict[str, str], script_root: Path, *, is_required: bool) -> AuthKeys:
    """Take the keys of the host out of the environment, so that its workers do not get them."""
    keys = AuthKeys(function=environ.pop(FUNCTION_KEY, ""), master=environ.pop(MASTER_KEY, ""))
    if is_required and not (keys.function or keys.master):
        raise SettingsError(
            f"--enable-auth needs a key to ask for: set {FUNCTION_KEY} (opens every function) or {MASTER_KEY} "
            f"(opens the admin endpoints too) in the environment or in {script_root / 'local.settings.json'}"
        )
    return keys


def _body_limit(environ: Mapping[str, str]) -> int:
    """The largest request body, in bytes."""
    value = environ.get(BODY_LIMIT)
    if not value:
        return DEFAULT_BODY_LIMIT
    limit = parse_whole_number(value)
    if limit is None or not 1 <= limit <= MAX_BODY_LIMIT:
        raise SettingsError(
            f"{BODY_LIMIT} is '{value}'; it takes a whole number of bytes from 1 to {MAX_BODY_LIMIT} "
            f"({MAX_BODY_LIMIT // 2**20} MiB), which a worker can receive in one message"
        )
    return limit


def _is_true(value: str) -> bool:
    return value.strip().lower() in {"true", "1"}


def _disabled_functions(environ: Mapping[str, str]) -> frozenset[str]:
    pattern = re.compile(r"AzureWebJobs[._](.+)[._]Disabled", re.IGNORECASE)
    return frozenset(
        match[1].lower() for name, value in environ.items() if (match := pattern.fullmatch(name)) and _is_true(value)
    )
