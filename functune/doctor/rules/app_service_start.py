"""App Service: the step of the platform that takes the app, the files that it ignores, and its workers."""

from collections.abc import Iterator

from functune.app_service.generated import APP_FOLDER, MULTIWORKERS, WEB_CONCURRENCY, read_flag
from functune.app_service.own_command import GUNICORN_CONFIG
from functune.app_service.server_programs import ASGI_CLASSES, GREENLET_CLASSES, SERVER_PROGRAMS
from functune.app_service.startup import StartDecision
from functune.doctor.reading.app_service import AppServiceReading, is_file_missing
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.reading.web_modules import APP_NAME, WebModule, app_modules
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.app_service_advice import proposed_command, remedy_for_functions, remedy_with
from functune.doctor.rules.app_service_places import at_command
from functune.doctor.syntax.application import find_application
from functune.formatting import joined, plural

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
            remedy=remedy_for_functions(reading),
        )
        return
    looked = joined([each.step for each in reading.decision.tried])
    yield RuleCase(
        seen=f"None of the steps {looked} finds an app in the folder.",
        remedy="".join(remedy_for(app, reading, module) for module in [*app_modules(app.root)][:1]),
    )


def remedy_for(app: InspectedApp, reading: AppServiceReading, module: WebModule) -> str:
    """A start-up command for the application of a module, by the interface that its code shows."""
    found = find_application(app.syntax, module.name, APP_NAME, is_factory=False)
    is_asgi = found is not None and found.interface == "asgi"
    folder = module.folder.relative_to(app.root).as_posix()
    target = f"{module.name}:{APP_NAME}"
    return remedy_with(
        reading, target if folder == "." else f"--chdir {folder} {target}", "asgi" if is_asgi else "wsgi"
    )


def missing_startup_file(app: InspectedApp) -> Iterator[RuleCase]:
    """A start-up command that looks like a file which is not there."""
    reading = app.app_service
    if reading is not None and reading.is_own and is_file_missing(reading):
        yield at_command(
            reading, f"The start-up command is {reading.deployed.command.strip()}, and there is no such file."
        )


def one_request_at_a_time(app: InspectedApp) -> Iterator[RuleCase]:
    """A single sync worker."""
    reading = app.app_service
    if reading is None or reading.decision.step == "default page" or not is_single(reading):
        return
    default = "Gunicorn" if reading.is_own else "the platform"
    how = "" if are_counts_given(reading) else f", the default of {default}"
    yield at_command(reading, f"One sync worker with one thread runs the app{how}.")


def is_single(reading: AppServiceReading) -> bool:
    """Whether one process serves one request at a time."""
    decision = reading.decision
    return decision.worker_class == "sync" and (decision.worker_count, decision.thread_count) == (1, 1)


def are_counts_given(reading: AppServiceReading) -> bool:
    """Whether a flag or a setting gives the number of workers or threads."""
    flags = {} if reading.server is None else reading.server.flags
    is_multiple = read_flag(reading.deployed.settings, MULTIWORKERS)
    return "--workers" in flags or "--threads" in flags or WEB_CONCURRENCY in reading.settings or is_multiple


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
                remedy=f"Set it with az webapp config set --startup-file {name}, and pass --startup-file {name} here.",
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


def workers_in_words(reading: AppServiceReading) -> str:
    """How many requests the workers serve at a time, as a sentence."""
    decision = reading.decision
    workers, threads, server = decision.worker_count, decision.thread_count, decision.worker_class or decision.server
    if decision.step == "default page":
        return "The app does not run."
    if workers is None:
        return "The command does not show how many workers start."
    if threads is None:
        return f"{plural(workers, 'process')} of {server}; {calls_of_worker(decision)}."
    at_once = workers * threads
    each = f" with {plural(threads, 'thread')}{' each' if workers > 1 else ''}" if threads > 1 else ""
    return f"{plural(workers, f'{server} worker')}{each}: {plural(at_once, 'request')} at a time."


def calls_of_worker(decision: StartDecision) -> str:
    """How many calls a worker serves at a time whose threads are not known, as a phrase."""
    if decision.worker_class in GREENLET_CLASSES:
        return "each serves many calls at a time, in greenlets"
    is_server_async = decision.worker_class is None and SERVER_PROGRAMS[decision.server or ""].interface == "asgi"
    if decision.worker_class in ASGI_CLASSES or is_server_async:
        return "each serves many async calls at a time"
    return "the command does not show how many calls each serves at a time"


START_RULES = (
    Rule(
        id="default-page",
        family="app-service",
        severity="error",
        looks_for="an app that no step of the platform finds",
        why="The platform starts its default page, and every request gets that.",
        remedy=f"Set a start-up command, such as: {proposed_command('module:application', 'wsgi')}.",
        needs="--plan app-service",
        check=default_page,
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
