"""
What the host and its workers run with. The only module that reads the environment, local.settings.json and host.json.

Order of precedence, as in ``func start``: flags, then the process environment, then local.settings.json; host.json is
overridden by ``AzureFunctionsJobHost__a__b`` variables.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from functune import relaxed_json
from functune.errors import SettingsError

DEFAULT_PORT = 7071
DEFAULT_ADDRESS = "127.0.0.1"
DEFAULT_THREAD_COUNT = 1000
"""What the real host injects when PYTHON_THREADPOOL_THREAD_COUNT is unset (azure-functions-host, PR 7671)."""
MAX_PROCESS_COUNT = 10
"""WorkerProcessCountOptions.MaxProcessCount of the real host: more and it does not start."""
DEFAULT_STARTUP_INTERVAL = 10.0
"""Seconds between worker starts from the third on (ProcessStartupInterval of the real host)."""
DEFAULT_BODY_LIMIT = 104_857_600

PROCESS_COUNT = "FUNCTIONS_WORKER_PROCESS_COUNT"
THREAD_COUNT = "PYTHON_THREADPOOL_THREAD_COUNT"
THREAD_COUNT_SOURCE = "FUNCTUNE_THREAD_COUNT_SOURCE"
"""Tells the app's concurrency probe that the host, not the user, chose the thread count."""

FUNCTION_KEY = "FUNCTUNE_FUNCTION_KEY"
MASTER_KEY = "FUNCTUNE_MASTER_KEY"
URL_KEY = "FUNCTUNE_KEY"
"""The function key sent to a host given by its URL."""

_OVERRIDE_PREFIX = "azurefunctionsjobhost__"
"""Of AzureFunctionsJobHost__a__b; .NET compares names without case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostJson:
    """The part of host.json that shows under load. Limits are requests; -1 means unbounded."""

    route_prefix: str = "api"
    max_outstanding_requests: int = -1
    max_concurrent_requests: int = -1
    function_timeout: float | None = 1800.0
    """Seconds; None when host.json says -1."""
    functions: tuple[str, ...] | None = None
    """The allow list of function names; None lets all load."""
    custom_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How worker processes are started."""

    process_count: int
    environ: Mapping[str, str]
    """The whole environment of a worker process."""
    startup_interval: float
    """Seconds between the starts of the third and later workers."""
    startup_stall: bool = True
    """Whether invocations wait while the third or a later worker starts, as in the real host."""
    startup_timeout: float = 60.0
    """Seconds a new process has to open its stream (ProcessStartupTimeout of the real host)."""
    initialization_timeout: float = 120.0
    """Seconds the app has to be imported and indexed (initializationTimeout of the Python worker config)."""
    shutdown_timeout: float = 10.0
    """Seconds invocations in flight have to finish when the host stops."""
    restart_interval: float = 10.0
    """Seconds between two restarts (ProcessRestartInterval of the real host)."""
    function_timeout: float | None = 1800.0
    """Seconds one invocation may take, from host.json; None for no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What one client connection may do: the limits of Kestrel (KestrelServerLimits.cs), in seconds and bytes."""

    keep_alive_timeout: float = 130.0
    """Without a request on the connection."""
    request_headers_timeout: float = 30.0
    """From the first byte of a request to the end of its headers."""
    drain_timeout: float = 5.0
    """For a client to read an answer while it is still sending a body nobody reads."""
    max_request_line_size: int = 8 * 1024
    max_request_headers_total_size: int = 32 * 1024
    max_request_header_count: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthKeys:
    """The keys that ``--enable-auth`` asks for. Never shown: not in ``repr``, a log or an error."""

    function: str = field(default="", repr=False)
    """Opens every function; empty for none."""
    master: str = field(default="", repr=False)
    """Opens everything, the admin endpoints included; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """Everything ``functune serve`` runs with."""

    script_root: Path
    address: str
    port: int
    verbose: bool
    host_json: HostJson
    worker: WorkerSettings
    body_limit: int
    is_home_page_disabled: bool
    disabled_functions: frozenset[str]
    """Lower-cased names whose ``AzureWebJobs.<name>.Disabled`` is true."""
    connection: ConnectionLimits = ConnectionLimits()
    auth_keys: AuthKeys | None = None
    """None leaves everything open, as ``func start`` does."""
    per_instance_concurrency: int | None = None
    """Requests let in at a time, as by one Flex Consumption instance; None for any number."""
    warnings: tuple[str, ...] = ()
    """What was read but skipped; shown once at the start."""

    def listening_on(self, port: int) -> "HostSettings":
        """The same with the port that is really listened on, which ``--port 0`` leaves open."""
        environ = {**self.worker.environ, "WEBSITE_HOSTNAME": f"localhost:{port}"}
        return replace(self, port=port, worker=replace(self.worker, environ=environ))


def read(
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
) -> HostSettings:
    """
    Read every source once. Raises SettingsError naming the file or setting, the value and what is allowed.
    """
    script_root = script_root.resolve()
    if not script_root.is_dir():
        raise SettingsError(f"--script-root {script_root}: there is no such folder")
    local = read_local_settings(script_root)
    warnings = list(local.warnings)
    environ = dict(os.environ)
    for name, value in local.values.items():
        if name in environ:
            warnings.append(
                f"Skipping '{name}' from local settings as it's already defined in current environment variables."
            )
        else:
            environ[name] = value
    # The app has no business with the keys of its host, so they leave the environment its workers get.
    keys = AuthKeys(function=environ.pop(FUNCTION_KEY, ""), master=environ.pop(MASTER_KEY, ""))
    if enable_auth and not (keys.function or keys.master):
        raise SettingsError(
            f"--enable-auth needs a key to ask for: set {FUNCTION_KEY} (opens every function) or {MASTER_KEY} "
            f"(opens the admin endpoints too) in the environment or in {script_root / 'local.settings.json'}"
        )
    host_json = read_host_json(script_root, environ)
    if functions:
        host_json = replace(host_json, functions=tuple(functions))
    port = port if port is not None else local.port if local.port is not None else DEFAULT_PORT
    process_count = parse_process_count(environ.get(PROCESS_COUNT))
    return HostSettings(
        script_root=script_root,
        address=address or local.address or DEFAULT_ADDRESS,
        port=port,
        verbose=verbose,
        host_json=host_json,
        worker=WorkerSettings(
            process_count=process_count,
            environ=worker_environ(environ, script_root=script_root, port=port),
            startup_interval=startup_interval,
            startup_stall=startup_stall,
            function_timeout=host_json.function_timeout,
        ),
        body_limit=_positive(environ, "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", DEFAULT_BODY_LIMIT),
        is_home_page_disabled=_is_true(environ.get("AzureWebJobsDisableHomepage", "")),
        disabled_functions=_disabled_functions(environ),
        auth_keys=keys if enable_auth else None,
        per_instance_concurrency=per_instance_concurrency,
        warnings=tuple(warnings),
    )


def worker_environ(environ: Mapping[str, str], *, script_root: Path, port: int) -> dict[str, str]:
    """
    The environment of a worker: the host's own plus what the real host and ``func start`` add.

    An unset or empty thread count becomes 1000, as the real host injects it; any other value is passed on untouched.
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
    return {**environ, **added}


def parse_process_count(value: str | None) -> int:
    """
    FUNCTIONS_WORKER_PROCESS_COUNT by the rules of the real host: unset, empty and anything up to 1 mean 1.

    Raises SettingsError above 10 or when it is not a whole number: the real host does not start then either.
    """
    if value is None or not value.strip():
        return 1
    try:
        count = int(value)
    except ValueError as error:
        raise SettingsError(
            f"{PROCESS_COUNT} is '{value}'; it takes a whole number from 1 to {MAX_PROCESS_COUNT}. "
            "The real host does not start with it either"
        ) from error
    if count > MAX_PROCESS_COUNT:
        raise SettingsError(
            f"{PROCESS_COUNT} is {count}; at most {MAX_PROCESS_COUNT} worker processes are allowed. "
            "The real host does not start with it either"
        )
    return max(count, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """local.settings.json: app settings plus the ``Host`` section."""

    values: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    address: str | None = None
    warnings: tuple[str, ...] = ()


def read_local_settings(script_root: Path) -> LocalSettings:
    """
    Read local.settings.json by the rules of ``func start``.

    No file: no settings. Broken JSON: a warning and no settings. ``IsEncrypted`` absent means true there, and encrypted
    values can only be read by Core Tools: a SettingsError says how to decrypt them.
    """
    path = script_root / "local.settings.json"
    try:
        document = relaxed_json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return LocalSettings()
    except (OSError, ValueError) as error:
        return LocalSettings(warnings=(f"{path}: {error}; it is treated as empty.",))
    if not isinstance(document, dict):
        return LocalSettings(warnings=(f"{path}: not a JSON object; it is treated as empty.",))
    if document.get("IsEncrypted", True) and document.get("Values"):
        raise SettingsError(
            f'{path}: the values are encrypted ("IsEncrypted" is not false); '
            'run `func settings decrypt`, or set "IsEncrypted": false when they are plain text'
        )
    values, warnings = _app_settings(path, document)
    host = _section(path, document, "Host")
    address = host.get("LocalHttpAddress")
    if not isinstance(address, str | None):
        raise SettingsError(f"{path}: Host.LocalHttpAddress is {address!r}; it takes a string")
    return LocalSettings(
        values=values,
        port=_local_port(path, host.get("LocalHttpPort")),
        address=address,
        warnings=tuple(warnings),
    )


def _app_settings(path: Path, document: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    warnings: list[str] = []
    for name, value in _section(path, document, "Values").items():
        if not name or value is None or "=" in name or "\0" in f"{name}{value}":
            warnings.append(f"{path}: skipping the setting '{name}', no app setting can have this name or value.")
        elif isinstance(value, bool):
            values[name] = str(value).lower()
        else:
            values[name] = str(value)
    for name, value in _section(path, document, "ConnectionStrings").items():
        values[f"ConnectionStrings:{name}"] = value if isinstance(value, str) else json.dumps(value)
    return values, warnings


def _local_port(path: Path, value: object) -> int | None:
    if value is None:
        return None
    try:
        port = int(str(value))
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise SettingsError(f"{path}: Host.LocalHttpPort is {value!r}; it takes a whole number from 0 to 65535")
    return port


def read_host_json(script_root: Path, environ: Mapping[str, str]) -> HostJson:
    """
    Read host.json, with ``AzureFunctionsJobHost__a__b`` variables over it. No file means the defaults.

    Raises SettingsError naming the file, the key and what is allowed.
    """
    path = script_root / "host.json"
    try:
        document = relaxed_json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        document = {"version": "2.0"}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or document.get("version") != "2.0":
        found = document.get("version") if isinstance(document, dict) else document
        raise SettingsError(f'{path}: "version" is {json.dumps(found)}; the v4 host needs "version": "2.0"')
    for name, value in environ.items():
        if name.lower().startswith(_OVERRIDE_PREFIX):
            _override(document, name[len(_OVERRIDE_PREFIX) :].split("__"), value)
    return _host_json(path, document)


def _override(document: dict[str, Any], keys: Sequence[str], value: str) -> None:
    """Set a nested key, matching existing keys without case as the .NET configuration does; arrays by index."""
    node: Any = document
    for position, key in enumerate(keys):
        is_last = position == len(keys) - 1
        if isinstance(node, list):
            index = int(key) if key.isdecimal() else len(node)
            node.extend([{}] * (index + 1 - len(node)))
            key_in_node: Any = index
        elif isinstance(node, dict):
            key_in_node = next((known for known in node if known.lower() == key.lower()), key)
        else:
            return
        if is_last:
            node[key_in_node] = value
            return
        if not isinstance(node[key_in_node] if isinstance(node, list) else node.get(key_in_node), dict | list):
            node[key_in_node] = [] if keys[position + 1].isdecimal() else {}
        node = node[key_in_node]


def _host_json(path: Path, document: Mapping[str, Any]) -> HostJson:
    http = _section(path, _section(path, document, "extensions"), "http")
    prefix = _value(http, "routePrefix", "api")
    if not isinstance(prefix, str):
        raise SettingsError(f"{path}: extensions.http.routePrefix is {prefix!r}; it takes a string")
    functions = _value(document, "functions")
    if functions is not None and not (isinstance(functions, list) and all(isinstance(n, str) for n in functions)):
        raise SettingsError(f"{path}: functions is {functions!r}; it takes a list of function names")
    headers = _section(path, http, "customHeaders")
    return HostJson(
        route_prefix=prefix.strip("/"),
        max_outstanding_requests=_limit(path, http, "maxOutstandingRequests"),
        max_concurrent_requests=_limit(path, http, "maxConcurrentRequests"),
        function_timeout=_timeout(path, _value(document, "functionTimeout", "00:30:00")),
        functions=None if functions is None else tuple(functions),
        custom_headers={str(name): str(value) for name, value in headers.items()},
    )


def _value(section: Mapping[str, Any], key: str, default: object = None) -> Any:
    """The value of a key compared without case, as the .NET configuration does."""
    return next((value for name, value in section.items() if name.lower() == key.lower()), default)


def _section(path: Path, document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = _value(document, key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: {key} is {value!r}; it takes a JSON object")
    return value


def _limit(path: Path, http: Mapping[str, Any], key: str) -> int:
    value = _value(http, key, -1)
    try:
        limit = int(str(value))
    except ValueError:
        limit = 0
    if isinstance(value, bool) or (limit < 1 and limit != -1):
        raise SettingsError(
            f"{path}: extensions.http.{key} is {value!r}; it takes a whole number from 1, or -1 for no limit"
        )
    return limit


def _timeout(path: Path, value: object) -> float | None:
    """Seconds of a .NET TimeSpan ``[d.]hh:mm:ss``; None for -1."""
    if str(value) in {"-1", "-00:00:00.0010000"}:
        return None
    match = re.fullmatch(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?", str(value))
    if match is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
        total = days * 86400 + hours * 3600 + minutes * 60 + seconds + float(f"0.{match[5] or 0}")
        if hours < 24 and minutes < 60 and seconds < 60 and total >= 1:
            return total
    raise SettingsError(f"{path}: functionTimeout is {value!r}; it takes hh:mm:ss from 00:00:01, or -1 for none")


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name)
    if not value:
        return default
    if not value.isdecimal() or int(value) < 1:
        raise SettingsError(f"{name} is '{value}'; it takes a whole number of bytes from 1")
    return int(value)


def _is_true(value: str) -> bool:
    return value.strip().lower() in {"true", "1"}


def _disabled_functions(environ: Mapping[str, str]) -> frozenset[str]:
    pattern = re.compile(r"AzureWebJobs[._](.+)[._]Disabled", re.IGNORECASE)
    return frozenset(
        match[1].lower() for name, value in environ.items() if (match := pattern.fullmatch(name)) and _is_true(value)
    )


def child_environ(extra: Mapping[str, str]) -> dict[str, str]:
    """
    The environment for a program started from here: our own with ``extra`` over it.

    Without the function key of a URL, which only the load on that URL has business with.
    """
    return {name: value for name, value in os.environ.items() if name != URL_KEY} | dict(extra)


def search_path(first: Path) -> str:
    """The PATH with the folder ``first`` before all others."""
    return os.pathsep.join([str(first), os.environ.get("PATH", os.defpath)])


def configured_counts(script_root: Path) -> tuple[int | None, int]:
    """
    The thread and process count that the environment, or else local.settings.json, asks for; None for unset threads.

    Raises SettingsError, also for a thread count that the runtime would pass over for a default of its own.
    """
    settings = read(script_root=script_root)
    environ = settings.worker.environ
    if environ[THREAD_COUNT_SOURCE] == "host default":
        return None, settings.worker.process_count
    value = environ[THREAD_COUNT]
    if not value.isdecimal() or int(value) < 1:
        raise SettingsError(
            f"{THREAD_COUNT} is '{value}'; it takes a whole number from 1, anything else is passed over"
        )
    return int(value), settings.worker.process_count
