"""Web servers under load whose workers are killed or reloaded: no answer is lost, doubled or another request's."""

import pytest

from bench.disturbed import Disturbed, disturbed, killing, reloading, serving
from functune.setting import Setting

PROCESSES = 2
CONNECTIONS = 40
KILLS = 2


@pytest.mark.fault
@pytest.mark.parametrize("name", ["gunicorn:sync", "gunicorn:gthread", "gunicorn:asgi", "gunicorn:uvicorn", "uvicorn"])
async def test_workers_that_are_killed_under_load_lose_only_the_requests_they_had(name: str) -> None:
    async with serving(name, setting(name)) as host:
        seen = await disturbed(host, lambda host: killing(host, kills=KILLS), connections=CONNECTIONS)
    require_sound(seen)
    assert len(seen.begun) == PROCESSES + KILLS
    assert 0 < len(seen.tally.cut) <= KILLS * CONNECTIONS
    assert not seen.tally.failed


@pytest.mark.fault
@pytest.mark.parametrize("name", ["gunicorn:gthread", "gunicorn:asgi"])
async def test_reload_under_load_loses_no_call_that_a_worker_has_begun(name: str) -> None:
    async with serving(name, setting(name)) as host:
        seen = await disturbed(host, lambda host: reloading(host, reloads=1), connections=CONNECTIONS)
    require_sound(seen)
    assert len(seen.begun) == 2 * PROCESSES
    assert sum(seen.begun.values()) == seen.tally.answers.total()
    assert not seen.tally.failed


def require_sound(seen: Disturbed) -> None:
    assert seen.faults == []
    assert seen.tally.answers.total() > CONNECTIONS


def setting(name: str) -> Setting:
    return Setting(process_count=PROCESSES, thread_count=None if name == "gunicorn:sync" else 16)
