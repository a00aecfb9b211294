"""The API that the apps call."""

from collections.abc import Iterator

import pytest

from tests.truth.sweeping import partner


@pytest.fixture(scope="module")
def called_api() -> Iterator[None]:
    with partner():
        yield
