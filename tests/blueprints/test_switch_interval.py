import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from blueprints import probe, switch_interval
from blueprints.switch_interval import SwitchIntervalSetting
from tests.blueprints.conftest import Call

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0.5", 0.5),
        ("5", 5.0),
        ("0.1", 0.1),
        ("1000", 1000.0),
        ("0.09", None),
        ("1000.5", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("5 ms", None),
    ],
)
def test_setting_is_a_number_of_milliseconds_in_range(text: str, ms: float | None) -> None:
    assert switch_interval.read_setting({"SWITCH_INTERVAL_MS": text}) == SwitchIntervalSetting(text, ms)


@pytest.mark.parametrize("environment", [{}, {"SWITCH_INTERVAL_MS": ""}])
def test_setting_may_be_unset(environment: dict[str, str]) -> None:
    assert switch_interval.read_setting(environment) == SwitchIntervalSetting(None, None)


async def test_applied_interval_is_that_of_the_process_and_of_the_probe(call: Call) -> None:
    before = sys.getswitchinterval()
    try:
        switch_interval.apply(SwitchIntervalSetting("0.5", 0.5))
        assert math.isclose(sys.getswitchinterval(), 0.0005)
        assert (await call(probe.concurrency_probe)).body["worker"]["switchIntervalMs"] == 0.5
        switch_interval.apply(SwitchIntervalSetting("fast", None))
        assert math.isclose(sys.getswitchinterval(), 0.0005)
    finally:
        sys.setswitchinterval(before)


async def test_probe_shows_the_setting(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCH_INTERVAL_MS", "fast")
    answer = await call(probe.concurrency_probe)
    assert answer.body["settings"]["SWITCH_INTERVAL_MS"] == "fast"
    assert [each["severity"] for each in answer.body["findings"] if each["setting"] == "SWITCH_INTERVAL_MS"] == [
        "error"
    ]


@pytest.mark.parametrize(("text", "seconds"), [("0.5", "0.0005"), ("fast", "0.005"), ("", "0.005")])
def test_importing_the_app_applies_the_setting(text: str, seconds: str) -> None:
    script = "import sys, function_app; print(sys.getswitchinterval())"
    environment = {**os.environ, "SWITCH_INTERVAL_MS": text}
    outcome = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert outcome.stdout.strip() == seconds
