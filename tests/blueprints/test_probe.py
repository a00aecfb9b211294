import json
import os
import platform
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure_functions_runtime.utils import threadpool as runtime_pool

from blueprints import probe, workload
from tests.blueprints.conftest import Call
from tests.blueprints.held_calls import HeldCalls


async def test_probe_reports_every_part(call: Call) -> None:
    answer = await call(probe.concurrency_probe)
    assert answer.status == 200
    keys = {name: list(part) for name, part in answer.body.items() if isinstance(part, dict)}
    del keys["settings"]
    assert keys == {
        "worker": [
            "pid",
            "parentPid",
            "python",
            "gilEnabled",
            "switchIntervalMs",
            "runtimeVersion",
            "sdkVersion",
            "uptimeSeconds",
        ],
        "threadPool": ["configured", "source", "maxWorkers", "alive", "idle", "queued"],
        "workerProcesses": ["configured", "effective", "observed", "pids", "maximum"],
        "eventLoop": ["implementation", "lagMs", "tasks"],
        "invocations": ["inFlight", "peakInFlight", "total", "byFunction"],
        "instance": ["cpuCount", "cpuQuota", "memoryLimitMb", "rssMb"],
        "platform": [
            *("plan", "site", "instanceId", "alwaysReady", "perInstanceConcurrency", "instanceMemoryMb"),
            *("maximumInstanceCount", "alwaysReadyInstances", "scaleSettingsReadAt"),
        ],
    }
    assert answer.body["worker"]["pid"] == os.getpid()
    assert answer.body["worker"]["parentPid"] == os.getppid()
    assert answer.body["worker"]["python"] == platform.python_version()
    assert os.getpid() in answer.body["workerProcesses"]["pids"]
    assert answer.body["eventLoop"]["implementation"] == "asyncio"
    assert answer.body["eventLoop"]["lagMs"] >= 0
    assert answer.body["invocations"]["inFlight"] == 1
    for finding in answer.body["findings"]:
        assert finding.keys() == {"setting", "severity", "message"}
        assert finding["severity"] in {"info", "warning", "error"}


async def test_probe_reads_the_live_pool_of_the_runtime(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", "3")
    runtime_pool.start_threadpool_executor()
    try:
        executor = runtime_pool.get_threadpool_executor()
        assert isinstance(executor, ThreadPoolExecutor)
        with HeldCalls(executor) as held:
            held.submit(4)
            held.wait_until_begun(3)
            pool = (await call(probe.concurrency_probe)).body["threadPool"]
        assert pool == {
            "configured": 3,
            "source": "app setting",
            "maxWorkers": 3,
            "alive": 3,
            "idle": 0,
            "queued": 1,
        }
    finally:
        runtime_pool.stop_threadpool_executor()


async def test_probe_without_a_live_pool_says_so(call: Call) -> None:
    answer = await call(probe.concurrency_probe)
    assert answer.body["threadPool"]["maxWorkers"] is None
    assert any("no live executor" in finding["message"] for finding in answer.body["findings"])


async def test_probe_counts_by_function(call: Call) -> None:
    before = (await call(probe.concurrency_probe)).body["invocations"]["byFunction"]
    await call(workload.sync_sleep, {"ms": "0"})
    after = (await call(probe.concurrency_probe)).body["invocations"]
    assert after["byFunction"]["sync_sleep"] == before.get("sync_sleep", 0) + 1
    assert after["byFunction"]["concurrency_probe"] == before["concurrency_probe"] + 1
    assert after["total"] == sum(after["byFunction"].values())


async def test_probe_shows_no_secret(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AzureWebJobsStorage", "AZURE_CLIENT_SECRET", "IDENTITY_HEADER", "FETCH_URLS", "ANYTHING_ELSE"):
        monkeypatch.setenv(name, "http://user:k3y@host/?code=k3y")
    monkeypatch.setenv("FUNCTIONS_WORKER_PROCESS_COUNT", "2")
    answer = await call(probe.concurrency_probe, {"code": "k3y"})
    assert "k3y" not in json.dumps(answer.body)
    assert answer.body["settings"]["FUNCTIONS_WORKER_PROCESS_COUNT"] == "2"
    assert answer.body["settings"]["PYTHON_GIL"] is None
