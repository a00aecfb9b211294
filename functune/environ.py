"""The environment of this process: the only module of functune that reads it, and the names of the keys in it."""

import os
from collections.abc import Mapping
from pathlib import Path

FUNCTION_KEY = "FUNCTUNE_FUNCTION_KEY"
"""The key that ``functune serve --enable-auth`` asks for; it opens every function."""
MASTER_KEY = "FUNCTUNE_MASTER_KEY"
"""The key that opens the admin endpoints as well."""
URL_KEY = "FUNCTUNE_KEY"
"""The function key sent to a host given by its URL."""
PROFILE_FOLDER = "FUNCTUNE_PROFILE"
"""The folder into which the workers of the local host write profiles; unset or empty for none."""


def profile_folder() -> Path | None:
    """The folder for profiles; None where this process was not started to be profiled."""
    return Path(folder) if (folder := os.environ.get(PROFILE_FOLDER)) else None


def process_environ() -> dict[str, str]:
    """A copy of the environment of this process."""
    return dict(os.environ)


def child_environ(extra: Mapping[str, str]) -> dict[str, str]:
    """
    The environment for a program started from here: that of this process, with ``extra`` over it.

    It lacks the function key of a URL, which belongs to the load on that URL alone.
    """
    return {name: value for name, value in os.environ.items() if name != URL_KEY} | dict(extra)


def search_path(first: Path) -> str:
    """The PATH of this process with the folder ``first`` in front."""
    return os.pathsep.join([str(first), os.environ.get("PATH", os.defpath)])


def cache_folder() -> Path:
    """The folder for what can be made again: ``functune`` below XDG_CACHE_HOME, or below ``~/.cache``."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path is invalid by the XDG specification and has to be ignored.
    return (Path(cache) if cache.startswith("/") else Path.home() / ".cache") / "functune"


def activated_environment() -> str | None:
    """The folder of the virtual environment that the shell has activated; None without one."""
    return os.environ.get("VIRTUAL_ENV") or None
