"""App Service: the module and the application that the command names, and what calls it."""

from collections.abc import Iterator

from functune.app_service.server_programs import Interface
from functune.doctor.reading.app_service import AppServiceReading
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.reading.web_modules import app_modules, dotted_name
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.app_service_advice import remedy_for_functions, remedy_with
from functune.doctor.rules.app_service_places import at_command
from functune.doctor.rules.requirements import is_given, modules_given
from functune.doctor.syntax.application import WebApplication, find_application, has_star_import
from functune.formatting import joined


def unknown_module(app: InspectedApp) -> Iterator[RuleCase]:
    """A module that is not where the command looks for it."""
    reading = app.app_service
    if reading is None or reading.module is None or not reading.folders or reading.module_file() is not None:
        return
    first = reading.module.partition(".")[0]
    is_own = any((folder / first).is_dir() or (folder / f"{first}.py").is_file() for folder in reading.folders)
    names = {each.name for each in app.requirements.lines}
    if not is_own and (is_given(first, modules_given(app, names)) or first == "functune"):
        return  # it comes from a package
    folder = reading.folders[0].relative_to(app.root).as_posix()
    where = "the app's folder" if folder == "." else folder
    found = [dotted_name(each.file, app.root) for each in app_modules(app.root)]
    yield at_command(
        reading,
        f"The command starts {reading.decision.target}, and {where} has no module {reading.module}.",
        f"Name the module as it is imported from {where}; modules that define app: {joined(found)}." if found else "",
    )


def unknown_application(app: InspectedApp) -> Iterator[RuleCase]:
    """A name that its module does not define."""
    reading = app.app_service
    if reading is None or reading.module is None or (found := reading.module_file()) is None:
        return
    name = attribute_of(reading)
    if name in module_names(app, reading.module) or has_star_import(app.syntax, reading.module):
        return
    shown = found[0].relative_to(app.root).as_posix()
    yield RuleCase(
        seen=f"The command starts {reading.decision.target}, and {shown} does not define {name}.", file=shown, line=1
    )


def wrong_interface(app: InspectedApp) -> Iterator[RuleCase]:
    """An ASGI app on workers for WSGI apps, or the other way round."""
    reading = app.app_service
    found = application_of(app)
    if reading is None or found is None:
        return
    if found.is_for_functions:
        yield RuleCase(
            seen=f"{reading.decision.target} is a {found.made_by}, which only the Functions host can call.",
            file=found.file,
            line=found.line,
            remedy=remedy_for_functions(reading),
        )
        return
    if found.interface is None:
        return
    called = called_by(reading)
    if called is None or called == found.interface:
        return
    target, server = reading.decision.target, reading.decision.worker_class or reading.decision.server
    if found.interface == "asgi":
        because = "" if reading.is_own else f" The step {reading.decision.step} takes it for a WSGI app."
        seen = f"{target} is an ASGI app ({found.made_by}), and {server} workers call it as a WSGI app.{because}"
    else:
        seen = f"{target} is a WSGI app ({found.made_by}), and {server} calls it as an ASGI app."
    yield RuleCase(
        seen=seen, file=found.file, line=found.line, remedy=remedy_with(reading, str(target), found.interface)
    )


def application_of(app: InspectedApp) -> WebApplication | None:
    """The application that starts, as far as the syntax shows it."""
    reading = app.app_service
    if reading is None or reading.module is None:
        return None
    is_factory = reading.server is not None and reading.server.is_factory
    if reading.module in ("functune.asgi", "functune.wsgi"):
        interface: Interface = "asgi" if reading.module == "functune.asgi" else "wsgi"
        return WebApplication("", None, interface, reading.module) if attribute_of(reading) == "app" else None
    return find_application(app.syntax, reading.module, attribute_of(reading), is_factory=is_factory)


def attribute_of(reading: AppServiceReading) -> str:
    """The name of the application in its module."""
    if reading.server is not None:
        return reading.server.attribute
    return (reading.decision.target or "").partition(":")[2] or "application"


def called_by(reading: AppServiceReading) -> Interface | None:
    """The interface by which the server calls the application."""
    if reading.server is not None:
        return reading.server.interface
    return "asgi" if reading.decision.step == "FastAPI" else "wsgi"


def module_names(app: InspectedApp, module: str) -> set[str]:
    """The names that a module binds."""
    scope = app.syntax.scopes.modules.get(module)
    return set() if scope is None else set(scope.names)


APPLICATION_RULES = (
    Rule(
        id="module-not-found",
        family="app-service",
        severity="error",
        looks_for="a command whose module is not in the folder that it starts in, such as `src.app:app` where the file "
        "is elsewhere",
        why="The workers end with ModuleNotFoundError, and the app does not start.",
        remedy="Name the module as it is imported from that folder, or change the folder with --chdir.",
        needs="--plan app-service",
        check=unknown_module,
    ),
    Rule(
        id="application-not-found",
        family="app-service",
        severity="error",
        looks_for="a command whose module does not define the application; the platform's own commands look for `app`, "
        "and for Django for `application`",
        why="Gunicorn ends with “Failed to find attribute”, and the app does not start.",
        remedy="Give the application that name, or set a start-up command that names it.",
        needs="--plan app-service",
        check=unknown_application,
    ),
    Rule(
        id="wrong-interface",
        family="app-service",
        severity="error",
        looks_for="an ASGI app on workers for WSGI apps, such as FastAPI taken for Flask, a WSGI app on "
        "workers for ASGI apps, or a `FunctionApp` in place of either",
        why="Every request fails with status 500.",
        remedy="Set a start-up command with workers of the app's interface.",
        needs="--plan app-service",
        check=wrong_interface,
    ),
)
