"""The API of functune: when it is imported, what it refuses, and how it is interrupted."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import functune
from functune.api.own_loop import in_own_loop
from functune.errors import ExperimentError, RunFolderError, UsageError

EXPERIMENT = {
    "name": "items",
    "question": "?",
    "workload": {"routes": ["/api/items"]},
    "settings": {"thread_count": [1]},
    "load": {"users": [1], "warm_up": 0.3, "measure": 1},
}


def test_import_brings_nothing_else_until_a_name_is_used() -> None:
    script = "import sys, functune; print([name for name in sys.modules if name.startswith(('functune.', 'numpy'))])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_five_functions_and_their_result_are_listed_and_another_name_is_refused() -> None:
    shown = {name for name in dir(functune) if not name.startswith("_")}
    assert {"MeasuredRun", "compare_runs", "plan_run", "read_run", "run_sweep", "tune_route"} <= shown
    with pytest.raises(AttributeError, match="no attribute 'mesure': the API has run_sweep, "):
        functune.mesure  # noqa: B018


def sweep(changed: dict[str, Any] | None = None, **arguments: Any) -> Any:
    return functune.run_sweep({**EXPERIMENT, **(changed or {})}, **arguments)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sweep(script_root="nowhere"), UsageError, "script_root is 'nowhere': there is no such folder"),
        (lambda: sweep(repeats=0), ExperimentError, "the arguments: load.repeats is 0: allowed"),
        (lambda: sweep(strategy="speed"), ExperimentError, "the arguments: strategy is 'speed': allowed"),
        (lambda: sweep({"workload": {}}), ExperimentError, "the experiment: "),
        (lambda: sweep(objective="p95 = 1"), UsageError, "p95 = 1"),
        (lambda: sweep(host="azure:/subscriptions/1"), UsageError, "`functune sweep --host azure:ID`"),
        (
            lambda: sweep({"load": {**EXPERIMENT["load"], "workers": 2}}),
            UsageError,
            "items: load.workers is 2: allowed is 0",
        ),
        (
            lambda: functune.tune_route("/api/items", plan="cloud"),
            UsageError,
            "plan is 'cloud': allowed are local, flex",
        ),
        (lambda: functune.tune_route("/api/items", budget=4000), UsageError, "budget is 4000: allowed are 20 to 3600"),
        (lambda: functune.read_run("nowhere"), RunFolderError, "nowhere is not a run folder"),
        (lambda: functune.compare_runs("a", "b", margin=5), UsageError, "margin is 5: allowed is a share from 0"),
        (lambda: functune.plan_run("nowhere", "often"), UsageError, "often"),
    ],
)
def test_argument_that_cannot_be_used_is_refused_with_what_is_allowed(
    call: Callable[[], object], error: type[Exception], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)
    assert list(tmp_path.iterdir()) == []


async def test_work_has_a_loop_of_its_own_while_another_runs() -> None:
    async def work() -> asyncio.AbstractEventLoop:
        await asyncio.sleep(0)
        return asyncio.get_running_loop()

    assert in_own_loop(work) is not asyncio.get_running_loop()


def test_error_of_the_work_is_raised_as_it_is() -> None:
    async def work() -> None:
        raise UsageError("so it is")

    with pytest.raises(UsageError, match="so it is"):
        in_own_loop(work)


def test_interrupt_is_raised_once_the_work_has_ended() -> None:
    ended = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        in_own_loop(work)
    assert ended == [True]
