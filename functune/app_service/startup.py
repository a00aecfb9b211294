"""
What App Service starts for a folder.

Source: microsoft/Oryx, startupscriptgenerator/src/python (scriptgenerator.go, frameworks.go), as of 2026-08-06. The
steps are tried in the order of STEPS, and the first that applies decides.
"""

import shlex
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from functune.app_service.deployment import Deployment
from functune.app_service.generated import (
    APP_FOLDER,
    CONFIG_FROM_PATH,
    GUNICORN_ARGUMENTS,
    MULTIWORKERS,
    NO_FASTAPI,
    UVICORN_WORKER_CLASS,
    generated_arguments,
    generated_counts,
    read_flag,
)
from functune.app_service.gunicorn_config import shown_flags
from functune.app_service.own_command import own_command, own_counts, path_in_app
from functune.app_service.server_command import whole_number
from functune.app_service.server_programs import ASGI_CLASSES

type StartupStep = Literal["own command", "Django", "FastAPI", "Flask", "default page"]

FASTAPI_FROM = (3, 14)
"""The first Python version whose images detect FastAPI, and contain Uvicorn (Oryx PR 2904)."""
FASTAPI_MODULES = ("main", "app", "application", "server", "asgi", "api", "index", "run")
FLASK_MODULES = ("application", "app", "run", "index", "server", "wsgi")
PLATFORM_ENVIRONMENT = "antenv"
"""The one folder in which the platform does not look for Django: its own virtual environment."""
DEFAULT_PAGE = "/opt/defaultsite"
_COUNT_FLAGS = ("--workers", "--threads")


class StepTried(msgspec.Struct, frozen=True, kw_only=True):
    """A step that does not apply."""

    step: StartupStep
    reason: str
    """A sentence."""


class StartDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform starts."""

    step: StartupStep
    reason: str
    """The reason why this step applies, as a sentence."""
    tried: tuple[StepTried, ...] = ()
    """The steps before it."""
    command: str
    """The command that runs, as the platform writes it into its script."""
    target: str | None
    """The application, such as ``app:app``; None where the command names none that is known here."""
    server: str | None
    """The program that serves it; None where it is not known here."""
    worker_class: str | None = None
    """Of Gunicorn."""
    worker_count: int | None = None
    """None where the command leaves it to a shell or a configuration file."""
    thread_count: int | None = None
    """Of each worker; None where it is not known, or the workers run an event loop or greenlets."""
    file: str | None = None
    """The file with the command, relative to the folder, where it is in one."""
    line: int | None = None


def start_decision(deployed: Deployment) -> StartDecision:
    """What the platform starts. Raises RefusedSettingError for an app setting that ends the start."""
    tried: list[StepTried] = []
    for name, step in STEPS.items():
        match step(deployed):
            case StartDecision() as found:
                return msgspec.structs.replace(found, tried=tuple(tried))
            case reason:
                tried.append(StepTried(step=name, reason=reason))
    raise AssertionError("the last step applies to every folder")


def _own_command(deployed: Deployment) -> StartDecision | str:
    own = own_command(deployed)
    if own is None:
        return "No start-up command is set."
    server = own.server
    workers, threads = (None, None) if server is None else own_counts(deployed, server)
    return StartDecision(
        step="own command",
        reason=own.reason,
        command=f'PATH="$PATH:{APP_FOLDER}" {own.text}',
        target=None if server is None else server.target,
        server=None if server is None else server.program,
        worker_class=None if server is None else server.worker_class,
        worker_count=workers,
        thread_count=threads,
        file=own.file,
        line=own.line,
    )


def _django(deployed: Deployment) -> StartDecision | str:
    folders = sorted(each for each in deployed.folder.iterdir() if each.is_dir() and not each.is_symlink())
    for each in folders:
        if each.name != PLATFORM_ENVIRONMENT and (each / "wsgi.py").is_file():
            return _generated(deployed, "Django", f"{each.name}.wsgi", f"The folder {each.name} contains wsgi.py.")
    return "No folder in the folder of the app contains wsgi.py."


def _fastapi(deployed: Deployment) -> StartDecision | str:
    if deployed.python < FASTAPI_FROM:
        return "The platform looks for FastAPI from Python 3.14 on."
    if read_flag(deployed.settings, NO_FASTAPI):
        return f"{NO_FASTAPI} is on."
    for module in FASTAPI_MODULES:
        file = deployed.folder / f"{module}.py"
        text = file.read_text("utf-8", "replace") if file.is_file() else ""
        if ("from fastapi" in text or "import fastapi" in text) and "from flask" not in text:
            reason = f"{module}.py contains the text of an import of fastapi, and none of `from flask`."
            return _generated(deployed, "FastAPI", f"{module}:app", reason)
    names = ", ".join(f"{each}.py" for each in FASTAPI_MODULES)
    return f"None of {names} imports fastapi itself, without `from flask`."


def _flask(deployed: Deployment) -> StartDecision | str:
    for module in FLASK_MODULES:
        if (deployed.folder / f"{module}.py").is_file():
            reason = f"{module}.py is one of the names that are taken for Flask, whatever it contains."
            return _generated(deployed, "Flask", f"{module}:app", reason)
    return f"There is none of {', '.join(f'{each}.py' for each in FLASK_MODULES)}."


def _default_page(deployed: Deployment) -> StartDecision | str:
    return _generated(deployed, "default page", "application:app", "No file has a name that the platform looks for.")


STEPS: Mapping[StartupStep, Callable[[Deployment], StartDecision | str]] = {
    "own command": _own_command,
    "Django": _django,
    "FastAPI": _fastapi,
    "Flask": _flask,
    "default page": _default_page,
}
"""Each gives the decision, or the reason why it does not apply."""


def _generated(deployed: Deployment, step: StartupStep, target: str, reason: str) -> StartDecision:
    folder = DEFAULT_PAGE if step == "default page" else APP_FOLDER
    arguments = " ".join(generated_arguments(deployed.settings, cores=deployed.cores, folder=folder))
    workers, threads = _counts(deployed)
    named = UVICORN_WORKER_CLASS if step == "FastAPI" else "gthread" if (threads or 1) > 1 else "sync"
    return StartDecision(
        step=step,
        reason=reason,
        command=f'{GUNICORN_ARGUMENTS}="{arguments}" {shlex.join(gunicorn_words(step, target))}',
        target=target,
        server="gunicorn",
        worker_class=named,
        worker_count=workers,
        thread_count=None if named in ASGI_CLASSES else threads,
    )


def _counts(deployed: Deployment) -> tuple[int | None, int | None]:
    """Workers and threads of the generated command; None where a configuration file of the app hides them."""
    counts = generated_counts(deployed.settings, deployed.cores)
    named = deployed.settings.get(CONFIG_FROM_PATH)
    if read_flag(deployed.settings, MULTIWORKERS) or not named:
        return counts
    file = path_in_app(deployed.folder, named)
    shown = None if file is None else shown_flags(file)
    if shown is None:
        return None, None
    workers, threads = (
        shown.values.get(flag, str(default)) for flag, default in zip(_COUNT_FLAGS, counts, strict=True)
    )
    return whole_number(workers), whole_number(threads)


def gunicorn_words(step: StartupStep, target: str) -> list[str]:
    """The command of a step, without GUNICORN_CMD_ARGS."""
    return ["gunicorn", *(["-k", UVICORN_WORKER_CLASS] if step == "FastAPI" else []), target]
