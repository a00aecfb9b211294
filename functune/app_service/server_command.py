"""
A start-up command as it is written: the server that it starts, the application, and the flags that decide how it runs.

Nothing is expanded: a value such as ``$PORT`` stays a text, and what only a shell knows is not known here.
"""

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from functune.app_service.server_programs import (
    ASGI_CLASSES,
    LONG_FLAGS,
    PROGRAM_OF_MODULE,
    SERVER_PROGRAMS,
    SWITCHES,
    WSGI_CLASSES,
    Interface,
    ServerProgram,
)

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SHOWN = "GUNICORN_CMD_ARGS|PATH|PORT|WEB_CONCURRENCY"
_SECRET = re.compile(
    rf"(?:^|(?<=[;&|\s]))(?!(?:{_SHOWN})=)([A-Za-z_]\w*)=(?:'[^']*'|\"[^\"]*\"|[^\s'\";&|]+)(?=[;&|\s]|$)"
)
"""A variable with a value, in front of a command or of a flag such as --env, but for those that are no secret."""
_TARGET = re.compile(r"[A-Za-z_][\w.]*(?::.+)?")
_ADDRESS = re.compile(r"(\[[^\]]*\]|[^:]*):(.*)")
_VARIABLE = re.compile(r"\$\{(?P<braced>\w+)(?::?-(?P<default>[^{}]*))?\}|\$(?P<plain>[A-Za-z_]\w*)")
_SEPARATORS = ("&&", "||", ";", "|", "&")
_GRANIAN: Mapping[str, Interface] = {"asgi": "asgi", "asginl": "asgi", "wsgi": "wsgi"}
_OWN_SUBCOMMANDS = {"flask": ("run",), "fastapi": ("run", "dev")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCommand:
    """One command that starts a server."""

    program: str
    """A key of SERVER_PROGRAMS."""
    target: str | None
    """The application as it is written, such as ``app:app``; None where the command names none."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """The long names of its flags with their values; empty for a flag without one."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What is assigned in front of it, or exported before it."""
    folder: str = ""
    """The folder that commands before it changed to, as it is written."""
    added_flags: frozenset[str] = frozenset()
    """The names of the flags that GUNICORN_CMD_ARGS gives, and the command itself does not."""
    config_file: str = ""
    """The configuration file of Gunicorn, relative to the folder of the app; empty for none."""
    config_lines: Mapping[str, int] = field(default_factory=dict)
    """The lines of the flags that this file alone gives."""
    may_have_more: bool = False
    """Whether a configuration file may give flags that are not known here."""

    @property
    def server(self) -> ServerProgram:
        """The facts about its program."""
        return SERVER_PROGRAMS[self.program]

    @property
    def module(self) -> str | None:
        """The module of the application."""
        return None if self.target is None else self.target.partition(":")[0]

    @property
    def attribute(self) -> str:
        """The name of the application in its module; ``application`` where none is given, as in Gunicorn."""
        return ((self.target or "").partition(":")[2].partition("(")[0] or "application").partition(".")[0]

    @property
    def is_factory(self) -> bool:
        """Whether the name is a function that makes the application."""
        return "(" in (self.target or "") or "--factory" in self.flags

    def number(self, flag: str) -> int | None:
        """A flag as a whole number; None where it is absent, or a shell computes it."""
        return whole_number(self.flags.get(flag, ""))

    @property
    def worker_class(self) -> str | None:
        """Gunicorn's class of workers: sync with threads is gthread; None for another server."""
        if self.program != "gunicorn":
            return None
        named = self.flags.get("--worker-class", "sync")
        return "gthread" if named == "sync" and (self.number("--threads") or 1) > 1 else named

    @property
    def interface(self) -> Interface | None:
        """What the server calls the application by; None where it is not known."""
        if self.program == "granian":
            return _GRANIAN.get(self.flags.get("--interface", ""))
        if self.program != "gunicorn":
            return self.server.interface
        named = self.worker_class
        return "asgi" if named in ASGI_CLASSES else "wsgi" if named in WSGI_CLASSES else None

    @property
    def chdir(self) -> str:
        """The folder that it runs in or imports from, as it is written; empty for that of the app."""
        return posixpath.join(self.folder, self.flags.get("--chdir", "") or self.flags.get("--app-dir", ""))

    @property
    def address(self) -> str:
        """Where it listens, as it is written."""
        server = self.server
        for flag in server.bind_flags:
            if given := self.flags.get(LONG_FLAGS.get(flag, flag)):
                return given if ":" in given else f"{given}:8000"
        host, port = host_and_port(server.address)
        return f"{self.flags.get(server.host_flag, host)}:{self.flags.get(server.port_flag, port)}"


def whole_number(text: str) -> int | None:
    """A text of digits as a number; None for any other."""
    return int(text) if text.isascii() and text.isdigit() else None


def host_and_port(address: str) -> tuple[str, str]:
    """The two parts of an address as it is written, such as ``0.0.0.0:${PORT:-8000}``."""
    found = _ADDRESS.fullmatch(address)
    return (found[1], found[2]) if found is not None else (address, "")


def expanded(command: ServerCommand, variables: Mapping[str, str], *, cores: int) -> ServerCommand:
    """
    The command with the values of variables that are known, ``${NAME:-default}`` with its default, and ``$(nproc)``.

    PORT stays, since the platform chooses it.
    """

    def value_of(found: re.Match[str]) -> str:
        name = found["braced"] or found["plain"]
        return found[0] if name == "PORT" else variables.get(name) or found["default"] or found[0]

    flags = {name: _VARIABLE.sub(value_of, value) for name, value in command.flags.items()}
    return replace(command, flags={name: value.replace("$(nproc)", str(cores)) for name, value in flags.items()})


def server_command(text: str) -> ServerCommand | None:
    """The last command of a text that starts a server which is known here; None where there is none."""
    found, folder, exported = None, "", dict[str, str]()
    for words in commands_of(text):
        if words[:1] == ["cd"] and len(words) == 2:
            folder = posixpath.join(folder, words[1])
        elif words[:1] == ["export"]:
            exported |= {each[1]: each[2] for word in words[1:] if (each := _ASSIGNMENT.fullmatch(word)) is not None}
        elif (server := _read(words)) is not None:
            found = replace(server, folder=folder, variables={**exported, **server.variables})
    return found


def with_arguments(command: ServerCommand, arguments: str) -> ServerCommand:
    """The command with the flags of GUNICORN_CMD_ARGS, which count less than its own; another server ignores them."""
    if command.program != "gunicorn" or not arguments:
        return command
    flags, _ = _arguments([word for words in commands_of(arguments) for word in words])
    return replace(command, flags={**flags, **command.flags}, added_flags=frozenset(flags) - frozenset(command.flags))


def commands_of(text: str) -> list[list[str]]:
    """The words of each command of a line."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:  # an unclosed quote, which the shell of the platform refuses too
        words = text.split()
    commands: list[list[str]] = [[]]
    for word in words:
        if word in _SEPARATORS:
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def _read(words: list[str]) -> ServerCommand | None:
    variables: dict[str, str] = {}
    at = 0
    while at < len(words) and (assigned := _ASSIGNMENT.fullmatch(words[at])):
        variables[assigned[1]] = assigned[2]
        at += 1
    for place in range(at, len(words)):
        name = words[place].rpartition("/")[2]
        if place > at and words[place - 1] == "-m":
            name = PROGRAM_OF_MODULE.get(words[place], words[place])
        if name in SERVER_PROGRAMS:
            flags, rest = _arguments(words[place + 1 :])
            rest = [each for each in rest if each not in _OWN_SUBCOMMANDS.get(name, ())]
            named = next((each for each in rest if _TARGET.fullmatch(each)), None)
            target = None if name in _OWN_SUBCOMMANDS else named
            return ServerCommand(program=name, target=target, flags=flags, variables=variables)
    return None


def _arguments(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The flags with their values, and the other words."""
    flags: dict[str, str] = {}
    others: list[str] = []
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if not word.startswith("-") or word == "-":
            others.append(word)
            continue
        name, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2:  # -w4
            name, value = word[:2], word[2:].removeprefix("=")
        elif not equals and name not in SWITCHES and waiting:
            value = waiting.pop()
        flags[LONG_FLAGS.get(name, name)] = value
    return flags, others


def without_secrets(command: str) -> str:
    """The command with ``…`` for the values of variables in front of it, which may be secrets."""
    return _SECRET.sub(r"\1=…", command)
