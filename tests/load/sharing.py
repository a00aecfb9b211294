"""One import of Locust for all loads of a file of tests."""

from collections.abc import Iterator

import pytest

from functune.load.locust_process import shared_fork_server


@pytest.fixture(scope="module", autouse=True)
def one_fork_server() -> Iterator[None]:
    """The loads of a file have one fork server, as those of a run. It is started with the first load."""
    with shared_fork_server():
        yield
