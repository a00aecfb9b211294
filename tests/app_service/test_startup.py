"""
What App Service starts for a folder.

The table says in words of its own what the platform's start-up script does (microsoft/Oryx, as of 2026-08-06): your
command first; else the first folder with a wsgi.py; else, in images of Python 3.14 and later, a file by one of eight
names with an import of fastapi; else a file by one of six names; else a page of the platform.
"""

from pathlib import Path
from typing import Any

import pytest

from functune.app_service.deployment import Deployment
from functune.app_service.generated import RefusedSettingError
from functune.app_service.server_command import without_secrets
from functune.app_service.startup import STEPS, StartDecision, start_decision
from tests.app_service.folders import DJANGO, FASTAPI, FLASK, deployed_folder

NEW: dict[str, Any] = {"python": (3, 14)}
OWN = "gunicorn --bind 0.0.0.0:$PORT src.app:app"
TABLE: dict[str, tuple[dict[str, str], dict[str, Any], str, str | None]] = {
    # folder: files, what is set, step, application
    "nothing in it": ({}, {}, "default page", "application:app"),
    "django": ({"manage.py": "", "shop/wsgi.py": DJANGO, "shop/settings.py": ""}, {}, "Django", "shop.wsgi"),
    "two django folders, in the order of their names": ({"b/wsgi.py": "", "a/wsgi.py": ""}, {}, "Django", "a.wsgi"),
    "django two folders down": ({"src/shop/wsgi.py": DJANGO}, {}, "default page", None),
    "wsgi.py of the platform's environment": ({"antenv/wsgi.py": ""}, {}, "default page", None),
    "wsgi.py of another environment": ({".venv/pyvenv.cfg": "", ".venv/wsgi.py": ""}, {}, "Django", ".venv.wsgi"),
    "flask application.py": ({"application.py": FLASK}, {}, "Flask", "application:app"),
    "flask app.py": ({"app.py": FLASK}, {}, "Flask", "app:app"),
    "flask run.py": ({"run.py": FLASK}, {}, "Flask", "run:app"),
    "flask index.py": ({"index.py": FLASK}, {}, "Flask", "index:app"),
    "flask server.py": ({"server.py": FLASK}, {}, "Flask", "server:app"),
    "flask wsgi.py": ({"wsgi.py": FLASK}, {}, "Flask", "wsgi:app"),
    "flask by two names": ({"run.py": FLASK, "app.py": FLASK}, {}, "Flask", "app:app"),
    "flask by a name that is none": ({"main.py": FLASK}, {}, "default page", None),
    "flask in a folder": ({"src/app.py": FLASK}, {}, "default page", None),
    "any file by a name of flask": ({"app.py": "print('hello')\n"}, {}, "Flask", "app:app"),
    "django before flask": ({"app.py": FLASK, "shop/wsgi.py": DJANGO}, {}, "Django", "shop.wsgi"),
    "django before fastapi": ({"main.py": FASTAPI, "shop/wsgi.py": DJANGO}, NEW, "Django", "shop.wsgi"),
    "flask with a folder that has a wsgi.py": ({"app.py": FLASK, "api/wsgi.py": FLASK}, {}, "Django", "api.wsgi"),
    "fastapi app.py on 3.13": ({"app.py": FASTAPI}, {}, "Flask", "app:app"),
    "fastapi main.py on 3.13": ({"main.py": FASTAPI}, {}, "default page", None),
    "fastapi main.py on 3.14": ({"main.py": FASTAPI}, NEW, "FastAPI", "main:app"),
    "fastapi asgi.py on 3.14": ({"asgi.py": FASTAPI}, NEW, "FastAPI", "asgi:app"),
    "fastapi by two names on 3.14": ({"app.py": FASTAPI, "main.py": FASTAPI}, NEW, "FastAPI", "main:app"),
    "fastapi before flask on 3.14": ({"app.py": FLASK, "run.py": FASTAPI}, NEW, "FastAPI", "run:app"),
    "fastapi in a file with from flask": ({"app.py": FASTAPI + FLASK}, NEW, "Flask", "app:app"),
    "fastapi in a file with import flask": ({"app.py": FASTAPI + "import flask\n"}, NEW, "FastAPI", "app:app"),
    "fastapi that another module imports": ({"app.py": "from api.web import app\n"}, NEW, "Flask", "app:app"),
    "fastapi detection switched off": (
        {"app.py": FASTAPI},
        NEW | {"settings": {"DISABLE_FASTAPI_DETECTION": "1"}},
        "Flask",
        "app:app",
    ),
    "fastapi detection left on": (
        {"app.py": FASTAPI},
        NEW | {"settings": {"DISABLE_FASTAPI_DETECTION": "false"}},
        "FastAPI",
        "app:app",
    ),
    "command": ({"app.py": FLASK, "shop/wsgi.py": DJANGO}, {"command": OWN}, "own command", "src.app:app"),
    "command with a wrong module": (
        {"app.py": FLASK},
        {"command": "gunicorn srv.app:app"},
        "own command",
        "srv.app:app",
    ),
    "command of blanks": ({"app.py": FLASK}, {"command": "  "}, "Flask", "app:app"),
    "startup file": (
        {"startup.txt": f"{OWN}\n", "app.py": FLASK},
        {"command": "startup.txt"},
        "own command",
        "src.app:app",
    ),
    "startup file that is not named": ({"startup.txt": OWN, "app.py": FLASK}, {}, "Flask", "app:app"),
    "startup file that is not there": ({"app.py": FLASK}, {"command": "startup.txt"}, "own command", None),
    "function app": ({"host.json": "{}", "function_app.py": ""}, {}, "default page", None),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_first_step_that_applies_decides(name: str, tmp_path: Path) -> None:
    files, deployed, step, target = TABLE[name]
    found = start_decision(Deployment(folder=deployed_folder(tmp_path, files), **deployed))
    assert found.step == step
    if target is not None or step == "own command":
        assert found.target == target
    assert [each.step for each in found.tried] == list(STEPS)[: list(STEPS).index(found.step)]
    assert all(each.endswith(".") for each in (found.reason, *(tried.reason for tried in found.tried)))


def decided(root: Path, settings: dict[str, str] | None = None, **deployed: Any) -> StartDecision:
    return start_decision(Deployment(folder=root, settings=settings or {}, **deployed))


CONF = "-c /opt/startup/gunicorn.conf.py"
LOGS = "--timeout 600 --access-logfile '-' --error-logfile '-'"
UVICORN_WORKER = "uvicorn_worker.UvicornWorker"
FLAG = {"PYTHON_ENABLE_GUNICORN_MULTIWORKERS": "true"}


def test_generated_command_is_the_one_of_the_platform(tmp_path: Path) -> None:
    """As the logs of App Service show it: no --bind, since Gunicorn takes the port from PORT."""
    root = deployed_folder(tmp_path, {"app.py": FLASK})
    end = '--chdir=/home/site/wwwroot" gunicorn app:app'
    assert decided(root).command == f'GUNICORN_CMD_ARGS="{LOGS} {CONF} {end}'
    assert decided(root, FLAG).command == f'GUNICORN_CMD_ARGS="{LOGS} {CONF} --workers=3 {end}'
    counts = {"PYTHON_GUNICORN_CUSTOM_WORKER_NUM": "4", "PYTHON_GUNICORN_CUSTOM_THREAD_NUM": "8"}
    assert decided(root, FLAG | counts).command.endswith(f"{CONF} --workers=4 --threads=8 {end}")
    assert decided(root, counts).command == decided(root).command
    own = decided(root, {"PYTHON_USE_GUNICORN_CONFIG_FROM_PATH": "/home/site/wwwroot/conf.py"}).command
    assert "-c /home/site/wwwroot/conf.py --chdir" in own


def test_generated_commands_of_the_other_steps(tmp_path: Path) -> None:
    fastapi = deployed_folder(tmp_path / "fastapi", {"main.py": FASTAPI})
    assert decided(fastapi, python=(3, 14)).command.endswith(
        '--chdir=/home/site/wwwroot" gunicorn -k uvicorn_worker.UvicornWorker main:app'
    )
    assert decided(deployed_folder(tmp_path / "empty", {})).command.endswith(
        '--chdir=/opt/defaultsite" gunicorn application:app'
    )
    command = 'PATH="$PATH:/home/site/wwwroot" gunicorn -w 2 app:app'
    assert decided(tmp_path, command="gunicorn -w 2 app:app").command == command


@pytest.mark.parametrize(
    ("cores", "settings", "workers", "threads", "worker_class"),
    [
        (1, {}, 1, 1, "sync"),
        (4, {}, 1, 1, "sync"),
        (1, {"WEB_CONCURRENCY": "4"}, 4, 1, "sync"),
        (1, FLAG, 3, 1, "sync"),
        (2, FLAG, 5, 1, "sync"),
        (4, FLAG, 9, 1, "sync"),
        (2, FLAG | {"WEB_CONCURRENCY": "7"}, 5, 1, "sync"),
        (2, FLAG | {"PYTHON_GUNICORN_CUSTOM_WORKER_NUM": "2"}, 2, 1, "sync"),
        (2, FLAG | {"PYTHON_GUNICORN_CUSTOM_THREAD_NUM": "8"}, 5, 8, "gthread"),
        (2, {"PYTHON_GUNICORN_CUSTOM_THREAD_NUM": "8"}, 1, 1, "sync"),
    ],
)
def test_workers_of_the_generated_command(
    tmp_path: Path, cores: int, settings: dict[str, str], workers: int, threads: int, worker_class: str
) -> None:
    found = decided(deployed_folder(tmp_path, {"app.py": FLASK}), settings, cores=cores)
    assert (found.worker_count, found.thread_count, found.worker_class) == (workers, threads, worker_class)


@pytest.mark.parametrize(
    ("command", "settings", "expected"),
    [
        ("gunicorn app:app", {}, ("gunicorn", "sync", 1, 1)),
        ("gunicorn -w4 --threads=8 app:app", {}, ("gunicorn", "gthread", 4, 8)),
        ("gunicorn app:app", {"WEB_CONCURRENCY": "3"}, ("gunicorn", "sync", 3, 1)),
        ("gunicorn -w 2 app:app", {"WEB_CONCURRENCY": "3"} | FLAG, ("gunicorn", "sync", 2, 1)),
        ("gunicorn app:app", {"GUNICORN_CMD_ARGS": "--workers 5 -k gthread"}, ("gunicorn", "gthread", 5, 1)),
        ("gunicorn -k uvicorn_worker.UvicornWorker -w 2 --threads 8 a:app", {}, ("gunicorn", UVICORN_WORKER, 2, None)),
        ("gunicorn --workers $(nproc) app:app", {}, ("gunicorn", "sync", 1, 1)),
        ("gunicorn --workers $N app:app", {}, ("gunicorn", "sync", None, 1)),
        ("gunicorn --workers $N app:app", {"N": "6"}, ("gunicorn", "sync", 6, 1)),
        ("gunicorn -k ${CLASS:-gthread} --threads ${T:-4} app:app", {}, ("gunicorn", "gthread", 1, 4)),
        ("gunicorn -c conf.py app:app", {}, ("gunicorn", "sync", None, None)),
        ("python -m uvicorn --workers 3 a:app", {}, ("uvicorn", None, 3, None)),
        ("uvicorn a:app", {"WEB_CONCURRENCY": "2"}, ("uvicorn", None, 2, None)),
        ("python manage.py migrate && gunicorn --workers 2 shop.wsgi", {}, ("gunicorn", "sync", 2, 1)),
        ("python app.py", {}, (None, None, None, None)),
    ],
)
def test_workers_of_a_command_of_ones_own(
    tmp_path: Path, command: str, settings: dict[str, str], expected: tuple[str | None, ...]
) -> None:
    found = decided(tmp_path, settings, command=command)
    assert (found.server, found.worker_class, found.worker_count, found.thread_count) == expected


@pytest.mark.parametrize(
    ("config", "settings", "counts"),
    [
        ("workers = 4\nthreads = 8\n", {}, ("gthread", 4, 8)),
        ("workers = cores()\n", {}, ("sync", None, 1)),
        ("timeout = 9\n", {"WEB_CONCURRENCY": "3"}, ("sync", 3, 1)),
        ("workers = 4\n", FLAG | {"PYTHON_GUNICORN_CUSTOM_WORKER_NUM": "2"}, ("sync", 2, 1)),
        (None, {}, ("sync", None, None)),
    ],
)
def test_generated_command_has_the_counts_of_the_configuration_that_it_reads(
    tmp_path: Path, config: str | None, settings: dict[str, str], counts: tuple[str, int | None, int | None]
) -> None:
    root = deployed_folder(tmp_path, {"app.py": FLASK} | ({} if config is None else {"g.py": config}))
    found = decided(root, settings | {"PYTHON_USE_GUNICORN_CONFIG_FROM_PATH": "/home/site/wwwroot/g.py"})
    assert (found.worker_class, found.worker_count, found.thread_count) == counts


def test_script_gives_its_server_the_variables_that_it_exports(tmp_path: Path) -> None:
    script = "export WEB_CONCURRENCY=4 OTHER=x\nexport GUNICORN_CMD_ARGS='--threads 8'\ngunicorn shop.wsgi\n"
    found = decided(deployed_folder(tmp_path, {"run.sh": script}), {"WEB_CONCURRENCY": "2"}, command="run.sh")
    assert (found.worker_class, found.worker_count, found.thread_count) == ("gthread", 4, 8)


def test_only_the_first_line_of_a_startup_file_counts_and_a_script_runs_whole(tmp_path: Path) -> None:
    script = "#!/bin/sh\n# gunicorn old:app\npython manage.py migrate\nexec gunicorn \\\n  --workers 3 shop.wsgi\n"
    deployed_folder(tmp_path, {"startup.txt": "gunicorn a:app\ngunicorn b:app\n", "run.sh": script})
    first = decided(tmp_path, command="startup.txt")
    assert (first.target, first.command, first.file, first.line) == (
        *("a:app", 'PATH="$PATH:/home/site/wwwroot" gunicorn a:app', "startup.txt", 1),
    )
    whole = decided(tmp_path, command="/home/site/wwwroot/run.sh")
    assert (whole.target, whole.worker_count, whole.file, whole.line) == ("shop.wsgi", 3, "run.sh", 4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PYTHON_ENABLE_GUNICORN_MULTIWORKERS": "yes"}, "MULTIWORKERS is 'yes', .* allowed are true and false"),
        ({"WEB_CONCURRENCY": "four"}, "WEB_CONCURRENCY is 'four', .* a whole number from 1"),
        (FLAG | {"PYTHON_GUNICORN_CUSTOM_WORKER_NUM": "0"}, "CUSTOM_WORKER_NUM is '0'"),
        ({"DISABLE_FASTAPI_DETECTION": "off"}, "DISABLE_FASTAPI_DETECTION is 'off'"),
    ],
)
def test_setting_with_which_the_app_does_not_start(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    root = deployed_folder(tmp_path, {"app.py": FLASK})
    with pytest.raises(RefusedSettingError, match=said) as raised:
        decided(root, settings, python=(3, 14))
    assert raised.value.name in settings


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("KEY=s3cret gunicorn app:app", "KEY=… gunicorn app:app"),
        ("cd x && key='a b' gunicorn app:app", "cd x && key=… gunicorn app:app"),
        ("gunicorn app:app --env KEY=s3cret", "gunicorn app:app --env KEY=…"),
        ('GUNICORN_CMD_ARGS="--workers 2" PORT=80 gunicorn app:app', None),
        ("gunicorn --bind=0.0.0.0:$PORT --workers=2 app:app", None),
    ],
)
def test_command_is_shown_without_values_that_may_be_secret(command: str, shown: str | None) -> None:
    assert without_secrets(command) == (shown or command)
