from dataclasses import replace

import pytest

from blueprints import processes, switch_interval, threads
from blueprints.findings import Finding, Observed, findings
from blueprints.resource_manager import ScaleSettings
from blueprints.scale_settings import NOTHING_TO_READ, Reading

THREADS = threads.SETTING
PROCESSES = processes.SETTING
SWITCH = switch_interval.SETTING
ADMITTED = "perInstanceConcurrency"
DYNAMIC = "FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED"


def observe(environment: dict[str, str] | None = None, *, plan: str = "local", pids: int = 1) -> Observed:
    environment = environment or {}
    return Observed(
        environment=environment,
        thread_setting=threads.read_setting(environment),
        has_live_executor=True,
        process_setting=processes.read_setting(environment),
        worker_pids=list(range(100, 100 + pids)),
        cpus=2.0,
        plan=plan,
        scale=NOTHING_TO_READ,
        served=frozenset({"sync_sleep", "concurrency_probe"}),
        sync_functions=frozenset({"sync_sleep"}),
    )


def let_in(admitted: int | None, environment: dict[str, str] | None = None, *, pids: int = 1) -> Observed:
    reading = Reading(ScaleSettings(admitted, 2048, 40, {}), read_at=1.0)
    return replace(observe(environment, plan="flex", pids=pids), scale=reading)


def about(setting: str, found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.severity, finding.message) for finding in found if finding.setting == setting]


def has(found: list[Finding], setting: str, severity: str, words: str) -> bool:
    return any(kind == severity and words in message for kind, message in about(setting, found))


@pytest.mark.parametrize(
    ("observed", "setting", "severity", "words"),
    [
        (observe(), THREADS, "info", "not set in this worker"),
        (observe({THREADS: "1000"}), THREADS, "warning", "up to 1000 threads"),
        (observe({THREADS: "64"}), THREADS, "info", "above the documented maximum of 32"),
        (observe({THREADS: "0"}), THREADS, "error", "'0' is not a whole number of at least 1"),
        (observe({THREADS: ""}), THREADS, "error", "'' is not a whole number"),
        (observe({THREADS: "4"}), THREADS, "info", "never use this pool"),
        (observe({PROCESSES: "11"}), PROCESSES, "error", "the Azure host does not start"),
        (observe({PROCESSES: "two"}), PROCESSES, "error", "'two' is not a whole number"),
        (observe({PROCESSES: "0"}), PROCESSES, "warning", "0 means 1"),
        (observe({PROCESSES: "4"}, pids=4), PROCESSES, "warning", "4 processes on 2 CPUs"),
        (observe({PROCESSES: "2"}, pids=1), PROCESSES, "info", "2 configured, 1 alive"),
        (observe({PROCESSES: "2"}, plan="flex", pids=2), PROCESSES, "warning", "not valid on Flex"),
        (observe({DYNAMIC: "true", PROCESSES: "2"}), DYNAMIC, "warning", "ignored"),
        (observe({DYNAMIC: "true"}), DYNAMIC, "info", "up to 10"),
        (observe({DYNAMIC: "true"}, plan="flex"), DYNAMIC, "warning", "not valid on Flex"),
        (observe({SWITCH: "fast"}), SWITCH, "error", "'fast' is not a number of milliseconds from 0.1 to 1000"),
        (observe({SWITCH: "0"}), SWITCH, "error", "the app ignores it"),
        (observe({"FUNCTIONS_MAX_HTTP_CONCURRENCY": "8"}), "FUNCTIONS_MAX_HTTP_CONCURRENCY", "warning", "reads it"),
        (observe({"PYTHON_ENABLE_DEBUG_LOGGING": "1"}), "PYTHON_ENABLE_DEBUG_LOGGING", "warning", "debug records"),
        (replace(observe(plan="flex"), scale=Reading(problem="not asked")), ADMITTED, "info", "not asked. Unless"),
        (replace(observe(plan="flex"), scale=Reading(None, "refused", 1.0)), ADMITTED, "warning", "refused. Unless"),
        (let_in(None), ADMITTED, "warning", "not set on the site"),
        (let_in(9, {THREADS: "4"}, pids=2), ADMITTED, "warning", "the instance admits 9 calls, and 8 threads in 2"),
        (replace(observe(), has_live_executor=False), THREADS, "warning", "no live executor"),
        (replace(observe(), worker_pids=None), PROCESSES, "info", "no /proc"),
        (replace(observe({THREADS: "4"}), served=frozenset({"async_sleep"})), THREADS, "warning", "had no effect"),
    ],
)
def test_findings_tell(observed: Observed, setting: str, severity: str, words: str) -> None:
    assert has(findings(observed), setting, severity, words)


def test_findings_are_quiet_about_sensible_settings() -> None:
    found = findings(observe({THREADS: "8", PROCESSES: "2"}, pids=2))
    assert [finding.severity for finding in found] == ["info"]


@pytest.mark.parametrize(
    ("observed", "setting"),
    [
        (observe({DYNAMIC: "false"}), DYNAMIC),
        (observe({SWITCH: "0.5"}), SWITCH),
        (observe({SWITCH: ""}), SWITCH),
        (observe({"PYTHON_ENABLE_DEBUG_LOGGING": "0"}), "PYTHON_ENABLE_DEBUG_LOGGING"),
        (observe({THREADS: "8"}, plan="flex"), PROCESSES),
    ],
)
def test_findings_do_not_tell(observed: Observed, setting: str) -> None:
    assert not about(setting, findings(observed))
