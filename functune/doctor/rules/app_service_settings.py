"""App Service: the app settings that end the start, or that the command ignores."""

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
from functune.doctor.reading.app_service import AppServiceReading
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.app_service_places import at_setting, giver_of


def refused_settings(app: InspectedApp) -> Iterator[RuleCase]:
    """Settings with which the app does not start."""
    reading = app.app_service
    if reading is not None:
        for name, message in reading.refused.items():
            yield at_setting(reading, name, f"{message[:1].upper()}{message[1:]}.")


def ignored_settings(app: InspectedApp) -> Iterator[RuleCase]:
    """Settings that do nothing with the command that starts."""
    reading = app.app_service
    if reading is None:
        return
    for name in reading.settings:
        found = ignored_by_own(reading, name) if reading.is_own else ignored_by_generated(reading, name)
        if found is not None:
            yield at_setting(reading, name, f"{name} is set, and {found[0]}.", found[1])


def ignored_by_own(reading: AppServiceReading, name: str) -> tuple[str, str] | None:
    """The reason why a command of one's own ignores a setting, and the remedy; None where it does not."""
    if name in (MULTIWORKERS, WORKER_NUMBER, THREAD_NUMBER, CONFIG_FROM_PATH):
        return (
            "the start-up command is your own: the platform adds nothing to it",
            "Give --workers and --threads in the command, and remove the setting.",
        )
    server = reading.server
    if server is not None and name == GUNICORN_ARGUMENTS and server.program != "gunicorn":
        return f"the command starts {server.program}, which does not read it", ""
    if server is None or name != WEB_CONCURRENCY or "--workers" not in server.flags:
        return None
    if server.flags["--workers"] in ("", reading.settings[name].value):
        return None  # the workers may be taken from it, or are the same
    return f"{giver_of(server, '--workers')} gives --workers, which takes precedence", ""


def ignored_by_generated(reading: AppServiceReading, name: str) -> tuple[str, str] | None:
    """The reason why the platform's command ignores a setting, and the remedy; None where it does not."""
    is_multiple = read_flag(reading.deployed.settings, MULTIWORKERS)
    if name == GUNICORN_ARGUMENTS:
        return "the generated command assigns it", "Set a start-up command of your own."
    if name == WEB_CONCURRENCY and is_multiple:
        return (
            f"with {MULTIWORKERS} the command gives --workers, which takes precedence",
            f"Keep one of the two; {WORKER_NUMBER} sets the workers.",
        )
    if name in (WORKER_NUMBER, THREAD_NUMBER) and not is_multiple:
        return f"{MULTIWORKERS} is not on", f"Set {MULTIWORKERS}=true as well."
    return None


STARTUP_SETTING_RULES = (
    Rule(
        id="startup-setting-refused",
        family="app-service",
        severity="error",
        looks_for="an app setting that the platform's script or Gunicorn refuses at the start",
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
        f"`{MULTIWORKERS}`, `PYTHON_` settings of Gunicorn with a command of your own, `{GUNICORN_ARGUMENTS}` with "
        "another server",
        why="The setting looks as if it had an effect.",
        remedy="Remove it.",
        needs="--plan app-service",
        check=ignored_settings,
    ),
)
