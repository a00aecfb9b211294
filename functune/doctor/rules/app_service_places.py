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
    """A case of a flag, at the place that gives it. ``seen`` begins with the predicate."""
    command, giver = own.command, giver_of(own.command, flag)
    if flag in command.config_lines:
        return RuleCase(seen=f"{giver} {seen}", file=command.config_file, line=command.config_lines[flag])
    text = f"{giver[:1].upper()}{giver[1:]} {seen}"
    is_assigned = GUNICORN_ARGUMENTS in command.variables  # in front of the command, which replaces the setting
    if flag in command.added_flags and not is_assigned:
        return at_setting(own.reading, GUNICORN_ARGUMENTS, text)
    return at_command(own.reading, text)


def giver_of(command: ServerCommand, flag: str) -> str:
    """The part of a start that gives a flag, as a phrase: a configuration file, an app setting, or the command."""
    if flag in command.config_lines:
        return command.config_file
    return GUNICORN_ARGUMENTS if flag in command.added_flags else "the command"
