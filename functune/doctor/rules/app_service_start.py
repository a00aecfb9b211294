"""App Service: the step that takes the app, the module that it names, and the server that runs it."""

from collections.abc import Iterator

from functune.app_service.generated import APP_FOLDER
from functune.app_service.own_command import GUNICORN_CONFIG
from functune.app_service.server_programs import Interface
from functune.doctor.reading.app_service import AppServiceReading, is_file_missing
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.requirements import is_given, modules_given
from functune.doctor.syntax.application import WebApplication, find_application, has_star_import
from functune.formatting import joined, plural

FOR_FUNCTIONS = (
    "Set a start-up command that serves the function app, with functune in the requirements, such as: "
    "gunicorn --bind 0.0.0.0:$PORT --timeout 230 --keep-alive 75 --worker-class gthread --threads 16 "
    "--access-logfile - --error-logfile - functune.wsgi:app."
)
COMMAND_FORM = (
    "gunicorn --bind 0.0.0.0:$PORT --timeout 600 --access-logfile - --error-logfile - --workers 2 module:application"
)
STARTUP_FILES = ("startup.txt", "startup.sh")


def default_page(app: InspectedApp) -> Iterator[RuleCase]:
    """No step of the platform finds the app."""
    reading = app.app_service
    if reading is None or reading.decision.step != "default page":
        return
    if app.is_function_app:
        yield RuleCase(
            seen="It is a function app, and no step of the platform looks for function_app.py.",
            file=app.entry,
            remedy=FOR_FUNCTIONS,
        )
        return
    targets = [f"{module}:app" for module in modules_with_app(app)[:1]]
    commands = [COMMAND_FORM.replace("module:application", target) for target in targets]
    looked = joined([each.step for each in reading.decision.tried])
    yield RuleCase(
        seen=f"None of the steps {looked} finds an app in the folder.",
        remedy="".join(f"Set a start-up command, such as: {each}." for each in commands),
    )


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
    found = modules_with_app(app)
    yield at_command(
        reading,
        f"The command starts {reading.decision.target}, and {where} has no module {reading.module}.",
        f"Name the module as it is imported from {where}; modules that define app: {joined(found)}." if found else "",
    )


def missing_startup_file(app: InspectedApp) -> Iterator[RuleCase]:
    """A start-up command that looks like a file which is not there."""
    reading = app.app_service
    if reading is not None and reading.is_own and is_file_missing(reading):
        yield at_command(
            reading, f"The start-up command is {reading.deployed.command.strip()}, and there is no such file."
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
    if reading is None or found is None or found.interface is None:
        return
    called = called_by(reading)
    if called is None or called == found.interface:
        return
    target, server = reading.decision.target, reading.decision.worker_class or reading.decision.server
    bound = f"--bind 0.0.0.0:$PORT {target}"
    if found.interface == "asgi":
        because = "" if reading.is_own else f" The step {reading.decision.step} takes it for a WSGI app."
        yield RuleCase(
            seen=f"{target} is an ASGI app ({found.made_by}), and {server} workers call it as a WSGI app.{because}",
            file=found.file,
            line=found.line,
            remedy="Set a start-up command with workers for ASGI apps, and name uvicorn-worker in the requirements: "
            f"gunicorn --worker-class uvicorn_worker.UvicornWorker {bound}.",
        )
    else:
        yield RuleCase(
            seen=f"{target} is a WSGI app ({found.made_by}), and {server} calls it as an ASGI app.",
            file=found.file,
            line=found.line,
            remedy=f"Use workers for WSGI apps: gunicorn --worker-class gthread --threads 16 {bound}.",
        )


def one_request_at_a_time(app: InspectedApp) -> Iterator[RuleCase]:
    """A single sync worker."""
    reading = app.app_service
    if reading is None or reading.decision.step == "default page" or not is_single(reading):
        return
    how = "the default of Gunicorn" if reading.is_own else "the default of the platform"
    yield at_command(reading, f"One sync worker with one thread runs the app, {how}.")


def is_single(reading: AppServiceReading) -> bool:
    """Whether one process serves one request at a time."""
    decision = reading.decision
    return decision.worker_class == "sync" and (decision.worker_count, decision.thread_count) == (1, 1)


def unused_startup_file(app: InspectedApp) -> Iterator[RuleCase]:
    """A startup file that nothing names."""
    reading = app.app_service
    if reading is None or reading.is_own:
        return
    for name in STARTUP_FILES:
        if (app.root / name).is_file():
            yield RuleCase(
                seen=f"{name} is in the folder, and no start-up command is known.",
                file=name,
                remedy=f"Set it, az webapp config set --startup-file {name}, and pass --startup-file {name} here.",
            )


def unread_config(app: InspectedApp) -> Iterator[RuleCase]:
    """A configuration of Gunicorn that the generated command does not read."""
    reading = app.app_service
    if reading is None or reading.is_own or reading.decision.step == "default page":
        return
    if (app.root / GUNICORN_CONFIG).is_file() and f"-c {APP_FOLDER}" not in reading.decision.command:
        yield RuleCase(
            seen=f"{GUNICORN_CONFIG} is in the folder, and the generated command names another file.",
            file=GUNICORN_CONFIG,
            line=1,
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


def modules_with_app(app: InspectedApp) -> list[str]:
    """The modules in the folder and one level below it that make an application with the name app."""
    found = []
    for file in sorted([*app.root.glob("*.py"), *app.root.glob("*/*.py")]):
        relative = file.relative_to(app.root)
        if not relative.parts[0].startswith((".", "_")) and "\napp = " in f"\n{file.read_text('utf-8', 'replace')}":
            found.append(".".join(relative.with_suffix("").parts).removesuffix(".__init__"))
    return found


def at_command(reading: AppServiceReading, seen: str, remedy: str = "") -> RuleCase:
    """A case of the command that starts, at its place."""
    file, line = reading.place if reading.is_own else (None, None)
    return RuleCase(seen=seen, file=file, line=line, remedy=remedy)


def workers_in_words(reading: AppServiceReading) -> str:
    """How many requests the workers serve at a time, as a sentence."""
    decision = reading.decision
    workers, threads, server = decision.worker_count, decision.thread_count, decision.worker_class or decision.server
    if decision.step == "default page":
        return "The app does not run."
    if workers is None:
        return "The command does not show how many workers start."
    if threads is None:
        return f"{plural(workers, 'process')} of {server}; each serves many async calls at a time."
    at_once = workers * threads
    each = f" with {plural(threads, 'thread')} each" if threads > 1 else ""
    return f"{plural(workers, f'{server} worker')}{each}: {plural(at_once, 'request')} at a time."


START_RULES = (
    Rule(
        id="default-page",
        family="app-service",
        severity="error",
        looks_for="an app that no step of the platform finds",
        why="The platform starts its default page, and every request gets that.",
        remedy=f"Set a start-up command, such as: {COMMAND_FORM}.",
        needs="--plan app-service",
        check=default_page,
    ),
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
        id="startup-file-missing",
        family="app-service",
        severity="error",
        looks_for="a start-up command that names a file which is not there",
        why="The platform runs the name as a command, which does not exist.",
        remedy="Deploy the file, or correct its name.",
        needs="--plan app-service",
        check=missing_startup_file,
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
        looks_for="an ASGI app on workers for WSGI apps, such as FastAPI that is taken for Flask, or a WSGI app on "
        "workers for ASGI apps",
        why="Every request fails with status 500.",
        remedy="Set a start-up command with workers of the app's interface.",
        needs="--plan app-service",
        check=wrong_interface,
    ),
    Rule(
        id="one-sync-worker",
        family="app-service",
        severity="warning",
        looks_for="one sync worker with one thread",
        why="The instance serves one request at a time, on every tier; the others wait.",
        remedy="Find workers and threads with `functune tune`. The generated command takes them from "
        "PYTHON_ENABLE_GUNICORN_MULTIWORKERS=true with PYTHON_GUNICORN_CUSTOM_WORKER_NUM and "
        "PYTHON_GUNICORN_CUSTOM_THREAD_NUM, a command of your own from --workers and --threads.",
        needs="--plan app-service",
        check=one_request_at_a_time,
    ),
    Rule(
        id="startup-file-unused",
        family="app-service",
        severity="note",
        looks_for=f"{joined([f'`{each}`' for each in STARTUP_FILES])} without a start-up command that names it",
        why="The platform does not look for it.",
        remedy="Set it as the start-up command.",
        needs="--plan app-service",
        check=unused_startup_file,
    ),
    Rule(
        id="gunicorn-config-unread",
        family="app-service",
        severity="warning",
        looks_for=f"a `{GUNICORN_CONFIG}` with the platform's own command",
        why="The command names the configuration of the platform's image, so Gunicorn does not read this file.",
        remedy=f"Set PYTHON_USE_GUNICORN_CONFIG_FROM_PATH={APP_FOLDER}/{GUNICORN_CONFIG}, or a start-up command.",
        needs="--plan app-service",
        check=unread_config,
    ),
)
