"""One import of Locust for the runs of a file that are measured in this process."""

from collections.abc import Iterator

import pytest

from functune.load.locust_process import shared_fork_server


@pytest.fixture(scope="module", autouse=True)
def one_fork_server() -> Iterator[None]:
    """The runs of a file share a fork server, which is started with the first load."""
    with shared_fork_server():
        yield
