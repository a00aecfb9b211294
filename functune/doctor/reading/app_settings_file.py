"""App settings that are given to the command: one by one, or as the file that ``az`` prints."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from functune.doctor.reading.json_lines import line_of
from functune.doctor.reading.settings import SettingPlace
from functune.errors import UsageError

_FORM = "the JSON that `az webapp config appsettings list` prints, or an object of names with their values"


def given_places(named: Sequence[str], file: Path | None) -> tuple[SettingPlace, ...]:
    """
    The settings of ``NAME=VALUE`` texts, then those of a file that has none of these names.

    Raises UsageError for a text or a file of another form.
    """
    given = [place_of_text(text) for text in named]
    names = {each.name for each in given}
    return (*given, *(each for each in (places_in(file) if file is not None else ()) if each.name not in names))


def place_of_text(text: str) -> SettingPlace:
    """One ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[\w.:-]+", name):
        raise UsageError(f"--setting '{name}': it takes NAME=VALUE, such as --setting WEB_CONCURRENCY=4")
    return SettingPlace(name=name, value=value, file=None, line=None, is_deployed=True)


def places_in(file: Path) -> Iterator[SettingPlace]:
    """The settings of a file: the list that `az webapp config appsettings list` prints, or names with their values."""
    try:
        text = file.read_text("utf-8-sig")
        document = json.loads(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise UsageError(f"--settings {file}: {reason}; name a file with {_FORM}") from error
    match document:
        case list() if all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in document):
            pairs = [(each["name"], each.get("value")) for each in document]
        case dict() if all(isinstance(value, str | int | float | bool) for value in document.values()):
            pairs = list(document.items())
        case _:
            raise UsageError(f"--settings {file}: it takes {_FORM}")
    for name, value in pairs:
        shown = json.dumps(value) if isinstance(value, bool) else "" if value is None else str(value)
        line = line_of_name(text, name)
        yield SettingPlace(name=name, value=shown, file=file.name, line=line, is_deployed=True)


def line_of_name(text: str, name: str) -> int:
    """The line of a setting in either form of the file."""
    found = re.search(rf'"name"\s*:\s*"{re.escape(name)}"', text)
    return line_of(text, [name]) if found is None else text.count("\n", 0, found.start()) + 1
