"""What App Service starts for a folder, against the order of the platform's own script."""

from pathlib import Path

import pytest

from functune.app_service.faults import startup_faults
from functune.app_service.startup import Deployment, app_service_startup
from functune.errors import SettingsError

FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"
MODULE = "import orders\n\napp = orders.make()\n"


def folder(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"requirements.txt": "flask\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


FOLDERS = {
    "empty": ({}, {}, "default site", "/opt/defaultsite"),
    "django": ({"manage.py": "", "site1/wsgi.py": "", "site1/settings.py": ""}, {}, "Django", "site1.wsgi"),
    "django in an environment": ({"antenv/pyvenv.cfg": "", "antenv/wsgi.py": ""}, {}, "default site", None),
    "django before flask": ({"app.py": FLASK, "site1/wsgi.py": ""}, {}, "Django", "site1.wsgi"),
    "two django folders": ({"b/wsgi.py": "", "a/wsgi.py": ""}, {}, "Django", "a.wsgi"),
    "flask application.py": ({"application.py": FLASK}, {}, "Flask", "application:app"),
    "flask app.py": ({"app.py": FLASK}, {}, "Flask", "app:app"),
    "flask run.py": ({"run.py": FLASK}, {}, "Flask", "run:app"),
    "flask index.py": ({"index.py": FLASK}, {}, "Flask", "index:app"),
    "flask server.py": ({"server.py": FLASK}, {}, "Flask", "server:app"),
    "flask wsgi.py": ({"wsgi.py": FLASK}, {}, "Flask", "wsgi:app"),
    "flask several": ({"run.py": FLASK, "app.py": FLASK}, {}, "Flask", "app:app"),
    "flask main.py is no name": ({"main.py": FLASK}, {}, "default site", None),
    "fastapi before 3.14": ({"app.py": FASTAPI}, {}, "Flask", "app:app"),
    "fastapi main.py before 3.14": ({"main.py": FASTAPI}, {}, "default site", None),
    "fastapi from 3.14": ({"main.py": FASTAPI}, {"python": (3, 14)}, "FastAPI", "main:app"),
    "fastapi before flask": ({"app.py": FLASK, "main.py": FASTAPI}, {"python": (3, 14)}, "FastAPI", "main:app"),
    "fastapi with flask": ({"app.py": FASTAPI + "import flask\n"}, {"python": (3, 14)}, "Flask", "app:app"),
    "fastapi switched off": (
        {"app.py": FASTAPI},
        {"python": (3, 14), "settings": {"DISABLE_FASTAPI_DETECTION": "true"}},
        "Flask",
        "app:app",
    ),
    "fastapi behind another module": ({"app.py": MODULE}, {"python": (3, 14)}, "Flask", "app:app"),
    "own command": ({"app.py": FLASK}, {"command": "gunicorn --bind 0.0.0.0:$PORT src.app:app"}, "own command", None),
    "startup file": (
        {"startup.txt": "gunicorn --bind 0.0.0.0:$PORT web:app\n", "web.py": FLASK},
        {"command": "startup.txt"},
        "own command",
        "gunicorn --bind 0.0.0.0:$PORT web:app",
    ),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_folder_is_started_by_the_first_step_that_applies(name: str, tmp_path: Path) -> None:
    files, deployed, step, target = FOLDERS[name]
    startup = app_service_startup(Deployment(folder=folder(tmp_path, files), **deployed))
    assert startup.step == step
    assert target is None or startup.target == target
    assert startup.reason.endswith(".")


def command(root: Path, *, cores: int = 1, **settings: str) -> str:
    return app_service_startup(Deployment(folder=root, settings=settings, cores=cores)).command


def test_generated_command_is_the_one_of_the_platform(tmp_path: Path) -> None:
    root = folder(tmp_path, {"app.py": FLASK})
    arguments = "--timeout 600 --access-logfile '-' --error-logfile '-'"
    end = '--bind=0.0.0.0:$PORT --chdir=/home/site/wwwroot" gunicorn app:app'
    assert command(root) == f'GUNICORN_CMD_ARGS="{arguments} {end}'
    flag = {"PYTHON_ENABLE_GUNICORN_MULTIWORKERS": "true"}
    assert command(root, **flag) == f'GUNICORN_CMD_ARGS="{arguments} --workers=3 {end}'
    assert "--workers=5 --bind" in command(root, cores=2, **flag)
    threads = {"PYTHON_GUNICORN_CUSTOM_WORKER_NUM": "4", "PYTHON_GUNICORN_CUSTOM_THREAD_NUM": "8"}
    assert "--workers=4 --threads=8 --bind" in command(root, cores=2, **flag, **threads)
    assert "--workers" not in command(root, **threads)
    assert "-c /home/conf.py --bind" in command(root, PYTHON_USE_GUNICORN_CONFIG_FROM_PATH="/home/conf.py")


def test_web_concurrency_counts_until_the_multiworker_flag_is_on(tmp_path: Path) -> None:
    root = folder(tmp_path, {"app.py": FLASK})

    def workers(**settings: str) -> int | None:
        return app_service_startup(Deployment(folder=root, settings=settings)).worker_count

    assert (workers(), workers(WEB_CONCURRENCY="4")) == (1, 4)
    assert workers(WEB_CONCURRENCY="4", PYTHON_ENABLE_GUNICORN_MULTIWORKERS="1") == 3
    with pytest.raises(SettingsError, match=r"MULTIWORKERS is 'yes', which ends the start .* true and false"):
        workers(PYTHON_ENABLE_GUNICORN_MULTIWORKERS="yes")
    with pytest.raises(SettingsError, match="WEB_CONCURRENCY is 'four'; it takes a whole number from 1"):
        workers(WEB_CONCURRENCY="four")


FAULTS = {
    "no-dependencies": ({"app.py": FLASK, "requirements.txt": None}, {}, ("", 0)),
    "default-site": ({"main.py": FLASK}, {}, ("", 0)),
    "module-not-found": ({"web/app.py": FLASK}, {"command": "gunicorn -b 0.0.0.0:$PORT src.app:app"}, ("", 0)),
    "application-not-found": ({"app.py": "import flask\n\nserver = flask.Flask(__name__)\n"}, {}, ("app.py", 1)),
    "asgi-on-sync-workers": ({"app.py": FASTAPI}, {}, ("app.py", 3)),
    "port-not-bound": ({"web.py": FLASK}, {"command": "gunicorn --workers 4 web:app"}, ("", 0)),
    "setting-ignored": (
        {"app.py": FLASK},
        {"settings": {"WEB_CONCURRENCY": "4", "PYTHON_ENABLE_GUNICORN_MULTIWORKERS": "true"}},
        ("", 0),
    ),
    "threads-ignored": (
        {"web.py": FASTAPI},
        {"command": "gunicorn -k uvicorn_worker.UvicornWorker --threads 8 --bind 0.0.0.0:$PORT web:app"},
        ("", 0),
    ),
}


@pytest.mark.parametrize("rule", FAULTS)
def test_fault_is_found_at_its_place_and_alone(rule: str, tmp_path: Path) -> None:
    files, deployed, place = FAULTS[rule]
    root = folder(tmp_path, {name: text for name, text in files.items() if text is not None})
    for name in (name for name, text in files.items() if text is None):
        (root / name).unlink()
    [fault] = startup_faults(Deployment(folder=root, **deployed))
    assert (fault.rule, (fault.file, fault.line)) == (rule, place)


def test_asgi_app_is_followed_through_the_modules_of_the_app(tmp_path: Path) -> None:
    """App Service takes app.py for Flask, since that file itself does not import fastapi."""
    files = {"app.py": "from src.main import app\n", "src/__init__.py": "", "src/main.py": f"\n{FASTAPI}"}
    [fault] = startup_faults(Deployment(folder=folder(tmp_path, files), python=(3, 14)))
    assert (fault.rule, fault.file, fault.line) == ("asgi-on-sync-workers", "src/main.py", 4)


HEALTHY = {
    "flask": ({"app.py": FLASK}, {}),
    "django": ({"site1/wsgi.py": "application = object()\n", "site1/__init__.py": ""}, {}),
    "factory": ({"web.py": "def make():\n    return 1\n"}, {"command": "gunicorn --bind 0.0.0.0:$PORT 'web:make()'"}),
    "fastapi": ({"main.py": FASTAPI}, {"python": (3, 14)}),
    "fastapi command": ({"src/a.py": FASTAPI}, {"command": "uvicorn --host 0.0.0.0 --port $PORT src.a:app"}),
    "chdir": ({"src/a.py": FLASK}, {"command": "gunicorn --bind=0.0.0.0:$PORT --chdir src a:app"}),
    "another server": ({"a.py": FLASK}, {"command": "waitress-serve --port $PORT a:app"}),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_folder_has_no_fault(name: str, tmp_path: Path) -> None:
    files, deployed = HEALTHY[name]
    assert startup_faults(Deployment(folder=folder(tmp_path, files), **deployed)) == []
