"""App Service: a complete start-up command, which a remedy proposes."""

from functune.app_service.generated import UVICORN_WORKER_CLASS
from functune.app_service.server_programs import Interface
from functune.app_service.startup import FASTAPI_FROM
from functune.doctor.reading.app_service import AppServiceReading
from functune.plans.start_command import SERVER_TIMEOUTS, flag_words

_PROPOSED_THREADS = 16
_PROPOSED_WORKERS = 2
_KEPT_TIMEOUTS = ("--timeout", "--keep-alive")


def proposed_command(target: str, interface: Interface) -> str:
    """
    A command that serves an application of this interface, with an address, time-outs and logs.

    ``target`` is its ``module:name``, after ``--chdir`` where it is imported from a folder of the app.
    """
    is_asgi = interface == "asgi"
    flags = {
        "--bind": "0.0.0.0:$PORT",
        **{name: SERVER_TIMEOUTS[name] for name in _KEPT_TIMEOUTS},
        "--access-logfile": "-",
        "--error-logfile": "-",
        "--worker-class": UVICORN_WORKER_CLASS if is_asgi else "gthread",
        **({"--workers": str(_PROPOSED_WORKERS)} if is_asgi else {"--threads": str(_PROPOSED_THREADS)}),
    }
    return " ".join(["gunicorn", *flag_words(flags), target])


def remedy_with(reading: AppServiceReading, target: str, interface: Interface) -> str:
    """To set that command, and to name the package that the image of the platform lacks."""
    is_lacking = interface == "asgi" and reading.python.version < FASTAPI_FROM
    package = " Add uvicorn-worker to the requirements as well." if is_lacking else ""
    return f"Set a start-up command, such as: {proposed_command(target, interface)}.{package}"


def remedy_for_functions(reading: AppServiceReading) -> str:
    """To serve a function app with functune in front of it."""
    return f"Add functune to the requirements. {remedy_with(reading, 'functune.wsgi:app', 'wsgi')}"
