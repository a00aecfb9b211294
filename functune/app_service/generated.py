"""
The command that App Service generates for an app that it has detected, and the settings that change it.

Sources: buildGunicornCommandForModule of microsoft/Oryx (startupscriptgenerator/src/python/scriptgenerator.go, as of
2026-08-06); Azure-App-Service/ImageBuilder for the variables of the image and its start of the generator (2024-03).
"""

from collections.abc import Mapping
from typing import NamedTuple

from functune.errors import SettingsError

MULTIWORKERS = "PYTHON_ENABLE_GUNICORN_MULTIWORKERS"
WORKER_NUMBER = "PYTHON_GUNICORN_CUSTOM_WORKER_NUM"
THREAD_NUMBER = "PYTHON_GUNICORN_CUSTOM_THREAD_NUM"
CONFIG_FROM_PATH = "PYTHON_USE_GUNICORN_CONFIG_FROM_PATH"
NO_FASTAPI = "DISABLE_FASTAPI_DETECTION"
WEB_CONCURRENCY = "WEB_CONCURRENCY"
"""The default of Gunicorn and Uvicorn for their workers."""
GUNICORN_ARGUMENTS = "GUNICORN_CMD_ARGS"
"""Arguments that Gunicorn adds before those of its command line."""
STARTUP_SETTINGS = (
    MULTIWORKERS,
    WORKER_NUMBER,
    THREAD_NUMBER,
    CONFIG_FROM_PATH,
    NO_FASTAPI,
    WEB_CONCURRENCY,
    GUNICORN_ARGUMENTS,
)
"""The app settings that the start depends on."""
IMAGE_CONFIG = "/opt/startup/gunicorn.conf.py"
"""
The value of CONFIG_FROM_PATH in the image, unless an app setting replaces it: the platform's log and profiler hooks.
"""
APP_FOLDER = "/home/site/wwwroot"
"""Where the app is. A build on the platform may run it from a folder below /tmp."""
UVICORN_WORKER_CLASS = "uvicorn_worker.UvicornWorker"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""What Go's strconv.ParseBool reads."""


class RefusedSettingError(SettingsError):
    """An app setting with which the app does not start."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class GunicornCounts(NamedTuple):
    """Workers and threads of Gunicorn."""

    workers: int
    threads: int


def read_flag(settings: Mapping[str, str], name: str) -> bool:
    """A setting that is on or off. Raises RefusedSettingError for a text that ends the start."""
    text = settings.get(name, "")
    if text and text not in _TRUE | _FALSE:
        raise RefusedSettingError(
            name, f"{name} is '{text}', with which the app does not start; allowed are true and false"
        )
    return text in _TRUE


def generated_counts(settings: Mapping[str, str], cores: int) -> GunicornCounts:
    """
    Gunicorn's workers and threads under the generated command.

    One of each, or as many workers as WEB_CONCURRENCY says. With the multiworker flag that variable counts no more, and
    the workers are 2 x cores + 1 unless a number is set. Raises RefusedSettingError for a text that ends the start.
    """
    default = _count(settings, WEB_CONCURRENCY, 1)  # Gunicorn reads it in any case
    if not read_flag(settings, MULTIWORKERS):
        return GunicornCounts(default, 1)
    return GunicornCounts(
        _count(settings, WORKER_NUMBER, multiworker_default(cores)), _count(settings, THREAD_NUMBER, 1)
    )


def settings_of_counts(workers: int, threads: int | None) -> dict[str, str]:
    """The app settings with which the generated command has these workers and threads; None for Gunicorn's default."""
    if threads is None:
        return {WEB_CONCURRENCY: str(workers)}
    return {MULTIWORKERS: "true", WORKER_NUMBER: str(workers), THREAD_NUMBER: str(threads)}


def multiworker_default(cores: int) -> int:
    """The workers with the multiworker flag and no number."""
    return 2 * cores + 1


def generated_arguments(settings: Mapping[str, str], *, cores: int, folder: str) -> list[str]:
    """The value of GUNICORN_CMD_ARGS, as words. ``folder`` is that of the app."""
    arguments = ["--timeout 600", "--access-logfile '-'", "--error-logfile '-'"]
    arguments.append(f"-c {settings.get(CONFIG_FROM_PATH) or IMAGE_CONFIG}")
    if read_flag(settings, MULTIWORKERS):
        arguments.append(f"--workers={settings.get(WORKER_NUMBER) or multiworker_default(cores)}")
        if threads := settings.get(THREAD_NUMBER):
            arguments.append(f"--threads={threads}")
    return [*arguments, f"--chdir={folder}"]


def _count(settings: Mapping[str, str], name: str, default: int) -> int:
    text = settings.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) >= 1):
        raise RefusedSettingError(
            name, f"{name} is '{text}', with which Gunicorn does not start; it takes a whole number from 1"
        )
    return int(text)
