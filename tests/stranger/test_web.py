"""FastAPI and Flask inside Functions, each with packages of its own."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.stranger.installed import Stranger, install, make_environment
from tests.stranger.said import assert_answer

pytestmark = pytest.mark.network


@pytest.mark.parametrize("app", ["fastapi"], indirect=True)
def test_fastapi_in_an_environment_of_the_app(app: Path, stranger: Stranger) -> None:
    make_environment(app / ".venv", "azure-functions", "fastapi")
    with stranger.serve(app) as host:
        assert host.ready().get("/api/items/7").json() == {"number": 7}
        assert host.get("/api/items/x").status_code == 422


@pytest.mark.parametrize("app", ["flask"], indirect=True)
def test_flask_in_the_packages_that_a_remote_build_leaves(app: Path, stranger: Stranger) -> None:
    packages = app / ".python_packages" / "lib" / "site-packages"
    install(Path(sys.executable), "--target", packages, "azure-functions", "flask")
    with stranger.serve(app) as host:
        answer = host.ready().request("POST", "/api/items/7", json={"name": "seven"})
        assert answer.json() == {"number": 7, "name": "seven"}
    assert_answer(stranger.tune(app, "/api/items/7", "--json", '{"name": "seven"}'))
    shutil.rmtree(packages)
    assert stranger.tune(app, "/api/items/7", "--json", '{"name": "seven"}').returncode == 3
