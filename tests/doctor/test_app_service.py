"""The rules for App Service, each against a folder with its fault and the same folder without it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from functune.doctor.diagnose import diagnose
from functune.doctor.finding import Diagnosis, Finding
from functune.doctor.formats.registry import DIAGNOSIS_FORMS
from functune.doctor.reading.app_service import AppServiceOptions
from functune.doctor.reading.app_settings_file import given_places
from functune.doctor.reading.evidence import RunEvidence, WorkerMemory
from functune.doctor.reading.inspected import inspect_app
from functune.doctor.registry import RULES
from functune.errors import UsageError
from functune.packages.app_packages import find_app_packages
from tests.app_service.folders import DJANGO, FASTAPI, FLASK, deployed_folder
from tests.doctor.written_apps import HEAD

BOUND = "--bind 0.0.0.0:$PORT"
TWO = f"gunicorn -w 2 --timeout 9 {BOUND}"
CLASS = "uvicorn_worker.UvicornWorker"
ON_PORT = "--host 0.0.0.0 --port $PORT"
PACKAGES = {"requirements.txt": "flask==3.1.0\nfastapi==0.121.0\ndjango==5.2\ngunicorn==27.0.1\n"}
UVICORN = {"requirements.txt": PACKAGES["requirements.txt"] + "uvicorn-worker==0.4.0\n"}
MANY = "PYTHON_ENABLE_GUNICORN_MULTIWORKERS=true"
OWN_CLASS = "from flask import Flask\n\nclass Shop(Flask):\n    pass\n\napp = Shop('x')\n"
RULES_OF_PLAN = {rule.id for rule in RULES.values() if rule.needs == "--plan app-service"}
NEVER_ALONE = {"one-sync-worker", "worker-timeout-default", "keep-alive-default"}
"""They say how much is served, and are true of many folders with another fault."""

type Case = tuple[dict[str, str], dict[str, Any], tuple[str | None, int | None]]


def command(text: str, **more: Any) -> dict[str, Any]:
    return {"startup_file": text, **more}


FAULTS: dict[str, list[Case]] = {
    # files, what is given, file and line of the finding
    "default-page": [
        ({}, {}, (None, None)),
        ({"main.py": FLASK}, {}, (None, None)),
        ({"src/app.py": FLASK}, {}, (None, None)),
        ({"app/__init__.py": "", "app/main.py": FASTAPI}, {}, (None, None)),
        ({"function_app.py": HEAD, "host.json": '{"version": "2.0"}'}, {}, ("function_app.py", None)),
    ],
    "module-not-found": [
        ({"web/app.py": FLASK}, command(f"gunicorn --timeout 60 {BOUND} src.app:app"), (None, None)),
        ({"src/app.py": FLASK}, command(f"gunicorn --timeout 60 {BOUND} app:app"), (None, None)),
        ({"src/app.py": FLASK}, command(f"gunicorn --timeout 60 {BOUND} --chdir src src.app:app"), (None, None)),
        ({"web.py": FLASK, "s.txt": f"gunicorn --timeout 60 {BOUND} wbe:app\n"}, command("s.txt"), ("s.txt", 1)),
    ],
    "startup-file-missing": [({"app.py": FLASK}, command("startup.txt"), (None, None))],
    "application-not-found": [
        ({"app.py": FLASK.replace("app =", "server =")}, {}, ("app.py", 1)),
        ({"app.py": FLASK, "api/wsgi.py": FLASK}, {}, ("api/wsgi.py", 1)),
        ({"web.py": FLASK}, command(f"gunicorn --timeout 60 {BOUND} web"), ("web.py", 1)),
    ],
    "wrong-interface": [
        ({"app.py": FASTAPI}, {}, ("app.py", 3)),
        (
            {"app.py": "from api.web import app\n", "api/web.py": f"\n{FASTAPI}"},
            {"python_version": "3.14"},
            ("api/web.py", 4),
        ),
        ({"web.py": FASTAPI}, command(f"gunicorn -k gthread --threads 8 {BOUND} web:app"), ("web.py", 3)),
        (UVICORN | {"web.py": FLASK}, command(f"gunicorn -k {CLASS} {BOUND} web:app"), ("web.py", 3)),
        (
            {"function_app.py": HEAD, "host.json": '{"version": "2.0"}'},
            command(f"gunicorn --threads 8 --keep-alive 75 {BOUND} function_app:app"),
            ("function_app.py", 3),
        ),
        ({"shop/asgi.py": DJANGO.replace("wsgi", "asgi")}, command(f"{TWO} shop.asgi"), ("shop/asgi.py", 3)),
    ],
    "one-sync-worker": [
        ({"app.py": FLASK}, {}, (None, None)),
        ({"shop/wsgi.py": DJANGO}, {"tier": "I1v2"}, (None, None)),
        ({"web.py": FLASK}, command(f"gunicorn --timeout 60 {BOUND} web:app"), (None, None)),
    ],
    "startup-file-unused": [
        ({"app.py": FLASK, "startup.txt": f"gunicorn {BOUND} app:app\n"}, {}, ("startup.txt", None))
    ],
    "gunicorn-config-unread": [({"app.py": FLASK, "gunicorn.conf.py": "workers = 4\n"}, {}, ("gunicorn.conf.py", 1))],
    "port-not-bound": [
        ({"web.py": FLASK}, command("gunicorn --timeout 9 --bind 127.0.0.1:8000 web:app"), (None, None)),
        ({"web.py": FLASK}, command("gunicorn --timeout 9 -b 0.0.0.0:5000 web:app"), (None, None)),
        (UVICORN | {"web.py": FASTAPI}, command("uvicorn web:app"), (None, None)),
        (UVICORN | {"web.py": FASTAPI}, command("uvicorn web:app --host 0.0.0.0 --port 80"), (None, None)),
        (UVICORN | {"web.py": FASTAPI, "run.sh": "cd .\nuvicorn \\\n web:app\n"}, command("run.sh"), ("run.sh", 2)),
    ],
    "server-package-missing": [
        ({"web.py": FASTAPI}, command("uvicorn web:app --host 0.0.0.0 --port $PORT"), (None, None)),
        ({"web.py": FASTAPI}, command(f"gunicorn -k {CLASS} {BOUND} web:app"), (None, None)),
        ({"web.py": FASTAPI}, command("hypercorn -b 0.0.0.0:$PORT web:app", python_version="3.14"), (None, None)),
    ],
    "startup-setting-refused": [
        ({"app.py": FLASK}, {"named": ["PYTHON_ENABLE_GUNICORN_MULTIWORKERS=yes"]}, (None, None)),
        (
            {"app.py": FLASK, "s.json": '[\n {"name": "WEB_CONCURRENCY",\n  "value": "two"}\n]'},
            {"file": "s.json"},
            ("s.json", 2),
        ),
    ],
    "startup-setting-ignored": [
        ({"app.py": FLASK}, {"named": ["WEB_CONCURRENCY=4", "PYTHON_ENABLE_GUNICORN_MULTIWORKERS=1"]}, (None, None)),
        ({"app.py": FLASK}, {"named": ["PYTHON_GUNICORN_CUSTOM_THREAD_NUM=8"]}, (None, None)),
        ({"app.py": FLASK}, {"named": ["GUNICORN_CMD_ARGS=--workers 8"]}, (None, None)),
        ({"web.py": FLASK}, command(f"{TWO} web:app", named=["WEB_CONCURRENCY=4"]), (None, None)),
        (
            UVICORN | {"web.py": FASTAPI},
            command(f"uvicorn web:app {ON_PORT}", named=["GUNICORN_CMD_ARGS=--workers 8"]),
            (None, None),
        ),
        (
            {"web.py": FLASK, "s.json": '{\n "PYTHON_ENABLE_GUNICORN_MULTIWORKERS": true\n}'},
            command(f"{TWO} web:app", file="s.json"),
            ("s.json", 2),
        ),
    ],
    "threads-ignored": [
        (UVICORN | {"w.py": FASTAPI}, command(f"gunicorn -k {CLASS} --threads 8 {BOUND} w:app"), (None, None)),
        ({"w.py": FASTAPI}, command(f"gunicorn -k asgi --threads=8 {BOUND} w:app"), (None, None)),
    ],
    "startup-file-lines": [
        ({"w.py": FLASK, "s.txt": f"gunicorn -w 2 --timeout 9 \\\n {BOUND} w:app\n"}, command("s.txt"), ("s.txt", 2)),
        ({"w.py": FLASK, "s.txt": f"# start\ngunicorn {BOUND} w:app\n"}, command("s.txt"), ("s.txt", 1)),
        ({"w.py": FLASK, "s.txt": f"{TWO} w:app\r\n"}, command("s.txt"), ("s.txt", 1)),
    ],
    "startup-command-quotes": [
        ({"w.py": "def make():\n    return 1\n"}, command(f"{TWO} 'w:make()'"), (None, None)),
        ({"w.py": FLASK, "s.txt": f'{TWO} "w:app\n'}, command("s.txt"), ("s.txt", 1)),
    ],
    "worker-timeout-default": [({"w.py": FLASK}, command(f"gunicorn -w 4 {BOUND} w:app"), (None, None))],
    "worker-timeout-short": [
        ({"w.py": FLASK}, command(f"gunicorn --threads 8 -t1 {BOUND} w:app"), (None, None)),
        (UVICORN | {"w.py": FASTAPI}, command(f"gunicorn -k {CLASS} --timeout=1 {BOUND} w:app"), (None, None)),
        ({"w.py": FASTAPI, "s.txt": f"gunicorn -k asgi --timeout 1 {BOUND} w:app\n"}, command("s.txt"), ("s.txt", 1)),
        (
            {"w.py": FLASK, "s.json": '[\n {"name": "GUNICORN_CMD_ARGS", "value": "--timeout 1 --threads 4"}\n]'},
            command(f"gunicorn {BOUND} w:app", file="s.json"),
            ("s.json", 2),
        ),
        (
            {"w.py": FLASK, "gunicorn.conf.py": "bind = '0.0.0.0:8000'\nthreads = 4\ntimeout = 1\n"},
            command("gunicorn w:app"),
            ("gunicorn.conf.py", 3),
        ),
        (
            {"w.py": FLASK, "gunicorn.conf.py": "timeout = 60\n"},
            command(f"gunicorn --threads 4 --timeout 1 {BOUND} w:app"),
            (None, None),
        ),
        (
            {"w.py": FLASK, "conf/g.py": "timeout = 1\n"},
            command(f"gunicorn -c conf/g.py --threads 4 {BOUND} w:app"),
            ("conf/g.py", 1),
        ),
        (
            {"w.py": FLASK, "s.txt": f"GUNICORN_CMD_ARGS=--timeout=1 gunicorn --threads 4 {BOUND} w:app\n"},
            command("s.txt", named=["GUNICORN_CMD_ARGS=--timeout 60"]),
            ("s.txt", 1),
        ),
    ],
    "keep-alive-default": [
        (
            {"w.py": FLASK, "s.json": '{\n "GUNICORN_CMD_ARGS": "--keep-alive 1"\n}'},
            command(f"gunicorn --threads 8 {BOUND} w:app", file="s.json"),
            ("s.json", 2),
        ),
        ({"w.py": FLASK}, command(f"gunicorn --threads 8 {BOUND} w:app"), (None, None)),
        (UVICORN | {"w.py": FASTAPI}, command(f"gunicorn -k {CLASS} --keep-alive 2 {BOUND} w:app"), (None, None)),
    ],
}
FAULT_CASES = [(rule, number) for rule, cases in FAULTS.items() for number in range(len(cases))]


def read(root: Path, files: dict[str, str], given: dict[str, Any], run: RunEvidence | None = None) -> Diagnosis:
    """The diagnosis for App Service."""
    folder = deployed_folder(root, PACKAGES | files)
    options = dict(given)
    file = options.pop("file", None)
    places = given_places(options.pop("named", []), folder / file if file else None)
    app = inspect_app(folder, plan="app-service", options=AppServiceOptions(settings=places, **options), run=run)
    return diagnose(app, find_app_packages(folder.resolve()))


def of_plan(diagnosis: Diagnosis) -> list[Finding]:
    """The findings of the rules for App Service."""
    return [each for each in diagnosis.findings if each.rule in RULES_OF_PLAN]


@pytest.mark.parametrize(("rule", "number"), FAULT_CASES, ids=lambda each: str(each))
def test_fault_is_found_at_its_place_and_alone(rule: str, number: int, tmp_path: Path) -> None:
    files, given, place = FAULTS[rule][number]
    found = of_plan(read(tmp_path, files, given))
    assert [(each.file, each.line) for each in found if each.rule == rule] == [place]
    assert {each.rule for each in found} <= {rule} | NEVER_ALONE
    assert all(each.seen.endswith(".") and each.remedy.endswith(".") for each in found)


def test_every_rule_for_app_service_has_a_fault() -> None:
    assert set(FAULTS) == RULES_OF_PLAN


HEALTHY: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "flask": ({"app.py": FLASK}, {"named": ["WEB_CONCURRENCY=2"]}),
    "flask with threads": ({"app.py": FLASK}, {"named": [MANY, "PYTHON_GUNICORN_CUSTOM_THREAD_NUM=8"]}),
    "django": ({"shop/__init__.py": "", "shop/wsgi.py": DJANGO}, {"named": ["WEB_CONCURRENCY=2"]}),
    "fastapi on 3.14": ({"main.py": FASTAPI}, {"python_version": "3.14"}),
    "factory": ({"w.py": "def make():\n    return 1\n"}, command(f'{TWO} "w:make()"')),
    "class of the app": ({"w.py": OWN_CLASS}, command(f"{TWO} w:app")),
    "port by default": ({"w.py": FLASK}, command("gunicorn -w 2 --timeout 9 w:app")),
    "port of a setting": (
        {"w.py": FLASK},
        command("gunicorn -w 2 --timeout 9 -b 0.0.0.0:5000 w:app", named=["PORT=5000"]),
    ),
    "address without a port": ({"w.py": FLASK}, command("gunicorn -w 2 --timeout 600 --bind=0.0.0.0 w:app")),
    "port with a default": ({"w.py": FLASK}, command("gunicorn -w 2 --timeout 600 --bind=0.0.0.0:${PORT:-8000} w:app")),
    "time-out switched off": (
        {"w.py": FLASK},
        command(f"gunicorn --threads 8 --timeout 0 --keep-alive 75 {BOUND} w:app"),
    ),
    "short time-out of sync workers, which report twice in it": (
        {"w.py": FLASK},
        command(f"gunicorn -w 2 --timeout 1 {BOUND} w:app"),
    ),
    "chdir": ({"src/w.py": "import m\n" + FLASK, "src/m.py": ""}, command(f"{TWO} --chdir src w:app")),
    "cd": ({"src/w.py": FLASK}, command(f"cd src && gunicorn -w 2 --timeout 9 {BOUND} w:app")),
    "uvicorn on 3.14": ({"w.py": FASTAPI}, command(f"uvicorn w:app {ON_PORT}", python_version="3.14")),
    "uvicorn of fastapi's extra": (
        {"w.py": FASTAPI, "requirements.txt": "fastapi[standard]\n"},
        command(f"uvicorn w:app {ON_PORT}"),
    ),
    "module of a package": ({"w.py": "", "requirements.txt": "shop-web==1.0\n"}, command(f"{TWO} shop_web:app")),
    "names by a star": ({"app.py": "from web import *\n", "web.py": FLASK}, {"named": ["WEB_CONCURRENCY=2"]}),
    "configuration of one's own": (
        {"w.py": FLASK, "gunicorn.conf.py": "bind = '0.0.0.0:8000'\nworkers = 2\ntimeout = 60\n"},
        command("gunicorn w:app"),
    ),
    "configuration that is computed": (
        {
            "w.py": FLASK,
            "gunicorn.conf.py": "import os\nbind, workers = os.environ['B'], int(os.environ['WEB_CONCURRENCY'])\n"
            "timeout, worker_class = int(os.environ['T']), os.environ['C']\n",
        },
        command("gunicorn w:app", named=["WEB_CONCURRENCY=4"]),
    ),
    "flag that counts more than the configuration": (
        {"w.py": FLASK, "gunicorn.conf.py": "timeout = 1\nthreads = 4\nkeepalive = 75\n"},
        command(f"gunicorn --timeout 60 {BOUND} w:app"),
    ),
    "configuration that the platform's command reads": (
        {"app.py": FLASK, "gunicorn.conf.py": "workers = 4\n"},
        {"named": ["PYTHON_USE_GUNICORN_CONFIG_FROM_PATH=/home/site/wwwroot/gunicorn.conf.py"]},
    ),
    "configuration that is not in the folder": (
        {"w.py": FLASK},
        command("gunicorn -c /etc/gunicorn.py w:app"),
    ),
    "another program": ({"main.py": FLASK}, command("python main.py")),
    "function app": (
        {"function_app.py": HEAD, "host.json": '{"version": "2.0"}', "requirements.txt": "azure-functions\nfunctune\n"},
        command(f"gunicorn -k gthread --threads 16 --keep-alive 75 {BOUND} functune.wsgi:app"),
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_folder_has_no_finding_of_the_plan(name: str, tmp_path: Path) -> None:
    files, given = HEALTHY[name]
    assert of_plan(read(tmp_path, files, given)) == []


PROPOSED = re.compile(r"(?<=such as: )gunicorn .*?\b[\w.]+:\w+")
PROPOSING = [
    ("default-page", {"main.py": FLASK}),
    ("default-page", {"src/main.py": "import shop\n" + FLASK, "src/shop.py": ""}),
    ("default-page", {"app/__init__.py": "", "app/main.py": FASTAPI}),
    ("default-page", {"function_app.py": HEAD, "host.json": '{"version": "2.0"}'}),
    ("wrong-interface", {"app.py": FASTAPI}),
]


@pytest.mark.parametrize(("rule", "files"), PROPOSING, ids=[f"{rule} {list(files)[-1]}" for rule, files in PROPOSING])
def test_proposed_command_has_no_fault_itself(rule: str, files: dict[str, str], tmp_path: Path) -> None:
    (remedy,) = [each.remedy for each in read(tmp_path, files, {}).findings if each.rule == rule]
    proposed = PROPOSED.search(remedy)
    assert proposed is not None, remedy
    required = {"requirements.txt": PACKAGES["requirements.txt"] + "functune==1.0\n"}
    if "uvicorn-worker" in remedy:
        required["requirements.txt"] += "uvicorn-worker==0.4.0\n"
    assert of_plan(read(tmp_path, files | required, command(proposed[0]))) == []


def test_code_of_an_app_that_the_platform_does_not_find_is_read(tmp_path: Path) -> None:
    """The rules apply to the first module with an app; without one, the diagnosis says that nothing was read."""
    wait = FASTAPI + "\n\n@app.get('')\nasync def wait():\n    time.sleep(1)\n"
    files = {"requirements.txt": "fastapi==0.121.0\n", "web/__init__.py": "", "web/main.py": f"import time\n{wait}"}
    found = read(tmp_path, files, {})
    assert [(each.rule, each.file, each.line) for each in found.findings] == [
        ("default-page", None, None),
        ("blocking-call", "web/main.py", 9),
    ]
    empty = read(tmp_path / "empty", {}, {})
    assert any(note.startswith("No code was read") for note in empty.notes)
    assert [each.rule for each in empty.findings] == ["default-page"]


@pytest.mark.parametrize(
    ("started", "said"),
    [
        ("gunicorn -w 2 -k gevent web:app", "each serves many calls at a time, in greenlets"),
        ("gunicorn -w 2 -k asgi web:app", "each serves many async calls at a time"),
        ("uvicorn --workers 2 web:app", "each serves many async calls at a time"),
        ("gunicorn -w 2 -c conf.py web:app", "the command does not show how many calls each serves at a time"),
        ("gunicorn -w 2 -k shop.Worker web:app", "the command does not show how many calls each serves at a time"),
        ("gunicorn --threads 4 web:app", "1 gthread worker with 4 threads: 4 requests at a time"),
        ("gunicorn -w 2 --threads 4 web:app", "2 gthread workers with 4 threads each: 8 requests at a time"),
    ],
)
def test_calls_of_a_worker_are_said_as_far_as_the_command_shows_them(started: str, said: str, tmp_path: Path) -> None:
    found = read(tmp_path, {"web.py": FLASK}, command(started)).app_service
    assert found is not None
    assert said in found.workers


@pytest.mark.parametrize(
    ("given", "how"),
    [
        ({}, ", the default of the platform."),
        ({"named": ["WEB_CONCURRENCY=1"]}, "."),
        ({"named": [MANY, "PYTHON_GUNICORN_CUSTOM_WORKER_NUM=1"]}, "."),
        (command("gunicorn --timeout 60 app:app"), ", the default of Gunicorn."),
        (command("gunicorn --timeout 60 -w 1 app:app"), "."),
    ],
)
def test_one_worker_is_called_a_default_where_nothing_asks_for_it(
    given: dict[str, Any], how: str, tmp_path: Path
) -> None:
    found = [each.seen for each in read(tmp_path, {"app.py": FLASK}, given).findings if each.rule == "one-sync-worker"]
    assert found == [f"One sync worker with one thread runs the app{how}"]


def test_workers_that_do_not_fit_the_tier(tmp_path: Path) -> None:
    """A worker of 700 MB: two fit 1792 MB, three do not."""
    run = RunEvidence(limits=(), memory=WorkerMemory(worker_mb=700.0, setting="1 process"))
    for workers, rules in ((2, []), (3, ["memory"])):
        given = {"tier": "B1", "named": [f"WEB_CONCURRENCY={workers}"]}
        found = read(tmp_path, {"app.py": FLASK}, given, run).findings
        assert [each.rule for each in found if each.severity == "error"] == rules
    assert "3 processes need 2,100 MB, and an instance has 1792 MB" in found[0].seen


def test_code_of_a_web_app_is_checked_and_rules_for_function_apps_are_not(tmp_path: Path) -> None:
    blocking = FASTAPI + '\n\n@app.get("/x")\nasync def wait():\n    import time\n    time.sleep(1)\n'
    diagnosis = read(tmp_path, {"src/web.py": blocking}, command(f"gunicorn -k asgi {BOUND} --chdir src web:app"))
    assert [(each.rule, each.file, each.line) for each in diagnosis.findings if each.severity == "error"] == [
        ("blocking-call", "src/web.py", 9)
    ]
    assert {"host-json-missing", "process-count"}.isdisjoint(diagnosis.checked)


def test_template_gives_command_python_and_settings(tmp_path: Path) -> None:
    template = """
param python string = '3.14'
param workers int
var site = {
  linuxFxVersion: 'PYTHON|${python}'
  appCommandLine: trim(loadTextContent('../start/startup.txt'))
  appSettings: [
    { name: 'WEB_CONCURRENCY', value: string(workers) }
    { name: 'PYTHON_ENABLE_GUNICORN_MULTIWORKERS', value: 'true' }
  ]
}
"""
    files = {"infra/main.bicep": template, "start/startup.txt": "gunicorn -k asgi web:app\n", "web.py": FASTAPI}
    diagnosis = read(tmp_path, files, {})
    assert diagnosis.app_service is not None
    start = diagnosis.app_service.start
    assert (start.step, start.target, start.file, start.line) == ("own command", "web:app", "start/startup.txt", 1)
    assert (diagnosis.app_service.python, diagnosis.app_service.python_said_by) == ("3.14", "infra/main.bicep")
    ignored = [(each.file, each.line) for each in diagnosis.findings if each.rule == "startup-setting-ignored"]
    assert ignored == [("infra/main.bicep", 9)]
    assert any("infra/main.bicep computes WEB_CONCURRENCY" in note for note in diagnosis.notes)


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"runtime.txt": "python-3.14.2\n"}, "3.14"),
        ({".python-version": "3.12\n"}, "3.12"),
        ({".python-version": "pypy\n"}, "3.13"),
    ],
)
def test_python_version_is_that_of_a_file_else_of_the_packages(
    files: dict[str, str], version: str, tmp_path: Path
) -> None:
    diagnosis = read(tmp_path, {"app.py": FLASK, **files}, {})
    assert diagnosis.app_service is not None
    assert diagnosis.app_service.python == version


def test_every_form_has_the_command_and_none_has_a_secret(tmp_path: Path) -> None:
    given = command(
        f"DATABASE=secret-1 gunicorn -w 3 {BOUND} app:app", named=["API_KEY=secret-2", "WEB_CONCURRENCY=secret-3"]
    )
    diagnosis = read(tmp_path, {"app.py": FLASK}, given)
    for name, form in DIAGNOSIS_FORMS.items():
        text = form(diagnosis, "error")
        shown = (
            json.dumps("gunicorn -w 3 --bind 0.0.0.0:$PORT app:app")[1:-1]
            if name in ("json", "sarif")
            else "gunicorn -w 3"
        )
        assert shown in text, name
        assert "secret-1" not in text
        assert "secret-2" not in text
    assert "DATABASE=… gunicorn" in DIAGNOSIS_FORMS["text"](diagnosis, "error")


@pytest.mark.parametrize(
    ("named", "text", "said"),
    [
        (["WEB_CONCURRENCY"], None, "--setting 'WEB_CONCURRENCY': it takes NAME=VALUE"),
        ([], "workers", "s.json: it is not JSON; name a file with the JSON that `az webapp config appsettings list`"),
        ([], '["WEB_CONCURRENCY"]', "s.json: it takes the JSON that"),
    ],
)
def test_settings_of_another_form_are_refused(named: list[str], text: str | None, said: str, tmp_path: Path) -> None:
    file = None if text is None else tmp_path / "s.json"
    if file is not None and text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        given_places(named, file)
