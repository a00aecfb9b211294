"""App Service: the server of a start-up command of one's own, and the place of a case: the command or a setting."""

from typing import NamedTuple

from functune.app_service.generated import GUNICORN_ARGUMENTS
from functune.app_service.server_command import ServerCommand
from functune.doctor.reading.app_service import AppServiceReading
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import RuleCase


class OwnServer(NamedTuple):
    """The server that a start-up command of one's own starts."""

    reading: AppServiceReading
    command: ServerCommand


def own_server(app: InspectedApp) -> OwnServer | None:
    """That server; None where the platform's command starts, or none that is known here."""
    reading = app.app_service
    if reading is None or not reading.is_own or reading.server is None:
        return None
    return OwnServer(reading, reading.server)


def at_command(reading: AppServiceReading, seen: str, remedy: str = "") -> RuleCase:
    """A case of the command that starts, at its place."""
    file, line = reading.place if reading.is_own else (None, None)
    return RuleCase(seen=seen, file=file, line=line, remedy=remedy)


def at_setting(reading: AppServiceReading, name: str, seen: str, remedy: str = "") -> RuleCase:
    """A case of a setting, at its place."""
    place = reading.settings[name]
    return RuleCase(seen=seen, file=place.file, line=place.line, remedy=remedy)


def at_flag(own: OwnServer, flag: str, seen: str) -> RuleCase:
    """A case of a flag, at the command or at the app setting GUNICORN_CMD_ARGS. ``seen`` begins with the predicate."""
    is_assigned = GUNICORN_ARGUMENTS in own.command.variables  # in front of the command, which replaces the setting
    if flag in own.command.added_flags and not is_assigned:
        return at_setting(own.reading, GUNICORN_ARGUMENTS, f"{GUNICORN_ARGUMENTS} {seen}")
    return at_command(own.reading, f"The command {seen}")
