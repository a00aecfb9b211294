"""``functune doctor``."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.calling import command, in_process, run

APP = """
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
time.sleep(0.2)


@app.route(route="wait", methods=["GET"])
async def wait(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.1)
    return func.HttpResponse("waited")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app that blocks its event loop, and whose requirements are not pinned."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "function_app.py").write_text(APP)
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "requirements.txt").write_text("azure-functions\n")
    return folder


def healed(app: Path) -> Path:
    """The same app without the blocking call."""
    text = APP.replace("    time.sleep(0.1)\n", "")
    (app / "function_app.py").write_text(text)
    return app


def test_finding_ends_it_with_1_and_a_healthy_app_with_0(app: Path) -> None:
    broken = run("doctor", str(app))
    assert broken.exit_code == 1
    assert "error [blocking-call]\n  function_app.py:12\n" in broken.output
    healthy = run("doctor", str(healed(app)))
    assert healthy.exit_code == 0
    assert "app: healthy" in healthy.output


@pytest.mark.parametrize(("severity", "code"), [("error", 0), ("warning", 0), ("note", 1)])
def test_severity_is_the_threshold(app: Path, severity: str, code: int) -> None:
    (healed(app) / "requirements.txt").write_text("azure-functions\nrequests\n")
    assert run("doctor", str(app), "--severity", severity).exit_code == code


def test_out_writes_the_form_and_prints_the_summary(app: Path, tmp_path: Path) -> None:
    out = tmp_path / "doctor.json"
    done = run("doctor", str(app), "--format", "json", "--for", "flex", "--out", str(out))
    assert done.exit_code == 1
    assert done.output.splitlines()[0].startswith("app: 1 finding of severity error or worse")
    document = json.loads(out.read_text())
    assert (document["plan"], document["healthy"], document["app"]) == ("flex", False, "app")
    assert str(app) not in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["/nonexistent"], "/nonexistent: there is no such folder; name the folder of an app", 2),
        ([".github"], "has no function_app.py: name the folder of an Azure Functions app", 2),
        ([".", "--memory", "512"], "--memory needs the memory of a worker: add --run RUN or --measure", 2),
        ([".", "--out", "/nonexistent/x"], "--out /nonexistent/x: cannot be written", 2),
        ([".", "--run", "."], "is not a run folder", 3),
    ],
)
def test_wrong_usage_is_explained(app: Path, arguments: list[str], said: str, code: int) -> None:
    (app / ".github").mkdir()
    folder, *others = arguments
    done = run("doctor", folder if folder.startswith("/") else str(app / folder), *others)
    assert done.exit_code == code
    assert said in done.output


def test_run_and_start_of_an_app_add_their_figures(app: Path, tmp_path: Path) -> None:
    """The sweep names the line that the static rule found; the start measures import and memory."""
    asked = tmp_path / "asked.toml"
    asked.write_text(
        """
        name = "test"
        question = "What holds it?"
        workload.routes = ["/api/wait"]
        settings.thread_count = [4]
        load = { users = [1, 8], warm_up = 0.2, measure = 1, search = "grid" }
        """
    )
    swept = in_process("sweep", asked, "--script-root", app, "--out", tmp_path / "run", "--no-calibration")
    assert swept.returncode == 0, swept.stderr
    out = tmp_path / "doctor.json"
    done = in_process(
        *("doctor", app, "--run", tmp_path / "run", "--measure", "--memory", 1, "--format", "json", "--out", out)
    )
    assert done.returncode == 1, done.stderr
    document = json.loads(out.read_text())
    places = {each["rule"]: (each["file"], each["line"]) for each in document["findings"]}
    places.pop("slow-import", None)  # how long an import takes is up to the machine
    assert places == {
        "blocking-call": ("function_app.py", 12),
        "loop-held": ("function_app.py", 12),
        "memory": (None, None),
    }
    assert document["start"]["import_seconds"] > 0.2  # what the app sleeps at its import
    assert dict(document["start"]["imports"])["function_app"] > 0.2
    assert document["start"]["worker_mb"] > 1


def test_app_that_does_not_start_ends_it_with_3(app: Path) -> None:
    (app / "function_app.py").write_text("import there_is_none\n")
    done = in_process("doctor", app, "--measure")
    assert done.returncode == 3
    assert "No module named 'there_is_none'" in done.stderr
    assert "Traceback" not in done.stderr


def test_static_check_does_not_wait_for_the_numbers_of_the_analysis(app: Path) -> None:
    """scipy takes longer to import than most apps take to be checked."""
    timed = [*command("doctor", app)[:1], "-X", "importtime", *command("doctor", app)[1:]]
    done = subprocess.run(timed, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "functune.doctor.registry" in done.stderr
    assert "scipy" not in done.stderr


def test_app_service_shows_what_starts_for_any_web_app(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\n\napp = Flask(__name__)\n")
    (tmp_path / "requirements.txt").write_text("flask==3.1.0\n")
    given = ("--plan", "app-service", "--tier", "P1v3", "--setting", "PYTHON_ENABLE_GUNICORN_MULTIWORKERS=true")
    done = run("doctor", str(tmp_path), *given)
    assert done.exit_code == 0
    assert "Step 4 of 5, Flask: app.py is one of the names" in done.output
    assert (
        '--workers=5 --chdir=/home/site/wwwroot" gunicorn app:app\n  5 sync workers: 5 requests at a time.'
        in done.output
    )
    document = json.loads(run("doctor", str(tmp_path), *given, "--format", "json").output)
    assert (document["app_service"]["tier"], document["app_service"]["start"]["worker_count"]) == ("P1v3", 5)
    broken = run("doctor", str(tmp_path), "--for", "app-service", "--startup-file", "uvicorn app:app")
    assert broken.exit_code == 1
    assert "error [wrong-interface]\n  app.py:3\n" in broken.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tier", "B1"], "--tier: for App Service; add --plan app-service"),
        (
            ["--plan", "app-service", "--python-version", "new"],
            "--python-version 'new': it takes a version such as 3.13",
        ),
        (["--plan", "app-service", "--setting", "X"], "--setting 'X': it takes NAME=VALUE"),
        (["--plan", "app-service", "--measure"], "--measure starts a function app, and this folder has none"),
        (["--plan", "app-service", "--settings", "/nonexistent"], "--settings /nonexistent: No such file or directory"),
    ],
)
def test_flags_of_app_service_that_do_not_fit_are_explained(app: Path, arguments: list[str], said: str) -> None:
    if "--measure" in arguments:
        (app / "function_app.py").unlink()
    done = run("doctor", str(app), *arguments)
    assert done.exit_code == 2
    assert said in done.output
