"""Apps for the doctor."""

import pytest


@pytest.fixture(autouse=True)
def no_activated_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app has the packages in its folder, and not those of the shell that runs the tests."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
