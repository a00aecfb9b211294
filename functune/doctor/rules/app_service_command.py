"""App Service: the start-up command of one's own, and the settings that it or the platform's command ignores."""

from collections.abc import Iterator

from functune.app_service.generated import (
    CONFIG_FROM_PATH,
    GUNICORN_ARGUMENTS,
    MULTIWORKERS,
    THREAD_NUMBER,
    WEB_CONCURRENCY,
    WORKER_NUMBER,
    read_flag,
)
from functune.app_service.own_command import command_file, reads_config
from functune.app_service.server_command import ServerCommand, host_and_port
from functune.app_service.startup import FASTAPI_FROM
from functune.doctor.reading.app_service import AppServiceReading
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.app_service_start import at_command
from functune.doctor.rules.requirements import has_other_packages
from functune.plans.conflicts import SHORT_KEEP_ALIVE
from functune.plans.start_command import SERVER_TIMEOUTS

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
    reading, server = own(app)
    if reading is None or server is None or is_address_elsewhere(reading, server):
        return
    host, port = host_and_port(server.address)
    is_reached = host in _ANYWHERE or "$" in host
    is_port = "PORT" in port or port == reading.port
    if not (is_reached and is_port):
        yield at_command(
            reading,
            f"{server.program} listens on {server.address}, and the platform calls port {reading.port} from outside "
            "the container.",
            port_remedy(server),
        )


def is_address_elsewhere(reading: AppServiceReading, server: ServerCommand) -> bool:
    """Whether a variable or a configuration file may say where the server listens."""
    names = set(reading.settings) | set(server.variables)
    given = any(name in names for name in server.server.variables if name != GUNICORN_ARGUMENTS)
    return given or (reads_config(reading.deployed.folder, server) and "--bind" not in server.flags)


def port_remedy(server: ServerCommand) -> str:
    """The flags of the server that listen on the port."""
    facts = server.server
    if facts.bind_flags:
        return f"Add {facts.bind_flags[0]} 0.0.0.0:$PORT to the command."
    return f"Add {facts.host_flag} 0.0.0.0 {facts.port_flag} $PORT to the command."


def missing_server(app: InspectedApp) -> Iterator[RuleCase]:
    """A server or a class of workers that is neither in the image nor in the requirements."""
    reading, server = own(app)
    if reading is None or server is None or app.requirements.has_others or has_other_packages(app.root):
        return
    image = _OF_NEW_IMAGES if reading.python.version >= FASTAPI_FROM else _OF_THE_IMAGE
    given = {each.name for each in app.requirements.lines if each.applies}
    installed, is_complete = app.installed.closure(each.requirement for each in app.requirements.lines if each.applies)
    given |= {one for name in given for one in _BRINGS.get(name, ())} | installed
    if not is_complete and any(each.requirement.extras for each in app.requirements.lines):
        return  # such as fastapi[standard], which brings a server
    named = (server.flags.get("--worker-class", "") if server.program == "gunicorn" else "").partition(".")[0]
    needed = [server.server.package, *([_CLASS_PACKAGES[named]] if named in _CLASS_PACKAGES else [])]
    for package in needed:
        if package not in image | given:
            where = app.requirements_name if app.requirements.is_there else f"the folder has no {app.requirements_name}"
            lacking = f"{where} does not name it" if app.requirements.is_there else where
            yield at_command(
                reading,
                f"The command needs {package}; the image of {reading.python.words} does not contain it, and {lacking}.",
                f"Name {package} in {app.requirements_name}.",
            )


def refused_settings(app: InspectedApp) -> Iterator[RuleCase]:
    """Settings with which the app does not start."""
    reading = app.app_service
    for name, message in (reading.refused if reading is not None else {}).items():
        yield at_setting(app, name, f"{message[:1].upper()}{message[1:]}.")


def ignored_settings(app: InspectedApp) -> Iterator[RuleCase]:
    """Settings that do nothing with the command that starts."""
    reading = app.app_service
    for name in reading.settings if reading is not None else ():
        found = ignored_by_own(app, name) if own(app)[0] is not None else ignored_by_generated(app, name)
        if found is not None:
            yield at_setting(app, name, f"{name} is set, and {found[0]}.", found[1])


def ignored_by_own(app: InspectedApp, name: str) -> tuple[str, str] | None:
    """The reason why a command of one's own ignores a setting, and the remedy; None where it does not."""
    reading, server = own(app)
    if name in (MULTIWORKERS, WORKER_NUMBER, THREAD_NUMBER, CONFIG_FROM_PATH):
        return (
            "the start-up command is your own: the platform adds nothing to it",
            "Give --workers and --threads in the command, and remove the setting.",
        )
    if reading is None or server is None or name != WEB_CONCURRENCY or "--workers" not in server.flags:
        return None
    if server.flags["--workers"] == reading.settings[name].value:
        return None  # the command takes its workers from it, or gives the same
    return "the command gives --workers, which counts more", ""


def ignored_by_generated(app: InspectedApp, name: str) -> tuple[str, str] | None:
    """The reason why the platform's command ignores a setting, and the remedy; None where it does not."""
    reading = app.app_service
    is_multiple = reading is not None and read_flag(reading.deployed.settings, MULTIWORKERS)
    if name == GUNICORN_ARGUMENTS:
        return "the generated command assigns it", "Set a start-up command of your own."
    if name == WEB_CONCURRENCY and is_multiple:
        return (
            f"with {MULTIWORKERS} the command gives --workers, which counts more",
            f"Keep one of the two; {WORKER_NUMBER} sets the workers.",
        )
    if name in (WORKER_NUMBER, THREAD_NUMBER) and not is_multiple:
        return f"{MULTIWORKERS} is not on", f"Set {MULTIWORKERS}=true as well."
    return None


def ineffective_threads(app: InspectedApp) -> Iterator[RuleCase]:
    """Threads for workers that run an event loop."""
    reading, server = own(app)
    if reading is None or server is None or server.program != "gunicorn" or server.interface != "asgi":
        return
    if (threads := server.number("--threads")) is not None and threads > 1:
        yield at_command(reading, f"The command gives --threads {threads} to {server.worker_class} workers.")


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
    if (file is None or file.suffix != ".sh") and "'" in reading.decision.command:
        yield at_command(reading, "The command contains a single quote.")


def short_timeout(app: InspectedApp) -> Iterator[RuleCase]:
    """Gunicorn's own time-out for sync workers."""
    reading, server = own(app)
    if reading is None or server is None or server.worker_class != "sync":
        return
    if "--timeout" not in server.flags and not reads_config(reading.deployed.folder, server):
        yield at_command(reading, "The command gives no --timeout to sync workers.")


def short_keep_alive(app: InspectedApp) -> Iterator[RuleCase]:
    """Gunicorn's own keep-alive, which is shorter than that of any load balancer."""
    reading, server = own(app)
    if reading is None or server is None or server.program != "gunicorn" or server.worker_class == "sync":
        return
    given, is_elsewhere = server.number("--keep-alive"), reads_config(reading.deployed.folder, server)
    if given is None and "--keep-alive" not in server.flags and not is_elsewhere:
        yield at_command(reading, f"The command gives no --keep-alive to {server.worker_class} workers.")
    elif given is not None and given <= SHORT_KEEP_ALIVE:
        yield at_command(reading, f"The command gives --keep-alive {given}.")


def own(app: InspectedApp) -> tuple[AppServiceReading | None, ServerCommand | None]:
    """The reading with the server of a command of one's own; None where the platform's command starts."""
    reading = app.app_service
    return (reading, reading.server) if reading is not None and reading.is_own else (None, None)


def at_setting(app: InspectedApp, name: str, seen: str, remedy: str = "") -> RuleCase:
    """A case of a setting, at its place."""
    place = app.app_service.settings[name] if app.app_service is not None else None
    return RuleCase(
        seen=seen,
        file=place.file if place is not None else None,
        line=place.line if place is not None else None,
        remedy=remedy,
    )


COMMAND_RULES = (
    Rule(
        id="port-not-bound",
        family="app-service",
        severity="error",
        looks_for="a start-up command that does not listen on the platform's port; Gunicorn without --bind does, since "
        "it reads `PORT`",
        why="The platform adds nothing to a command of your own. It waits for an answer on its port, and then ends the "
        "container.",
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
        why="The images contain Gunicorn, and Uvicorn and uvicorn-worker from Python 3.14 on. Otherwise the command is "
        "not found.",
        remedy="Name the package in requirements.txt.",
        needs="--plan app-service",
        check=missing_server,
    ),
    Rule(
        id="startup-setting-refused",
        family="app-service",
        severity="error",
        looks_for="an app setting with which the platform's script or Gunicorn ends the start",
        why="The app does not start.",
        remedy="Correct the setting, or remove it.",
        needs="--plan app-service",
        check=refused_settings,
    ),
    Rule(
        id="startup-setting-ignored",
        family="app-service",
        severity="warning",
        looks_for=f"a setting that does nothing with the command that starts: `{WEB_CONCURRENCY}` with "
        f"`{MULTIWORKERS}`, `PYTHON_` settings of Gunicorn with a command of your own",
        why="It looks as if it did something.",
        remedy="Remove it.",
        needs="--plan app-service",
        check=ignored_settings,
    ),
    Rule(
        id="threads-ignored",
        family="app-service",
        severity="warning",
        looks_for="`--threads` with workers for ASGI apps",
        why="These workers run one event loop; `def` endpoints of FastAPI run on the 40 threads of anyio in any case.",
        remedy="Remove --threads; more workers serve more.",
        needs="--plan app-service",
        check=ineffective_threads,
    ),
    Rule(
        id="startup-file-lines",
        family="app-service",
        severity="error",
        looks_for="a startup file, other than a script `.sh`, whose command is not its first line alone",
        why="The platform takes the first line of the file as the command, and nothing else.",
        remedy="Write the whole command into the first line, or use a script whose name ends in .sh.",
        needs="--plan app-service",
        check=lost_lines,
    ),
    Rule(
        id="startup-command-quotes",
        family="app-service",
        severity="warning",
        looks_for="a single quote in a start-up command",
        why="The platform passes the command on within single quotes, so one of its own ends them.",
        remedy="Use double quotes, or a script whose name ends in .sh.",
        needs="--plan app-service",
        check=quoted_command,
    ),
    Rule(
        id="worker-timeout-default",
        family="app-service",
        severity="note",
        looks_for="a start-up command with sync workers and without `--timeout`",
        why="Gunicorn replaces a sync worker after a request of 30 s. The platform's own command gives 600 s, and its "
        "front end ends a request after 230 s.",
        remedy=f"Add --timeout {SERVER_TIMEOUTS['--timeout']} to the command.",
        needs="--plan app-service",
        check=short_timeout,
    ),
    Rule(
        id="keep-alive-default",
        family="app-service",
        severity="note",
        looks_for=f"a start-up command of Gunicorn that keeps idle connections for {SHORT_KEEP_ALIVE} s or less, which "
        "is its default; sync workers keep none",
        why="A load balancer keeps its connections longer. It may send a request on one that the worker is closing, "
        "and answers 502.",
        remedy=f"Add --keep-alive {SERVER_TIMEOUTS['--keep-alive']} to the command.",
        needs="--plan app-service",
        check=short_keep_alive,
    ),
)
