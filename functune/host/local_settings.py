"""local.settings.json: the app settings and the ``Host`` section, by the rules of ``func start``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functune.errors import SettingsError
from functune.host.relaxed_json import read_relaxed_json, section_of, value_of
from functune.host.whole_numbers import parse_whole_number


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """The content of local.settings.json."""

    values: Mapping[str, str] = field(default_factory=dict)
    """App settings and connection strings by variable name."""
    port: int | None = None
    address: str | None = None
    warnings: tuple[str, ...] = ()
    """Why the file or some of its values are ignored."""


def read_local_settings(script_root: Path) -> LocalSettings:
    """
    Read local.settings.json. Without the file there are no settings; a file that is not JSON gives a warning instead.

    Raises SettingsError for values of the wrong kind, and for encrypted ones, which only Core Tools can decrypt. As in
    ``func start``, a file without ``IsEncrypted`` counts as encrypted.
    """
    path = script_root / "local.settings.json"
    try:
        document = read_relaxed_json(path)
    except FileNotFoundError:
        return LocalSettings()
    except (OSError, ValueError) as error:
        return LocalSettings(warnings=(f"{path}: {error}; it is treated as empty.",))
    if not isinstance(document, dict):
        return LocalSettings(warnings=(f"{path}: not a JSON object; it is treated as empty.",))
    if _is_encrypted(document) and value_of(document, "Values"):
        raise SettingsError(
            f'{path}: the values are encrypted ("IsEncrypted" is not false); '
            'run `func settings decrypt`, or set "IsEncrypted": false when they are plain text'
        )
    values, warnings = _app_settings(path, document)
    host = section_of(path, document, "Host")
    address = value_of(host, "LocalHttpAddress")
    if not isinstance(address, str | None):
        raise SettingsError(f"{path}: Host.LocalHttpAddress is {address!r}; it takes a string")
    return LocalSettings(
        values=values,
        port=_local_port(path, value_of(host, "LocalHttpPort")),
        address=address,
        warnings=tuple(warnings),
    )


def _is_encrypted(document: Mapping[str, Any]) -> bool:
    # Newtonsoft reads a boolean from text and from a number too.
    return str(value_of(document, "IsEncrypted", True)).strip().lower() not in {"false", "0"}


def _app_settings(path: Path, document: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    warnings: list[str] = []
    for name, value in section_of(path, document, "Values").items():
        if not name or value is None or "=" in name or "\0" in f"{name}{value}":
            warnings.append(f"{path}: skipping the setting '{name}', no app setting can have this name or value.")
        elif isinstance(value, bool):
            values[name] = str(value).lower()
        else:
            values[name] = str(value)
    for name, value in section_of(path, document, "ConnectionStrings").items():
        values[f"ConnectionStrings:{name}"] = value if isinstance(value, str) else json.dumps(value)
    return values, warnings


def _local_port(path: Path, value: object) -> int | None:
    if value is None:
        return None
    port = parse_whole_number(value)
    if port is None or not 0 <= port <= 65535:
        raise SettingsError(f"{path}: Host.LocalHttpPort is {value!r}; it takes a whole number from 0 to 65535")
    return port
