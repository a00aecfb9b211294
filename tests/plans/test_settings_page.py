"""docs/settings.md has how each plan sets each knob."""

import re
from pathlib import Path

import pytest

from functune.plans.plan import Asked, Chosen
from functune.plans.registry import PLANS
from functune.setting import KNOBS, Setting

PAGE = Path(__file__).parent.parent.parent / "docs" / "settings.md"
PLANNED = ["flex", "premium", "app-service", "container-apps"]
SERVERS = {
    "flex": [None],
    "premium": [None],
    "app-service": ["gunicorn:asgi", "gunicorn:gthread", "uvicorn"],
    "container-apps": ["gunicorn:asgi", "gunicorn:gthread", "uvicorn"],
}
OF_THE_SERVER = {
    *("UVICORN_HOST", "UVICORN_PORT", "UVICORN_TIMEOUT_KEEP_ALIVE", "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"),
    "OTHER",
}
"""Variables that no knob sets: defaults of the server, and the other app setting of the test."""


def table() -> dict[str, dict[str, str]]:
    """The cells of the table, by plan and knob."""
    text = PAGE.read_text(encoding="utf-8").partition("## The knobs on each plan")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    head, _, *rows = lines
    return {plan.strip("`"): {row[0]: row[index] for row in rows} for index, plan in enumerate(head) if index}


def everything(plan: str, host: str | None) -> Chosen:
    """A setting with a value for every knob that the plan has, and all that a reader may ask."""
    options = (("GUNICORN_CMD_ARGS", "--timeout 60 --graceful-timeout 20"),) if host else ()
    setting = Setting(
        process_count=1 if plan == "flex" else 2,
        thread_count=4,
        per_instance_concurrency=None if host else 8,
        app_settings=(*options, ("OTHER", "1")),
        host=host,
    )
    asked = Asked(size=next(iter(PLANS[plan].sizes), None), replicas=(0, 3) if plan == "container-apps" else None)
    return Chosen(setting=setting, users=16, throughput=100.0, cores=2, memory_mb=2048, asked=asked)


def test_table_has_every_plan_and_every_knob() -> None:
    found = table()
    assert list(found) == PLANNED
    assert set(PLANS) - {"local"} == set(PLANNED)
    assert [knob.name for knob in KNOBS if f"`{knob.name}`" not in found["flex"]] == []


@pytest.mark.parametrize("plan", PLANNED)
def test_table_names_every_parameter_and_app_setting_of_a_plan(plan: str) -> None:
    named = set(re.findall(r"`([^`]+)`", " ".join(table()[plan].values())))
    for host in SERVERS[plan]:
        chosen = everything(plan, host)
        assert PLANS[plan].allows(chosen.setting)
        set_by_it = {*(PLANS[plan].parameters(chosen) or {}), *PLANS[plan].app_settings(chosen)}
        assert sorted(set_by_it - named - OF_THE_SERVER) == []


@pytest.mark.parametrize("plan", PLANNED)
def test_knobs_with_a_fixed_value_cannot_be_set(plan: str) -> None:
    cells = table()[plan]
    several = Setting(process_count=2, host=SERVERS[plan][0])
    assert PLANS[plan].allows(several) == (cells["`process_count`"] != "always 1")
    assert PLANS[plan].allows(Setting(host="gunicorn:asgi")) == (cells["`host`"] != "the Functions host")
