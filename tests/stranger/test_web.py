"""FastAPI and Flask inside Functions, each with packages of its own."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.stranger.installed import Stranger, install, make_environment
from tests.stranger.said import hidden_by_other_programs, page_of

pytestmark = pytest.mark.network

EXPERIMENT = """
name = "items"
question = "What limits it?"
settings = { thread_count = [4] }
load = { users = [1, 8], warm_up = 0.3, measure = 2, search = "grid" }
[[workload.requests]]
name = "item"
method = "POST"
route = "/api/items/7"
json = { name = "seven" }
"""


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
    (stranger.folder / "items.toml").write_text(EXPERIMENT)
    done = stranger.call("sweep", "items.toml", "--script-root", app, "--no-profile", "--no-calibration")
    assert done.returncode == 0, done.stderr
    [experiment] = json.loads(page_of(done).with_name("report.json").read_text())["experiments"]
    [limit] = experiment["limits"].values()
    assert limit["kind"] == "threads" or hidden_by_other_programs(limit, done), limit
    assert experiment["verdict"] in done.stdout
    shutil.rmtree(packages)
    lost = stranger.call("tune", "/api/items/7", "--json", '{"name": "seven"}', "--script-root", app)
    assert lost.returncode == 3
    assert "No module named 'flask'" in lost.stderr
