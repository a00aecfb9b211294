"""The faults of a start on App Service that the folder and the command show before anything is deployed."""

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from functune.app_service.startup import (
    MULTIWORKERS,
    WEB_CONCURRENCY,
    Deployment,
    Startup,
    app_service_startup,
    is_multiworker,
)

_DEPENDENCIES = ("requirements.txt", "pyproject.toml", "setup.py")
"""The files from which the build installs packages."""
_ASGI_CLASSES = {"FastAPI", "Starlette", "Quart", "Litestar", "Sanic"}
_ASGI_WORKERS = ("asgi", "uvicorn_worker", "uvicorn.workers", "UvicornWorker")
_TARGET = re.compile(r"[\w.]+:\w[\w.]*(?:\(.*\))?\Z")
_FOLLOWED = 5
"""Modules through which an imported application is followed."""


class StartupFault(NamedTuple):
    """One fault."""

    rule: str
    file: str
    """Relative to the folder; empty for a fault of the command or of the settings."""
    line: int
    """0 where no line is at fault."""
    problem: str
    remedy: str


class Definition(NamedTuple):
    """Where a name of a module gets its value."""

    file: Path
    line: int
    made_by: str
    """The class or function that is called for it; empty where it is something else."""


def startup_faults(deployed: Deployment) -> list[StartupFault]:
    """All faults. Raises SettingsError for an app setting that ends the start."""
    startup = app_service_startup(deployed)
    return [fault for rule in STARTUP_RULES for fault in rule(deployed, startup)]


def _missing_dependencies(deployed: Deployment, startup: Startup) -> Iterator[StartupFault]:
    if startup.step != "default site" and not any((deployed.folder / name).is_file() for name in _DEPENDENCIES):
        yield StartupFault(
            "no-dependencies",
            "",
            0,
            f"none of {', '.join(_DEPENDENCIES)} is in the folder, so the build installs no package",
            "add requirements.txt with the packages of the app",
        )


def _default_site(deployed: Deployment, startup: Startup) -> Iterator[StartupFault]:
    if startup.step == "default site":
        yield StartupFault(
            "default-site",
            "",
            0,
            "the platform finds no app in the folder and starts its default page",
            "set a start-up command, for example: gunicorn --bind 0.0.0.0:$PORT src.app:app",
        )


def _wrong_target(deployed: Deployment, startup: Startup) -> Iterator[StartupFault]:
    """A module that is not there, or lacks the application."""
    target, root = command_target(startup.command), deployed.folder / chdir_of(startup.command)
    if target is None or startup.step == "default site":
        return
    module, _, attribute = target.partition(":")
    attribute = attribute.partition("(")[0] or "application"
    file = module_file(root, module)
    if file is None:
        yield StartupFault(
            "module-not-found", "", 0, f"{target}: there is no module {module} in {root}", _target_remedy(deployed)
        )
    elif definition_of(file, attribute, root) is None:
        shown = str(file.relative_to(deployed.folder))
        yield StartupFault(
            "application-not-found",
            shown,
            1,
            f"{target}: {shown} does not define {attribute}",
            f"name the application {attribute}, or set a start-up command that names it",
        )


def _target_remedy(deployed: Deployment) -> str:
    found = sorted(
        file.relative_to(deployed.folder).with_suffix("").as_posix().replace("/", ".")
        for pattern in ("*.py", "*/*.py")
        for file in deployed.folder.glob(pattern)
        if definition_of(file, "app", deployed.folder) is not None and "site-packages" not in file.parts
    )
    return f"modules that define app: {', '.join(found)}" if found else "give the path as package.module:application"


def _asgi_under_wsgi(deployed: Deployment, startup: Startup) -> Iterator[StartupFault]:
    """An ASGI application on workers that call it as a WSGI application."""
    target = command_target(startup.command)
    if target is None or startup.step == "default site" or any(name in startup.command for name in _ASGI_WORKERS):
        return
    if not _runs_gunicorn(startup.command):
        return
    module, _, attribute = target.partition(":")
    file = module_file(deployed.folder / chdir_of(startup.command), module)
    made = file and definition_of(file, attribute.partition("(")[0] or "application", deployed.folder)
    if made and made.made_by in _ASGI_CLASSES:
        yield StartupFault(
            "asgi-on-sync-workers",
            str(made.file.relative_to(deployed.folder)),
            made.line,
            f"{target} is an ASGI app ({made.made_by}), and the command runs it on workers for WSGI apps, which answer "
            "every request with 500",
            f"set the start-up command: gunicorn -k uvicorn_worker.UvicornWorker --bind 0.0.0.0:$PORT {target}, with "
            "uvicorn-worker in requirements.txt",
        )


def _unbound_port(deployed: Deployment, startup: Startup) -> Iterator[StartupFault]:
    if startup.step != "own command" or not (_runs_gunicorn(startup.command) or "uvicorn" in startup.command):
        return
    words = startup.command
    if (
        re.search(r"(?:--bind|-b|--port)[ =]?\S*(?:\$\{?PORT|:80\b|:8000\b|8000\b)", words)
        or "GUNICORN_CMD_ARGS" in words
    ):
        return
    yield StartupFault(
        "port-not-bound",
        "",
        0,
        f"`{words}` does not listen on 0.0.0.0:$PORT: the platform adds nothing to a command of one's own",
        "add --bind 0.0.0.0:$PORT (Gunicorn) or --host 0.0.0.0 --port $PORT (Uvicorn)",
    )


def _ignored_settings(deployed: Deployment, startup: Startup) -> Iterator[StartupFault]:
    """Settings that cancel each other."""
    if startup.step == "own command":
        for name in sorted(deployed.settings):
            if name == MULTIWORKERS or name.startswith("PYTHON_GUNICORN_CUSTOM_"):
                yield StartupFault(
                    "setting-ignored",
                    "",
                    0,
                    f"{name} does nothing next to a start-up command of one's own",
                    "give --workers and --threads in the command, or remove the setting",
                )
    elif WEB_CONCURRENCY in deployed.settings and is_multiworker(deployed.settings):
        yield StartupFault(
            "setting-ignored",
            "",
            0,
            f"{WEB_CONCURRENCY} does nothing while {MULTIWORKERS} is on",
            "keep one of the two",
        )


def _ineffective_threads(deployed: Deployment, startup: Startup) -> Iterator[StartupFault]:
    has_threads = re.search(r"--threads[ =](?:[2-9]|[1-9]\d+)\b", startup.command)
    if has_threads and any(name in startup.command for name in _ASGI_WORKERS):
        yield StartupFault(
            "threads-ignored",
            "",
            0,
            "--threads does nothing with workers for ASGI apps",
            "remove it; def endpoints of FastAPI run on the 40 threads of anyio",
        )


STARTUP_RULES: tuple[Callable[[Deployment, Startup], Iterator[StartupFault]], ...] = (
    _default_site,
    _missing_dependencies,
    _wrong_target,
    _asgi_under_wsgi,
    _unbound_port,
    _ignored_settings,
    _ineffective_threads,
)


def command_target(command: str) -> str | None:
    """The application that a command of Gunicorn or Uvicorn names; None where it names none."""
    words = _words(command)
    if not any(word.rpartition("/")[2] in ("gunicorn", "uvicorn") for word in words):
        return None
    named = [word for word in words if _TARGET.match(word) and not word.startswith("0.0.0.0")]
    dotted = [word for word in words[-1:] if re.fullmatch(r"\w+(?:\.\w+)+", word)]
    return next(iter([*named[-1:], *dotted]), None)


def chdir_of(command: str) -> str:
    """The folder of ``--chdir``, relative to that of the app; ``.`` where there is none, or it is that of the app."""
    words = _words(command)
    for place, word in enumerate(words):
        folder = word.partition("=")[2] if word.startswith("--chdir=") else None
        if word == "--chdir" and place + 1 < len(words):
            folder = words[place + 1]
        if folder and not folder.startswith("/"):
            return folder
    return "."


def module_file(root: Path, module: str) -> Path | None:
    """The file of a module below a folder; None where there is none."""
    path = root.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def definition_of(file: Path, name: str, root: Path, depth: int = 0) -> Definition | None:
    """Where a name at the top level of a file gets its value, through imports of modules below ``root``."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return None
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(each, ast.Name) and each.id == name for each in targets):
                return Definition(file, node.lineno, _called(node.value))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return Definition(file, node.lineno, "")
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _imported(node, alias.name, file, root, depth) or Definition(file, node.lineno, "")
    return None


def _imported(node: ast.ImportFrom, name: str, file: Path, root: Path, depth: int) -> Definition | None:
    start = file.parents[node.level - 1] if node.level else root
    found = module_file(start, node.module) if node.module else None
    return definition_of(found, name, root, depth + 1) if found is not None and depth < _FOLLOWED else None


def _called(value: ast.expr | None) -> str:
    match value:
        case ast.Call(func=ast.Name(id=name)):
            return name
        case ast.Call(func=ast.Attribute(attr=name)):
            return name
    return ""


def _runs_gunicorn(command: str) -> bool:
    return any(word.rpartition("/")[2] == "gunicorn" for word in _words(command))


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # an unclosed quote: the shell of the platform will refuse it too
        return command.split()
