"""App Service: the start-up command of one's own."""

import shlex
from collections.abc import Iterator

import msgspec

from functune.app_service.generated import GUNICORN_ARGUMENTS
from functune.app_service.own_command import command_file
from functune.app_service.server_command import ServerCommand, host_and_port
from functune.app_service.startup import FASTAPI_FROM
from functune.doctor.reading.app_service import AppServiceReading
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.app_service_places import OwnServer, at_command, at_flag, own_server
from functune.doctor.rules.requirements import has_other_packages

_ANYWHERE = ("0.0.0.0", "", "*", "[::]", "::")
_CLASS_PACKAGES = {
    "uvicorn_worker": "uvicorn-worker",
    "uvicorn": "uvicorn",
    "gevent": "gevent",
    "eventlet": "eventlet",
    "tornado": "tornado",
    "aiohttp": "aiohttp",
}
"""The distribution of a worker class, by the first part of its name."""
_BRINGS = {"uvicorn-worker": {"uvicorn", "gunicorn"}, "fastapi-cli": {"uvicorn"}, "functune": {"uvicorn"}}
_OF_THE_IMAGE = frozenset({"gunicorn"})
_OF_NEW_IMAGES = _OF_THE_IMAGE | {"uvicorn", "uvicorn-worker"}
"""Packages in the platform's images from Python 3.14 on (Oryx, images/runtime/python)."""


def unbound_port(app: InspectedApp) -> Iterator[RuleCase]:
    """A command that listens where the platform does not call."""
    own = own_server(app)
    if own is None or is_address_elsewhere(own):
        return
    server = own.command
    host, port = host_and_port(server.address)
    is_reached = host in _ANYWHERE or "$" in host
    is_port = "PORT" in port or port == own.reading.port
    if not (is_reached and is_port):
        yield at_command(
            own.reading,
            f"{server.program} listens on {server.address}, and the platform calls port {own.reading.port} from "
            "outside the container.",
            port_remedy(server),
        )


def is_address_elsewhere(own: OwnServer) -> bool:
    """Whether a variable or a configuration file may say where the server listens."""
    reading, server = own
    names = set(reading.settings) | set(server.variables)
    given = any(name in names for name in server.server.variables if name != GUNICORN_ARGUMENTS)
    return given or (server.may_have_more and "--bind" not in server.flags)


def port_remedy(server: ServerCommand) -> str:
    """The flags of the server that listen on the port."""
    facts = server.server
    if facts.bind_flags:
        return f"Add {facts.bind_flags[0]} 0.0.0.0:$PORT to the command."
    return f"Add {facts.host_flag} 0.0.0.0 {facts.port_flag} $PORT to the command."


def missing_server(app: InspectedApp) -> Iterator[RuleCase]:
    """A server or a class of workers that is neither in the image nor in the requirements."""
    own = own_server(app)
    if own is None or app.requirements.has_others or has_other_packages(app.root):
        return
    applying = [each for each in app.requirements.lines if each.applies]
    named = {each.name for each in applying}
    installed, is_complete = app.installed.closure(each.requirement for each in applying)
    if not is_complete and any(each.requirement.extras for each in app.requirements.lines):
        return  # such as fastapi[standard], which brings a server
    given = named | installed | {one for name in named for one in _BRINGS.get(name, ())}
    for package in needed_packages(own.command):
        if package not in given | packages_of_image(own.reading):
            yield at_command(
                own.reading,
                f"The command needs {package}; the image of {own.reading.python.words} does not contain it, and "
                f"{lacking(app)}.",
                f"Add {package} to {app.requirements_name}.",
            )


def needed_packages(server: ServerCommand) -> list[str]:
    """The distributions of a server and of its class of workers, as far as they are known."""
    named = server.flags.get("--worker-class", "").partition(".")[0] if server.program == "gunicorn" else ""
    return [server.server.package, *([_CLASS_PACKAGES[named]] if named in _CLASS_PACKAGES else [])]


def packages_of_image(reading: AppServiceReading) -> frozenset[str]:
    """The servers that the image of the platform contains."""
    return _OF_NEW_IMAGES if reading.python.version >= FASTAPI_FROM else _OF_THE_IMAGE


def lacking(app: InspectedApp) -> str:
    """That the requirements do not name something, as a phrase."""
    name = app.requirements_name
    return f"{name} does not name it" if app.requirements.is_there else f"the folder has no {name}"


def ineffective_threads(app: InspectedApp) -> Iterator[RuleCase]:
    """Threads for workers that run an event loop."""
    own = own_server(app)
    if own is None or own.command.program != "gunicorn" or own.command.interface != "asgi":
        return
    if (threads := own.command.number("--threads")) is not None and threads > 1:
        yield at_flag(own, "--threads", f"gives --threads {threads} to {own.command.worker_class} workers.")


def lost_lines(app: InspectedApp) -> Iterator[RuleCase]:
    """A startup file of several lines, of which the platform reads one."""
    reading = app.app_service
    file = None if reading is None or not reading.is_own else command_file(reading.deployed)
    if reading is None or file is None or file.suffix == ".sh":
        return
    first, *rest = file.read_bytes().decode("utf-8-sig", errors="replace").split("\n")
    name = file.relative_to(app.root.resolve()).as_posix()
    if first.endswith("\r"):
        yield RuleCase(
            seen=f"{name} has the line ends of Windows, so the command ends with a carriage return.",
            file=name,
            line=1,
            remedy="Save it with the line ends of Linux.",
        )
    if not first.strip() or first.lstrip().startswith("#"):
        yield RuleCase(seen=f"The first line of {name} contains no command.", file=name, line=1)
    elif any(line.strip() for line in rest):
        number = next(place for place, line in enumerate(rest, 2) if line.strip())
        yield RuleCase(seen=f"{name} goes on after its first line.", file=name, line=number)


def quoted_command(app: InspectedApp) -> Iterator[RuleCase]:
    """A single quote in a command that the platform puts in single quotes."""
    reading = app.app_service
    if reading is None or not reading.is_own:
        return
    file = command_file(reading.deployed)
    if file is not None and file.suffix == ".sh":
        return
    if "'" in reading.decision.command:
        yield at_command(reading, "The command contains a single quote.")
    elif not is_closed(reading.decision.command):
        yield msgspec.structs.replace(
            at_command(reading, "The command contains a quote that is not closed."), severity="error"
        )


def is_closed(command: str) -> bool:
    """Whether every quote of a command is closed, as a shell reads it."""
    try:
        shlex.split(command)
    except ValueError as error:
        return "quotation" not in str(error)  # the other error is a backslash at the end
    return True


COMMAND_RULES = (
    Rule(
        id="port-not-bound",
        family="app-service",
        severity="error",
        looks_for="a start-up command that does not listen on the platform's port; Gunicorn without --bind listens "
        "there, since it reads `PORT`",
        why="The platform adds nothing to a command of your own. It waits for an answer on its port, and ends the "
        "container if none comes.",
        remedy="Listen on 0.0.0.0:$PORT.",
        needs="--plan app-service",
        check=unbound_port,
    ),
    Rule(
        id="server-package-missing",
        family="app-service",
        severity="error",
        looks_for="a start-up command whose server or worker class is neither in the platform's image nor in the "
        "requirements",
        why="The images contain Gunicorn, and Uvicorn and uvicorn-worker from Python 3.14 on. Without its package, the "
        "server does not start.",
        remedy="Add the package to requirements.txt.",
        needs="--plan app-service",
        check=missing_server,
    ),
    Rule(
        id="threads-ignored",
        family="app-service",
        severity="warning",
        looks_for="`--threads` with workers for ASGI apps",
        why="These workers run one event loop; `def` endpoints of FastAPI run on the threads of anyio, 40 unless the "
        "app sets another number.",
        remedy="Remove --threads; more workers serve more.",
        needs="--plan app-service",
        check=ineffective_threads,
    ),
    Rule(
        id="startup-file-lines",
        family="app-service",
        severity="error",
        looks_for="a start-up file, other than a `.sh` script, that is not one command on its first line",
        why="The platform takes the first line of the file as the command, and nothing else.",
        remedy="Write the whole command into the first line, or use a script whose name ends in .sh.",
        needs="--plan app-service",
        check=lost_lines,
    ),
    Rule(
        id="startup-command-quotes",
        family="app-service",
        severity="warning",
        looks_for="a single quote in a start-up command; an error where a quote is not closed",
        why="The platform passes the command on within single quotes, so one of its own ends them. A shell refuses a "
        "command with an open quote.",
        remedy="Use pairs of double quotes, or a script whose name ends in .sh.",
        needs="--plan app-service",
        check=quoted_command,
    ),
)
