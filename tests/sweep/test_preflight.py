"""The requests that are sent once before the load: which loads send them, and what is said of those that fail."""

from pathlib import Path

import pytest

from functune.errors import LoadError
from functune.experiments.model import Experiment, Load, Matrix, Workload
from functune.experiments.requests import RequestTemplate
from functune.hosts.served_app import ServedApp
from functune.setting import Setting
from functune.sweep.preflight import distinct_plans, preflight
from tests.sweep.stand_in_host import StandInKind


def asking(workload: Workload) -> Experiment:
    return Experiment(
        name="test",
        question="Does it work?",
        workload=workload,
        settings=Matrix(),
        load=Load(users=(1,), warm_up=0.2, measure=1.0),
    )


def test_plain_routes_of_all_experiments_are_sent_by_one_load(tmp_path: Path) -> None:
    """Requests with a form of their own have a load, and so does a route with a brace, which is no placeholder here."""
    request = RequestTemplate(name="order", method="POST", route="/orders")
    experiments = [
        asking(Workload(routes=("/a", "/b?x=1"))),
        asking(Workload(requests=(request,))),
        asking(Workload(routes=("/b?x=1", "/{c}"))),
    ]
    orders, plain, braces = distinct_plans(experiments, tmp_path)
    assert orders.requests == (request,)
    assert [each.route for each in plain.requests] == ["/a", "/b?x=1"]
    assert (braces.route, braces.requests) == ("/{c}", ())


async def test_every_route_that_fails_is_named_with_its_answer(tmp_path: Path) -> None:
    experiment = asking(Workload(routes=("/sleep?ms=1", "/fail", "/moved")))
    async with StandInKind().running(ServedApp(tmp_path), setting=Setting()) as host:
        with pytest.raises(LoadError) as raised:
            await preflight([experiment], host, folder=tmp_path)
    said = str(raised.value)
    assert said.startswith("2 of 3 requests failed when each was sent once, so nothing was measured:\n")
    assert "  GET /fail: HTTP 500" in said
    assert "  GET /moved: HTTP 302" in said
    assert "/sleep" not in said
