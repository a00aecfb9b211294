"""
Which app App Service starts for a folder, and the command that it generates.

Source: microsoft/Oryx, startupscriptgenerator/src/python (scriptgenerator.go, frameworks.go), as of 2026-08-06. The
steps are tried in the order of ``STEPS``, and the first that applies decides.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from functune.errors import SettingsError

type StartupStep = Literal["own command", "Django", "FastAPI", "Flask", "default site"]

MULTIWORKERS = "PYTHON_ENABLE_GUNICORN_MULTIWORKERS"
WORKER_NUMBER = "PYTHON_GUNICORN_CUSTOM_WORKER_NUM"
THREAD_NUMBER = "PYTHON_GUNICORN_CUSTOM_THREAD_NUM"
NO_FASTAPI = "DISABLE_FASTAPI_DETECTION"
CONFIG_FROM_PATH = "PYTHON_USE_GUNICORN_CONFIG_FROM_PATH"
WEB_CONCURRENCY = "WEB_CONCURRENCY"
FASTAPI_FROM = (3, 14)
"""The first Python version whose images detect FastAPI, and contain Uvicorn (Oryx PR 2904)."""
FASTAPI_MODULES = ("main", "app", "application", "server", "asgi", "api", "index", "run")
FLASK_MODULES = ("application", "app", "run", "index", "server", "wsgi")
APP_FOLDER = "/home/site/wwwroot"
"""Where the app is when it is not built into another folder."""
_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}
"""What Go's strconv.ParseBool reads."""
_IMPORTS = r"^\s*(?:import\s+{0}\b|from\s+{0}\b)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A folder as it is deployed, and what is set for the app."""

    folder: Path
    python: tuple[int, int] = (3, 13)
    """Major and minor version of the runtime stack."""
    command: str | None = None
    """The start-up command, or the name of a file in the folder that contains one; None or empty for none."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """The app settings."""
    cores: int = 1
    """Of the instance."""


class Startup(NamedTuple):
    """What the platform starts."""

    step: StartupStep
    target: str
    """The application as ``module:attribute``; the command for an own command; the folder of the default site."""
    command: str
    """The whole command that runs."""
    reason: str
    """The reason why this step applies, as a sentence."""
    worker_count: int | None
    """Gunicorn's workers; None for a command of one's own and for the default site."""
    thread_count: int | None


def app_service_startup(deployed: Deployment) -> Startup:
    """What the platform starts. Raises SettingsError for an app setting that ends the start."""
    return next(found for step in STEPS if (found := step(deployed)) is not None)


def _own_command(deployed: Deployment) -> Startup | None:
    given = (deployed.command or "").strip()
    if not given:
        return None
    file = deployed.folder / given
    if re.fullmatch(r"[\w.-]+", given) and file.is_file():
        text = file.read_text(encoding="utf-8", errors="replace").strip()
        return Startup("own command", text, text, f"The start-up command is in the file {given}.", None, None)
    return Startup("own command", given, given, "A start-up command is set.", None, None)


def _django(deployed: Deployment) -> Startup | None:
    folders = sorted(each for each in deployed.folder.iterdir() if each.is_dir() and not _is_environment(each))
    for folder in folders:
        if (folder / "wsgi.py").is_file():
            return _generated(
                deployed, "Django", f"{folder.name}.wsgi", f"{folder.name}/wsgi.py makes it a Django app."
            )
    return None


def _fastapi(deployed: Deployment) -> Startup | None:
    if deployed.python < FASTAPI_FROM or deployed.settings.get(NO_FASTAPI, "").lower() == "true":
        return None
    for module in FASTAPI_MODULES:
        file = deployed.folder / f"{module}.py"
        if file.is_file() and imports(file, "fastapi") and not imports(file, "flask"):
            return _generated(deployed, "FastAPI", f"{module}:app", f"{module}.py imports fastapi and not flask.")
    return None


def _flask(deployed: Deployment) -> Startup | None:
    for module in FLASK_MODULES:
        if (deployed.folder / f"{module}.py").is_file():
            return _generated(deployed, "Flask", f"{module}:app", f"{module}.py is one of the names taken for Flask.")
    return None


def _default_site(deployed: Deployment) -> Startup:
    site = "/opt/defaultsite"
    command = f"gunicorn --chdir {site} application:app"
    return Startup("default site", site, command, "No file has a name that the platform looks for.", None, None)


STEPS: tuple[Callable[[Deployment], Startup | None], ...] = (_own_command, _django, _fastapi, _flask, _default_site)


def _generated(deployed: Deployment, step: StartupStep, target: str, reason: str) -> Startup:
    workers, threads = gunicorn_counts(deployed.settings, deployed.cores)
    arguments = ["--timeout 600", "--access-logfile '-'", "--error-logfile '-'"]
    if config := deployed.settings.get(CONFIG_FROM_PATH):
        arguments.append(f"-c {shlex.quote(config)}")
    if is_multiworker(deployed.settings):
        arguments.append(f"--workers={workers}")
        arguments += [] if threads == 1 else [f"--threads={threads}"]
    arguments += ["--bind=0.0.0.0:$PORT", f"--chdir={APP_FOLDER}"]
    worker_class = "-k uvicorn_worker.UvicornWorker " if step == "FastAPI" else ""
    command = f'GUNICORN_CMD_ARGS="{" ".join(arguments)}" gunicorn {worker_class}{target}'
    return Startup(step, target, command, reason, workers, threads)


def gunicorn_counts(settings: Mapping[str, str], cores: int) -> tuple[int, int]:
    """
    Gunicorn's workers and threads under the generated command.

    One of each, or as many workers as WEB_CONCURRENCY says. With the multiworker flag that variable counts no more, and
    the workers are 2 x cores + 1 unless a number is set. Raises SettingsError for a text that ends the start.
    """
    if not is_multiworker(settings):
        return _count(settings, WEB_CONCURRENCY, 1), 1
    return _count(settings, WORKER_NUMBER, 2 * cores + 1), _count(settings, THREAD_NUMBER, 1)


def is_multiworker(settings: Mapping[str, str]) -> bool:
    """Whether the multiworker flag is on. Raises SettingsError for a text that the platform cannot read."""
    text = settings.get(MULTIWORKERS, "")
    if text and text not in _TRUE | _FALSE:
        raise SettingsError(f"{MULTIWORKERS} is '{text}', which ends the start of the app; allowed are true and false")
    return text in _TRUE


def _count(settings: Mapping[str, str], name: str, default: int) -> int:
    text = settings.get(name, "")
    if not text:
        return default
    if not text.strip().isdecimal() or int(text) < 1:
        raise SettingsError(f"{name} is '{text}'; it takes a whole number from 1")
    return int(text)


def imports(file: Path, package: str) -> bool:
    """Whether the text of a Python file imports a package, as the platform's script searches for it."""
    return re.search(_IMPORTS.format(package), file.read_text("utf-8", "replace"), re.MULTILINE) is not None


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").is_file() or (folder / "bin" / "activate").is_file()
