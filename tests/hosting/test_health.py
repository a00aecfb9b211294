"""GET /health of the showcase app, on the local host."""

from concurrent.futures import ThreadPoolExecutor

from tests.host.serving import Serving
from tests.infra.bicep import ROOT


def test_health_needs_no_key_and_other_routes_do() -> None:
    with Serving(ROOT, "--enable-auth", FUNCTUNE_FUNCTION_KEY="opens-functions") as host:
        host.line("Host started")
        host.url = host.line(r"listening on (\S+)")[1]
        assert host.get("/health").json() == {"status": "healthy"}
        assert host.get("/api/sync/sleep?ms=1").status_code == 401


def test_health_is_answered_while_every_thread_is_busy() -> None:
    with Serving(ROOT, PYTHON_THREADPOOL_THREAD_COUNT="1") as host, ThreadPoolExecutor(2) as clients:
        host.ready()
        calls = [clients.submit(host.get, "/api/sync/sleep?ms=2000") for _ in range(2)]
        assert host.get("/health").status_code == 200
        assert not any(call.done() for call in calls)
        assert {call.result().status_code for call in calls} == {200}
