"""A stand-in of Azure that commands of this process, and of others, find."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.azure.light_app import LightApp
from tests.azure.stand_in import StandIn, resource_manager


@pytest.fixture
def light_app() -> LightApp:
    """The app behind the stand-in."""
    return LightApp()


@pytest.fixture
def live(light_app: LightApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in with an app, and an empty state folder."""
    with resource_manager(light_app) as found:
        light_app.attach(found)
        for name, value in (found.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}).items():
            monkeypatch.setenv(name, value)
        yield found
