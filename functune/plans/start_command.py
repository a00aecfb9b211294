"""
The complete command that starts a web server with a setting.

App Service and Container Apps add nothing to a command of one's own: no port, no time-out and no logs. Sources: the
settings documentation of Gunicorn 27 (order: configuration < GUNICORN_CMD_ARGS < command line) and of Uvicorn 0.54.
"""

import argparse
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from functune.app_service.generated import GUNICORN_ARGUMENTS, WEB_CONCURRENCY
from functune.setting import Setting
from functune.web_servers import WEB_SERVERS, ServerFacts

COUNT_VARIABLES = frozenset({GUNICORN_ARGUMENTS, WEB_CONCURRENCY})
"""The variables that the flags of a complete command replace."""
SERVER_TIMEOUTS: Mapping[str, str] = {"--timeout": "230", "--graceful-timeout": "25", "--keep-alive": "75"}
"""
Seconds, as hosting/gunicorn.conf.py has them: a front end gives up after 230 s, a replica is killed 30 s after SIGTERM,
and a proxy must not find a connection closed that it just sends a request on.
"""
EVERY_ADDRESS = "0.0.0.0"
_LOGS = {"--access-logfile": "-", "--error-logfile": "-"}
_UVICORN_TIMEOUTS = {
    "--timeout-keep-alive": SERVER_TIMEOUTS["--keep-alive"],
    "--timeout-graceful-shutdown": SERVER_TIMEOUTS["--graceful-timeout"],
}


class SettingFlags(NamedTuple):
    """The flags that an app setting GUNICORN_CMD_ARGS has, and the rest of it."""

    known: Mapping[str, str]
    """Values by long name, only of the flags that the command has anyway."""
    others: list[str]


def start_line(setting: Setting, *, port: str, entry: str | None) -> str:
    """
    The command for a shell, such as ``gunicorn --bind 0.0.0.0:$PORT … functune.wsgi:app``.

    ``port`` is a number or ``$PORT``; ``entry`` the app as ``module:callable``, None for a function app.
    """
    words = [program_of(setting), *flag_words(server_flags(setting, port=port)), *setting_flags(setting).others]
    words += ["--factory"] if is_uvicorn_factory(setting, entry) else []
    unquoted = (port, f"{EVERY_ADDRESS}:{port}")  # $PORT stays a variable of the shell
    return " ".join(
        each if each in unquoted else shlex.quote(each) for each in [*words, command_target(setting, entry)]
    )


def program_of(setting: Setting) -> str:
    """The program that starts the server."""
    return "uvicorn" if facts_of(setting).worker_class is None else "gunicorn"


def command_target(setting: Setting, entry: str | None) -> str:
    """The app as ``module:callable``: the reader's or the function app. Uvicorn takes a factory without ``()``."""
    if entry is None:
        return f"functune.{facts_of(setting).interface}:app"
    return entry.removesuffix("()") if is_uvicorn_factory(setting, entry) else entry


def is_uvicorn_factory(setting: Setting, entry: str | None) -> bool:
    """Whether Uvicorn itself has to call the app to get it. Gunicorn reads the ``()``."""
    return program_of(setting) == "uvicorn" and entry is not None and entry.endswith("()")


def facts_of(setting: Setting) -> ServerFacts:
    """The facts about the web server of a setting."""
    return WEB_SERVERS[setting.host or ""]


def start_variables(setting: Setting, *, port: str, entry: str | None) -> dict[str, str]:
    """The same flags as variables of the server, for a container whose command is only the program and the app."""
    flags = server_flags(setting, port=port)
    if program_of(setting) == "uvicorn":
        factory = {"UVICORN_FACTORY": "true"} if is_uvicorn_factory(setting, entry) else {}
        return {uvicorn_variable(name): value for name, value in flags.items()} | factory
    return {GUNICORN_ARGUMENTS: shlex.join([*flag_words(flags), *setting_flags(setting).others])}


def server_flags(setting: Setting, *, port: str) -> dict[str, str]:
    """The flags with their values: those of an app setting replace the defaults, and the setting has the last word."""
    facts, asked = facts_of(setting), setting_flags(setting).known
    if facts.worker_class is None:
        given = {name for name, _ in setting.app_settings}
        defaults = {name: value for name, value in _UVICORN_TIMEOUTS.items() if uvicorn_variable(name) not in given}
        return {"--host": EVERY_ADDRESS, "--port": port, **defaults, "--workers": str(setting.process_count)}
    flags = {"--bind": f"{EVERY_ADDRESS}:{port}", **SERVER_TIMEOUTS, **_LOGS, **asked}
    flags |= {"--worker-class": facts.worker_class, "--workers": str(setting.process_count)}
    if facts.threads == "pool":
        flags.pop("--threads", None)
        return flags
    return flags | {"--threads": str(setting.threads)}


def uvicorn_variable(flag: str) -> str:
    """The variable that Uvicorn reads for a flag."""
    return f"UVICORN_{flag.removeprefix('--').replace('-', '_').upper()}"


def flag_words(flags: Mapping[str, str]) -> list[str]:
    """The flags as words of a command."""
    return [word for pair in flags.items() for word in pair]


def setting_flags(setting: Setting) -> SettingFlags:
    """The flags of GUNICORN_CMD_ARGS among the app settings, with which the setting was measured; without its bind."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--bind", "-b", action="append")
    shorts = {"--timeout": ["-t"], "--worker-class": ["-k"], "--workers": ["-w"], "--error-logfile": ["--log-file"]}
    names = (*SERVER_TIMEOUTS, *_LOGS, "--worker-class", "--workers", "--threads")
    for name in names:
        parser.add_argument(name, *shorts.get(name, []), dest=name)
    text = dict(setting.app_settings).get(GUNICORN_ARGUMENTS, "")
    found, others = parser.parse_known_args(shlex.split(text))
    values = {name: getattr(found, name) for name in names}
    return SettingFlags(known={name: value for name, value in values.items() if value is not None}, others=others)
