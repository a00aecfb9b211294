"""Every event loop of a worker is a uvloop, as on the platform."""

from tests.host.serving import APPS, Serving


def test_loops_that_handlers_create_are_of_uvloop() -> None:
    with Serving(APPS / "loops") as host:
        host.ready()
        assert host.get("/api/sync").json() == {"run": "uvloop", "new": "uvloop", "runner": "uvloop"}
        assert host.get("/api/async").json() == {"running": "uvloop"}
        assert "Warning" not in host.text
