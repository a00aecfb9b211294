"""Hosts that many tests talk to; whoever would break one starts its own."""

from collections.abc import Iterator

import pytest

from tests.host.serving import APPS, Serving


@pytest.fixture(scope="session")
def host() -> Iterator[Serving]:
    """The main app with one worker and the thread count unset."""
    with Serving(
        APPS / "main", "--verbose", FUNCTIONS_REQUEST_BODY_SIZE_LIMIT=str(8 * 1024 * 1024), PYTHONUTF8="1"
    ) as serving:
        yield serving.ready()


@pytest.fixture(scope="session")
def three_workers() -> Iterator[Serving]:
    """The main app with three workers of two threads each, not verbose."""
    with Serving(
        APPS / "main",
        "--worker-startup-interval",
        "0",
        FUNCTIONS_WORKER_PROCESS_COUNT="3",
        PYTHON_THREADPOOL_THREAD_COUNT="2",
    ) as serving:
        yield serving.ready()
