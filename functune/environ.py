"""The environment of this process: the only module of functune that reads it, and the names of the keys in it."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, quote_plus

FUNCTION_KEY = "FUNCTUNE_FUNCTION_KEY"
"""The key that ``functune serve --enable-auth`` asks for; it opens every function."""
MASTER_KEY = "FUNCTUNE_MASTER_KEY"
"""The key that opens the admin endpoints as well."""
URL_KEY = "FUNCTUNE_KEY"
"""The function key sent to a host given by its URL."""
SECRET_PREFIX = "FUNCTUNE_SECRET_"
"""Variables for the requests alone: the load process gets them, and no host or other program does."""
RESOURCE_MANAGER = "FUNCTUNE_RESOURCE_MANAGER"
"""The origin of Resource Manager, for clouds other than the public one, and for a stand-in on this machine."""
PROFILE_FOLDER = "FUNCTUNE_PROFILE"
"""The folder into which the workers of the local host write profiles; unset or empty for none."""
SCRIPT_ROOT = "FUNCTUNE_SCRIPT_ROOT"
"""The folder of the app that functune.asgi and functune.wsgi serve; the working directory where it is unset."""
CALLS_FOLDER = "FUNCTUNE_CALLS"
"""
The folder in which functune.asgi and functune.wsgi count the calls of each process. They measure the times of calls
where it is set.
"""
LIMITER_TOKENS = "FUNCTUNE_LIMITER_TOKENS"
"""
The threads that anyio's default limiter admits in a process of the app, at which functune keeps it; unset or empty for
those of the app. The local host and the ASGI servers obey it.
"""
APP_ENTRY = "FUNCTUNE_APP"
"""``module:callable`` of the app that functune.middleware serves in the folder of FUNCTUNE_SCRIPT_ROOT."""
LAB_PID = "FUNCTUNE_LAB_PID"
"""The process that started the server, by which its first process knows that it is the first."""
PYTHON_PATH = "PYTHONPATH"

SHORTEST_SECRET = 4
"""Characters of a value that is removed from messages: a shorter one is in any text by chance."""


def process_environ() -> dict[str, str]:
    """A copy of the environment of this process."""
    return dict(os.environ)


def set_missing(variables: Mapping[str, str]) -> None:
    """Set the variables that this process does not have."""
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def replace_environ(variables: Mapping[str, str]) -> None:
    """Give this process these variables and no others."""
    os.environ.clear()
    os.environ.update(variables)


def child_environ(extra: Mapping[str, str]) -> dict[str, str]:
    """
    The environment for a program started from here: that of this process, with ``extra`` over it.

    It lacks the function key of a URL and the secrets of the requests, which belong to the load alone.
    """
    return {
        name: value for name, value in os.environ.items() if name != URL_KEY and not name.startswith(SECRET_PREFIX)
    } | dict(extra)


def search_path(first: Path) -> str:
    """The PATH of this process with the folder ``first`` in front."""
    return os.pathsep.join([str(first), os.environ.get("PATH", os.defpath)])


def activated_environment() -> str | None:
    """The folder of the virtual environment that the shell has activated; None without one."""
    return os.environ.get("VIRTUAL_ENV") or None


def cache_folder() -> Path:
    """The folder for what can be made again: ``functune`` below XDG_CACHE_HOME, or below ``~/.cache``."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path is invalid by the XDG specification and has to be ignored.
    return (Path(cache) if cache.startswith("/") else Path.home() / ".cache") / "functune"


def state_folder() -> Path:
    """The folder for what must outlive a command: ``functune`` below XDG_STATE_HOME, or below ``~/.local/state``."""
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else Path.home() / ".local" / "state") / "functune"


def resource_manager() -> str:
    """The origin of Resource Manager that the environment names; empty for that of the public cloud."""
    return os.environ.get(RESOURCE_MANAGER, "")


def has_auth_keys() -> bool:
    """Whether the environment has a key to ask for."""
    return bool(os.environ.get(FUNCTION_KEY) or os.environ.get(MASTER_KEY))


def in_process_root() -> Path:
    """The folder of the app that is served in this process."""
    return Path(os.environ.get(SCRIPT_ROOT) or ".")


def app_entry() -> str:
    """The callable of the app that is served in this process; empty where none is named."""
    return os.environ.get(APP_ENTRY, "")


def is_first_process() -> bool:
    """Whether the lab has started this process itself, and not the server."""
    return os.environ.get(LAB_PID) == str(os.getppid())


def limiter_tokens() -> str:
    """The threads of anyio's limiter as they are asked for; empty where they are not."""
    return os.environ.get(LIMITER_TOKENS, "")


def calls_folder() -> Path | None:
    """The folder for the counts of calls; None where the environment names none."""
    return Path(folder) if (folder := os.environ.get(CALLS_FOLDER)) else None


def profile_folder() -> Path | None:
    """The folder for profiles; None where this process was not started to be profiled."""
    return Path(folder) if (folder := os.environ.get(PROFILE_FOLDER)) else None


def secret_environ() -> dict[str, str]:
    """The secrets of the requests, for the load process."""
    return {name: value for name, value in os.environ.items() if name.startswith(SECRET_PREFIX)}


def keep_secret(variable: str, value: str) -> None:
    """Put a secret into the environment of this process."""
    os.environ[variable] = value


def secret_variable(name: str) -> str:
    """The variable for the secret of this name, such as that of a header: in upper case after the prefix."""
    return SECRET_PREFIX + "".join(letter if letter.isalnum() else "_" for letter in name.upper())


def without_values(text: str, names: Iterable[str]) -> str:
    """
    The text with ``${NAME}`` in place of the value of each variable.

    The value is also replaced in its percent-encoded form, and the texts in a value that is JSON or a form.
    """
    known = {part: name for name in (*names, URL_KEY) for part in secret_parts(os.environ.get(name, ""))}
    for part in sorted(known, key=len, reverse=True):
        for form in (part, quote(part, safe=""), quote_plus(part)):
            text = text.replace(form, f"${{{known[part]}}}")
    return text


def secret_parts(value: str) -> list[str]:
    """A secret value, with the texts in it where it is JSON or a form, as far as they are long enough to be secret."""
    try:
        parts = list(texts_in(json.loads(value)))
    except ValueError:
        parts = [text for _, text in parse_qsl(value)]
    return [part for part in (value, *parts) if len(part) >= SHORTEST_SECRET]


def texts_in(value: object) -> Iterator[str]:
    """The texts in a JSON value, without the names of its fields."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts_in(each)
        case list():
            for each in value:
                yield from texts_in(each)
