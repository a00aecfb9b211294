"""Apps with pins, or without a package that they import."""

from pathlib import Path

import pytest

from tests.packages.places import after_installing
from tests.stranger.installed import Stranger

pytestmark = pytest.mark.network


@pytest.mark.parametrize("app", ["pinned"], indirect=True)
def test_pins_that_clash_with_those_of_functune(app: Path, stranger: Stranger) -> None:
    with stranger.serve(app, "--install") as host:
        found = after_installing(host).ready().get("/api/versions").json()
    assert found == {"azure-functions": "1.23.0", "httpx": "0.27.2"}


@pytest.mark.parametrize("app", ["forgetful"], indirect=True)
def test_forgotten_package_is_named_with_the_places_and_the_command_that_helps(app: Path, stranger: Stranger) -> None:
    done = stranger.call("tune", "/api/mean", "--install", "--script-root", app)
    assert done.returncode == 3
    with stranger.serve(app, "--install") as host:
        assert after_installing(host).ended() == 1
    for text in (done.stderr, host.text):
        assert "No module named 'numpy'" in text
        assert f'File "{app / "function_app.py"}", line 4' in text
        assert "Packages were looked for in:" in text
        assert f"add it to that file, then run: functune serve --script-root {app} --install" in text
    assert not (stranger.folder / "runs").exists()
