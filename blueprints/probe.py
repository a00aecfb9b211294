"""The concurrency settings of this worker: configured, effective and observed."""

import asyncio
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import azure.functions as func

from blueprints import instance, processes, scale_settings, switch_interval, threads
from blueprints.findings import Observed, findings
from blueprints.handlers import SYNC_FUNCTIONS, Body, async_handler
from blueprints.invocations import COUNTER, STARTED_AT, Invocation

# An explicit list: a response with the whole environment would contain connection strings and keys.
_SHOWN_SETTINGS = (
    threads.SETTING,
    processes.SETTING,
    switch_interval.SETTING,
    "FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED",
    "FUNCTIONS_MAX_HTTP_CONCURRENCY",
    "FUNCTIONS_WORKER_RUNTIME",
    "PYTHON_ENABLE_DEBUG_LOGGING",
    "PYTHON_GIL",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT",
    "AzureFunctionsJobHost__extensions__http__maxConcurrentRequests",
    "AzureFunctionsJobHost__extensions__http__maxOutstandingRequests",
    "AzureFunctionsJobHost__extensions__http__dynamicThrottlesEnabled",
    "AzureFunctionsJobHost__functionTimeout",
)
_LAG_PAUSE = 0.005

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route("api/concurrency-probe", methods=["GET"])
@async_handler
async def concurrency_probe(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Report the configured settings, their effective values, and the values observed in this worker now."""
    environment = os.environ
    executor = threads.live_executor()
    limits = instance.read_limits()
    cpu_count = os.cpu_count() or 1
    invocations = COUNTER.snapshot()
    scale = scale_settings.reading_without_request(environment) or scale_settings.READER.peek()
    observed = Observed(
        environment=environment,
        thread_setting=threads.read_setting(environment),
        has_live_executor=executor is not None,
        process_setting=processes.read_setting(environment),
        worker_pids=processes.siblings(os.getpid()),
        cpus=min(cpu_count, limits.cpu_quota or cpu_count),
        plan=instance.plan(environment),
        scale=scale,
        served=frozenset(invocations["byFunction"]),
        sync_functions=frozenset(SYNC_FUNCTIONS),
    )
    return {
        "worker": _worker(),
        "threadPool": threads.describe(observed.thread_setting, executor),
        "workerProcesses": _worker_processes(observed),
        "eventLoop": await _event_loop(),
        "invocations": invocations,
        "instance": {
            "cpuCount": cpu_count,
            "cpuQuota": limits.cpu_quota,
            "memoryLimitMb": limits.memory_mb,
            "rssMb": instance.rss_mb(),
        },
        "platform": {**instance.describe_platform(environment), **scale_settings.describe(scale)},
        "settings": shown_settings(environment),
        "findings": [asdict(finding) for finding in findings(observed)],
    }


def shown_settings(environment: Mapping[str, str]) -> dict[str, str | None]:
    """The settings that affect concurrency, by name; None for one that is not set."""
    return {name: environment.get(name) for name in _SHOWN_SETTINGS}


def _worker() -> dict[str, Any]:
    runtime = sys.modules.get("azure_functions_runtime.version")
    return {
        "pid": os.getpid(),
        "parentPid": os.getppid(),
        "python": platform.python_version(),
        "gilEnabled": _is_gil_enabled(),
        "switchIntervalMs": switch_interval.effective_ms(),
        "runtimeVersion": None if runtime is None else runtime.VERSION,
        "sdkVersion": func.__version__,
        "uptimeSeconds": round(time.time() - STARTED_AT, 3),
    }


def _is_gil_enabled() -> bool:
    # Free-threaded builds exist since 3.13; earlier versions always have the lock.
    if sys.version_info >= (3, 13):  # noqa: UP036 - the app also runs on earlier versions
        return sys._is_gil_enabled()
    return True


def _worker_processes(observed: Observed) -> dict[str, Any]:
    pids = observed.worker_pids
    return {
        "configured": observed.process_setting.configured,
        "effective": observed.process_setting.effective,
        "observed": None if pids is None else len(pids),
        "pids": pids,
        "maximum": processes.MAXIMUM,
    }


async def _event_loop() -> dict[str, Any]:
    """Measure the lag of the loop: how much longer than requested a short pause takes."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    await asyncio.sleep(_LAG_PAUSE)
    lag = max(0.0, time.perf_counter() - started - _LAG_PAUSE)
    return {
        "implementation": type(loop).__module__.partition(".")[0],
        "lagMs": round(lag * 1000, 3),
        "tasks": len(asyncio.all_tasks(loop)),
    }
