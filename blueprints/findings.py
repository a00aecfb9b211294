"""
Pure rules over the values of the probe: settings that are ignored, risky or unknown.

Each rule names its source: "host" is the source of azure-functions-host, "runtime" the source of the package
azure-functions-runtime, and "documented" means learn.microsoft.com.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from blueprints import processes, switch_interval, threads
from blueprints.scale_settings import Reading

Severity = Literal["info", "warning", "error"]

# Documented in functions-app-settings as the maximum; no code enforces it for Python 3.9 and later.
_DOCUMENTED_MOST_THREADS = 32
_DYNAMIC_CONCURRENCY = "FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED"


@dataclass(frozen=True)
class Finding:
    """One remark about ``setting``."""

    setting: str
    severity: Severity
    message: str


@dataclass(frozen=True)
class Observed:
    """The input of the rules. ``worker_pids`` is None where there is no /proc; ``cpus`` respects the quota."""

    environment: Mapping[str, str]
    thread_setting: threads.ThreadSetting
    has_live_executor: bool
    process_setting: processes.ProcessSetting
    worker_pids: Sequence[int] | None
    cpus: float
    plan: str
    scale: Reading
    served: frozenset[str]
    sync_functions: frozenset[str]


def findings(observed: Observed) -> list[Finding]:
    """Return all findings, those about threads first."""
    return [
        *_thread_count(observed.thread_setting),
        *_thread_pool(observed),
        *_process_count(observed),
        *_worker_processes(observed),
        *_dynamic_concurrency(observed),
        *_switch_interval(observed.environment),
        *_other_settings(observed.environment),
        *_per_instance_concurrency(observed),
    ]


def _thread_count(setting: threads.ThreadSetting) -> Iterator[Finding]:
    name = threads.SETTING
    if setting.text is not None and setting.count is None:
        # runtime: utils/threadpool.py, _validate_thread_count
        yield Finding(
            name,
            "error",
            f"{setting.text!r} is not a whole number of at least 1: the runtime ignores it and uses Python's default, "
            f"{threads.python_default()} threads here. Set a number of 1 or more.",
        )
    elif setting.count is None:
        yield Finding(
            name,
            "info",
            f"not set in this worker: Python's default of {threads.python_default()} threads applies. The Azure host "
            f"would inject {threads.HOST_DEFAULT}.",
        )
    elif setting.count >= threads.HOST_DEFAULT:
        # host: DefaultWorkerProcessFactory.cs; standard library: a thread is started when a call finds none idle
        yield Finding(
            name,
            "warning",
            f"up to {setting.count} threads: each sync call that finds no idle thread starts one. A burst starts them "
            "all; each takes memory for its stack, and they share one interpreter lock. Set what the load needs. "
            f"{threads.HOST_DEFAULT} is also the number that the host injects when the setting is not set.",
        )
    elif setting.count > _DOCUMENTED_MOST_THREADS:
        # documented: functions-app-settings; runtime: utils/constants.py, PYTHON_THREADPOOL_THREAD_COUNT_MAX
        yield Finding(
            name,
            "info",
            f"{setting.count} is above the documented maximum of {_DOCUMENTED_MOST_THREADS}, but the runtime has no "
            f"such limit and uses {setting.count}. Documentation and code disagree.",
        )


def _thread_pool(observed: Observed) -> Iterator[Finding]:
    if not observed.has_live_executor:
        yield Finding(
            threads.SETTING,
            "warning",
            "there is no live executor of azure-functions-runtime in this process, so the real size of the pool is "
            "unknown. A worker with Python 3.13 or later has one.",
        )
    # runtime: handle_event.py, invocation_request
    asynchronous = "async def functions run on the event loop and never use this pool"
    if observed.thread_setting.source == "app setting" and not observed.served & observed.sync_functions:
        yield Finding(
            threads.SETTING,
            "warning",
            f"{asynchronous}, and this worker has not served a def function yet, so the setting has had no effect.",
        )
    else:
        yield Finding(threads.SETTING, "info", f"{asynchronous}; asyncio.to_thread uses a pool of its own.")


def _process_count(observed: Observed) -> Iterator[Finding]:
    setting = observed.process_setting
    if setting.effective is None:
        # host: RpcWorkerConfigFactory.cs
        yield Finding(
            processes.SETTING,
            "error",
            f"{setting.text!r} is not a whole number up to {processes.MAXIMUM}: the Azure host does not start with it, "
            "and every request gets 503.",
        )
    elif setting.effective > observed.cpus:
        yield Finding(
            processes.SETTING,
            "warning",
            f"{setting.effective} processes on {observed.cpus:g} CPUs: more processes than CPUs do not speed up "
            "computing, and each has its own copy of the app in memory.",
        )
    if setting.text is not None and isinstance(setting.configured, int) and setting.configured < 1:
        # host: RpcWorkerConfigFactory.cs
        yield Finding(processes.SETTING, "warning", f"{setting.configured} means 1: the host starts one process.")
    if setting.text is not None and observed.plan == "flex":
        # documented: the deprecated settings of the Flex Consumption plan; host: no check of the plan where it is read
        yield Finding(
            processes.SETTING,
            "warning",
            "documented as not valid on Flex Consumption, but the host reads it without checking the plan. It is "
            "unconfirmed which of the two is right: look at `workerProcesses.observed`, and do not rely on it.",
        )


def _worker_processes(observed: Observed) -> Iterator[Finding]:
    if observed.worker_pids is None:
        yield Finding(
            processes.SETTING, "info", "there is no /proc here, so the live worker processes cannot be counted."
        )
    elif observed.process_setting.effective not in {None, len(observed.worker_pids)}:
        # host: WorkerProcessCountOptions.cs (ProcessStartupInterval), RpcFunctionInvocationDispatcher.cs
        yield Finding(
            processes.SETTING,
            "info",
            f"{observed.process_setting.effective} configured, {len(observed.worker_pids)} alive. The host starts the "
            "third and every later process 10 s after the previous one; a difference that remains has a cause.",
        )


def _dynamic_concurrency(observed: Observed) -> Iterator[Finding]:
    if observed.environment.get(_DYNAMIC_CONCURRENCY, "").strip().lower() not in {"true", "1"}:
        return
    if observed.plan == "flex":
        # documented: the deprecated settings of the Flex Consumption plan
        yield Finding(_DYNAMIC_CONCURRENCY, "warning", "documented as not valid on Flex Consumption.")
    if observed.process_setting.text is not None:
        # host: EnvironmentExtensions.cs, IsWorkerDynamicConcurrencyEnabled
        yield Finding(
            _DYNAMIC_CONCURRENCY,
            "warning",
            f"ignored, because {processes.SETTING} is set: the host adds processes on its own only without it.",
        )
    else:
        # host: WorkerConcurrencyOptions.cs
        yield Finding(
            _DYNAMIC_CONCURRENCY,
            "info",
            f"the host starts one process and adds more, up to {processes.MAXIMUM}, while this one answers slowly: "
            "the number observed now can change.",
        )


def _switch_interval(environment: Mapping[str, str]) -> Iterator[Finding]:
    setting = switch_interval.read_setting(environment)
    if setting.text is not None and setting.ms is None:
        # this app: switch_interval.py
        yield Finding(
            switch_interval.SETTING,
            "error",
            f"{setting.text!r} is not a number of milliseconds from {switch_interval.MINIMUM_MS:g} to "
            f"{switch_interval.MAXIMUM_MS:g}: the app ignores it, and the interpreter keeps its interval, "
            f"{switch_interval.DEFAULT_MS:g} ms unless something else changed it. Set a valid number, or unset it.",
        )


def _other_settings(environment: Mapping[str, str]) -> Iterator[Finding]:
    if environment.get("FUNCTIONS_MAX_HTTP_CONCURRENCY"):
        # documented: the site property replaces it on Flex; the source of host, Core Tools and worker does not use it
        yield Finding(
            "FUNCTIONS_MAX_HTTP_CONCURRENCY",
            "warning",
            "neither the host nor the worker reads it. On Flex Consumption the limit is the site's "
            "functionAppConfig.scaleAndConcurrency.triggers.http.perInstanceConcurrency.",
        )
    # runtime: utils/app_setting_manager.py, is_true_like
    if environment.get("PYTHON_ENABLE_DEBUG_LOGGING", "").strip().lower() in {"1", "true", "t", "yes", "y"}:
        yield Finding(
            "PYTHON_ENABLE_DEBUG_LOGGING",
            "warning",
            "the worker sends debug records to the host on every invocation, and measured times include them. "
            "Core Tools turn it on when it is not set; set it to 0 before you measure.",
        )


def _per_instance_concurrency(observed: Observed) -> Iterator[Finding]:
    name, scale = "perInstanceConcurrency", observed.scale
    # documented: functions-concurrency (Python defaults to 1 on every instance size)
    unset = "the default for Python is 1, so an instance serves one request at a time regardless of its threads"
    if scale.problem is not None:
        severity: Severity = "info" if scale.read_at is None else "warning"
        yield Finding(name, severity, f"{scale.problem}. Unless it is set, {unset}.")
    elif scale.settings is not None:
        admitted = scale.settings.per_instance_concurrency
        if admitted is None:
            yield Finding(name, "warning", f"not set on the site: {unset}.")
        else:
            yield from _admitted(observed, admitted)


def _admitted(observed: Observed, admitted: int) -> Iterator[Finding]:
    workers = len(observed.worker_pids or (0,))
    where = "1 worker process" if workers == 1 else f"{workers} worker processes"
    serving = workers * (observed.thread_setting.count or threads.python_default())
    if admitted > serving:
        # host: FlexConsumptionMetricsPublisher.cs counts a call as active from its start in the host
        yield Finding(
            "perInstanceConcurrency",
            "warning",
            f"the instance admits {admitted} calls, and {serving} threads in {where} serve def functions. The others "
            "wait inside the instance, where they are billed and the scale controller does not see them. Lower it, or "
            f"raise {threads.SETTING}.",
        )
