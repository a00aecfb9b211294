"""
A start-up command of one's own: a command, or a file of the app that contains it.

Source for files: init_container.sh of Azure-App-Service/ImageBuilder (2024-03), the entry point of the image. It runs a
file whose name ends in ``.sh`` as a script; of any other file it takes the first line as the command.
"""

import posixpath
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from functune.app_service.deployment import Deployment
from functune.app_service.generated import APP_FOLDER, GUNICORN_ARGUMENTS, WEB_CONCURRENCY, generated_counts
from functune.app_service.gunicorn_config import shown_flags
from functune.app_service.server_command import ServerCommand, expanded, server_command, with_arguments
from functune.app_service.server_programs import GREENLET_CLASSES

GUNICORN_CONFIG = "gunicorn.conf.py"
"""Gunicorn reads it from the working directory where no other file is named."""


class OwnCommand(NamedTuple):
    """The command, and where it is."""

    text: str
    server: ServerCommand | None
    """The server that it starts, with the flags of GUNICORN_CMD_ARGS; None where it starts none that is known here."""
    reason: str
    """The reason why it runs, as a sentence."""
    file: str | None = None
    """Relative to the folder."""
    line: int | None = None


def own_command(deployed: Deployment) -> OwnCommand | None:
    """The start-up command; None where none is set."""
    given = deployed.command.strip()
    if not given:
        return None
    file = command_file(deployed)
    if file is None:
        return OwnCommand(given, _server(given, deployed), "A start-up command is set.")
    name = file.relative_to(deployed.folder.resolve()).as_posix()
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    if name.endswith(".sh"):
        line, said = script_server_line(text)
        return OwnCommand(given, _server(said, deployed), f"The start-up command is the script {name}.", name, line)
    first = text.partition("\n")[0].strip()
    reason = f"The first line of {name} is the start-up command."
    return OwnCommand(first, _server(first, deployed), reason, name, 1)


def _server(text: str, deployed: Deployment) -> ServerCommand | None:
    server = server_command(text)
    if server is None:
        return None
    arguments = server.variables.get(GUNICORN_ARGUMENTS) or deployed.settings.get(GUNICORN_ARGUMENTS, "")
    variables = {**deployed.settings, **server.variables}
    return expanded(with_config(with_arguments(server, arguments), deployed.folder), variables, cores=deployed.cores)


def with_config(server: ServerCommand, folder: Path) -> ServerCommand:
    """The command with the flags of Gunicorn's configuration file, which count less than all others."""
    written = server.flags.get("--config", GUNICORN_CONFIG)
    if server.program != "gunicorn":
        return server
    file = path_in_app(folder, posixpath.join(server.folder, written))
    if file is None or not file.is_file():
        return replace(server, may_have_more="--config" in server.flags)
    shown = shown_flags(file)
    if shown is None:
        return replace(server, may_have_more=True)
    return replace(
        server,
        flags={**shown.values, **server.flags},
        config_file=file.relative_to(folder).as_posix(),
        config_lines={flag: line for flag, line in shown.lines.items() if flag not in server.flags},
    )


def path_in_app(root: Path, written: str) -> Path | None:
    """The path that a text of the command means; None where it lies outside of the app, or a shell computes it."""
    inside = written.replace("$APP_PATH", APP_FOLDER).replace("${APP_PATH}", APP_FOLDER)
    path = posixpath.normpath(posixpath.join(APP_FOLDER, inside))
    if "$" in path or not (path == APP_FOLDER or path.startswith(f"{APP_FOLDER}/")):
        return None
    return root / path.removeprefix(APP_FOLDER).lstrip("/")


def command_file(deployed: Deployment) -> Path | None:
    """The file that the start-up command names; None where it is a command itself."""
    name = deployed.command.strip().removeprefix(f"{APP_FOLDER}/")
    file = (deployed.folder / name).resolve()
    if not name or len(name.split()) > 1 or not file.is_relative_to(deployed.folder.resolve()):
        return None
    return file if file.is_file() else None


def script_server_line(text: str) -> tuple[int, str]:
    """The number of the last line that starts a server, and the commands up to it; 1 and nothing where none does."""
    found, commands, start = (1, ""), "", 1
    joined = ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start if joined else number
        joined += line.removesuffix("\\")
        if line.endswith("\\"):
            continue
        if not joined.lstrip().startswith("#"):
            commands += f"{joined};"
            found = (start, commands) if server_command(joined) is not None else found
        joined = ""
    return found


def own_counts(deployed: Deployment, server: ServerCommand) -> tuple[int | None, int | None]:
    """
    Workers and threads, as far as the command shows them.

    Raises RefusedSettingError for a WEB_CONCURRENCY that ends the start.
    """
    if server.program not in ("gunicorn", "uvicorn"):
        return None, None
    given = server.variables.get(WEB_CONCURRENCY) or deployed.settings.get(WEB_CONCURRENCY, "")
    default = generated_counts({WEB_CONCURRENCY: given}, cores=1).workers
    workers = server.number("--workers")
    if workers is None and "--workers" not in server.flags and not server.may_have_more:
        workers = default
    if server.interface != "wsgi" or server.worker_class in GREENLET_CLASSES:
        return workers, None
    threads = server.number("--threads")
    is_default = threads is None and "--threads" not in server.flags and not server.may_have_more
    return workers, 1 if is_default else threads
