"""A binding that only the real host serves."""

from pathlib import Path

import pytest

from tests.stranger.installed import Stranger

pytestmark = pytest.mark.network


@pytest.mark.parametrize("app", ["storage"], indirect=True)
def test_blob_input_is_the_reason_why_an_app_cannot_be_tuned(app: Path, stranger: Stranger) -> None:
    done = stranger.call("tune", "/api/price", "--script-root", app)
    assert done.returncode == 3
    assert "GET /api/price: HTTP 500" in done.stderr
    assert "prices" in done.stderr
    assert "blob" in done.stderr
