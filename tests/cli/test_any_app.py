"""``--app``, and ``app`` and ``folder`` of an experiment: which app runs on which host, and that a run remembers it."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from functune.run.folder import ENVIRONMENT, EXPERIMENTS, MEASUREMENTS, RunFolder
from functune.setting import Setting
from tests.cli.calling import in_process
from tests.hosts.test_any_app import APPS

EXPERIMENT = """
[[experiment]]
name = "wsgi"
question = "Does a WSGI app run?"
app = "src.app:app"
folder = "apps/wsgi"
workload.routes = ["/pid"]
settings = { thread_count = [2] }
load = { users = [2], warm_up = 0.2, measure = 1 }
[[experiment]]
name = "asgi"
question = "Does an ASGI app run?"
app = "src.app:create_app('app')"
folder = "apps/asgi"
workload.routes = ["/pid"]
settings = { host = ["gunicorn", "uvicorn"] }
load = { users = [2], warm_up = 0.2, measure = 1 }
[[experiment.expect]]
claim = "Uvicorn serves"
metric = "throughput"
where = { host = "gunicorn" }
at_least = 1
[[experiment]]
name = "functions"
question = "Does the function app of the run?"
workload.routes = ["/api/x"]
settings = { thread_count = [2] }
load = { users = [2], warm_up = 0.2, measure = 1 }
"""
REFUSAL = """
        case "/pid" if "NOT_YET" in os.environ:
            start_response("503 Not Yet", [])
            return []
"""
FUNCTIONS = """
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="x")
def x(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.02)
    return func.HttpResponse("x")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A function app, with a WSGI and an ASGI app in folders of it."""
    folder = tmp_path / "site"
    for name in ("wsgi", "asgi"):
        shutil.copytree(APPS / f"plain_{name}", folder / "apps" / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(FUNCTIONS)
    (folder / "asked.toml").write_text(EXPERIMENT)
    return folder


def test_experiments_of_one_run_have_apps_and_hosts_of_their_own(root: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = in_process(
        "sweep", root / "asked.toml", "--script-root", root, "--out", run, "--no-profile", "--no-calibration"
    )
    assert done.returncode == 0, done.stderr
    folder = RunFolder.open(run)
    hosts = {each.name: each.settings.host for each in folder.experiments}
    assert hosts == {"wsgi": ("gunicorn:gthread",), "asgi": ("gunicorn:asgi", "uvicorn"), "functions": ()}
    measured = {(each.experiment, each.setting): each for each in folder.measurements()}
    assert {name: [setting for each, setting in measured if each == name] for name in hosts} == {
        "wsgi": [Setting(thread_count=2, host="gunicorn:gthread")],
        "asgi": [Setting(host="gunicorn:asgi"), Setting(host="uvicorn")],
        "functions": [Setting(thread_count=2)],
    }
    assert all(each.errors == {} and each.latencies_us for each in measured.values())
    kinds = {(each.experiment, each.handler) for each in measured.values()}
    assert kinds == {("wsgi", "def"), ("asgi", "async def"), ("functions", "def")}
    assert json.loads((run / ENVIRONMENT).read_text())["app"] is None

    whole = (run / MEASUREMENTS).read_bytes()
    resumed = in_process("sweep", "--resume", run, "--no-profile", "--no-calibration")
    assert resumed.returncode == 0, resumed.stderr
    assert (run / MEASUREMENTS).read_bytes() == whole  # every app is as it was, and nothing is left to measure


def test_run_remembers_the_app_that_the_flag_names(root: Path, tmp_path: Path) -> None:
    """The first request fails where NOT_YET is set, so that all is left to measure when the run is resumed."""
    source = root / "apps/wsgi/src/app.py"
    source.write_text(source.read_text().replace('        case "/pid":\n', f'{REFUSAL}        case "/pid":\n'))
    run, asked = tmp_path / "run", tmp_path / "one.toml"
    asked.write_text(
        """
        name = "one"
        question = "Does it run?"
        workload.routes = ["/pid"]
        settings = { thread_count = [2] }
        load = { users = [2], warm_up = 0.2, measure = 1 }
        """
    )
    app = ("--app", "src.app:app")
    done = in_process(
        *("sweep", asked, *app, "--script-root", root / "apps/wsgi", "--out", run, "--no-calibration"), NOT_YET="1"
    )
    assert done.returncode == 3
    assert "GET /pid: HTTP 503" in done.stderr
    noted = json.loads((run / ENVIRONMENT).read_text())
    assert (noted["app"], noted["host_kind"], noted["host"]) == (
        "src.app:app",
        "gunicorn:gthread",
        "Gunicorn with gthread workers",
    )
    assert tomllib.loads((run / EXPERIMENTS).read_text())["experiment"][0]["settings"]["host"] == ["gunicorn:gthread"]
    other = in_process("sweep", "--resume", run, "--app", "src.app:other")
    assert (other.returncode, other.stderr.strip()) == (
        2,
        "functune: --app src.app:other: the run measures src.app:app; omit --app, or begin another run",
    )
    resumed = in_process("sweep", "--resume", run, *app, "--host", "gunicorn", "--no-profile", "--no-calibration")
    assert resumed.returncode == 0, resumed.stderr
    [measurement] = RunFolder.open(run).measurements()
    assert (measurement.setting.host, measurement.errors) == ("gunicorn:gthread", {})


@pytest.mark.parametrize(
    ("changes", "flags", "said"),
    [
        ({"apps/wsgi": "../wsgi"}, (), "folder is '../wsgi': allowed is a folder inside the script root"),
        ({"apps/wsgi": "apps/none"}, (), "wsgi: folder is 'apps/none': there is no folder"),
        ({"apps/wsgi": "apps/link"}, (), "allowed is a folder inside the script root"),
        ({}, ("--host", "local"), "the app src.app:app with --host local: allowed are gunicorn and uvicorn"),
        ({}, ("--host", "uvicorn"), "src.app:app is a WSGI app; uvicorn serves ASGI: use --host gunicorn:gthread"),
        ({'host = ["gunicorn", "uvicorn"]': "thread_count = [4]"}, (), "asgi: thread_count is 4, and src.app:create"),
        ({'app = "src.app:app"': 'app = "src.app"'}, (), "--app src.app: allowed is MODULE:CALLABLE"),
    ],
    ids=["outside", "missing", "link", "functions host", "other interface", "threads of an ASGI app", "no callable"],
)
def test_apps_that_cannot_run_are_refused_before_anything_starts(
    root: Path, tmp_path: Path, changes: dict[str, str], flags: tuple[str, ...], said: str
) -> None:
    (tmp_path / "outside").mkdir()
    (root / "apps" / "link").symlink_to(tmp_path / "outside")
    text = EXPERIMENT
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    if "uvicorn" not in text:
        text = text.replace('where = { host = "gunicorn" }', "where = {}")
    (root / "asked.toml").write_text(text)
    done = in_process("sweep", root / "asked.toml", "--script-root", root, "--out", tmp_path / "run", *flags)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert not (tmp_path / "run").exists()
