"""The inputs of the action, checked, and the places of a workflow run."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FAILURES = ("worse", "expectations")
"""The causes that fail-on can name."""


class ActionError(Exception):
    """An input cannot be used. The message names it, the value, what is allowed and what to do next."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the workflow asks for."""

    workspace: Path
    """The checkout of the caller."""
    folder: Path
    """Everything that this action writes."""
    key: str
    """Names this use of the action: its folder, its artifact and its comment."""
    experiments: tuple[str, ...]
    route: str
    script_root: str
    arguments: tuple[str, ...]
    """Further flags of functune sweep or functune tune."""
    packages: tuple[str, ...]
    """The flags that choose the packages of the app."""
    base: str
    """The revision to compare with; empty for that of the pull request."""
    base_run: str
    """A run folder to compare with, which was measured before."""
    margin: str
    fail_on: tuple[str, ...]
    comment: bool
    doctor: bool
    event: str
    """The event that started the workflow."""

    @property
    def head_run(self) -> Path:
        """The run folder of the checkout."""
        return self.folder / "head"


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """The inputs of the environment. Raises ActionError."""
    key = text(environ, "key", "functune")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", key):
        raise ActionError(f"key: {key!r}: allowed are up to 60 letters, digits, dots, hyphens and underscores")
    experiments, route = tuple(lines(environ, "experiments")), text(environ, "route")
    if bool(experiments) == bool(route):
        given = "both are" if route else "neither is"
        raise ActionError(f"experiments and route: {given} given; allowed is one of them")
    return Inputs(
        workspace=Path(environ["GITHUB_WORKSPACE"]),
        folder=Path(environ["RUNNER_TEMP"]) / "functune-action" / key,
        key=key,
        experiments=experiments,
        route=route,
        script_root=text(environ, "script-root", "."),
        arguments=words(environ, "arguments"),
        packages=packages(environ),
        base=text(environ, "base"),
        base_run=text(environ, "base-run"),
        margin=text(environ, "margin", "0.05"),
        fail_on=causes(environ),
        comment=is_true(environ, "comment"),
        doctor=is_true(environ, "doctor"),
        event=environ.get("GITHUB_EVENT_NAME", ""),
    )


def text(environ: Mapping[str, str], name: str, default: str = "") -> str:
    """An input without the white space around it; the default where it is empty."""
    return environ.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip() or default


def lines(environ: Mapping[str, str], name: str) -> list[str]:
    """The lines of an input that are not empty."""
    return [line.strip() for line in text(environ, name).splitlines() if line.strip()]


def words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The words of an input as a shell splits them; nothing in it is run."""
    try:
        return tuple(shlex.split(text(environ, name)))
    except ValueError as problem:
        raise ActionError(f"{name}: {text(environ, name)!r}: {problem}; allowed are words as in a shell") from problem


def is_true(environ: Mapping[str, str], name: str) -> bool:
    """An input that is ``true`` or ``false``. Raises ActionError for another value."""
    given = text(environ, name, "false")
    if given not in ("true", "false"):
        raise ActionError(f"{name}: {given!r}: allowed are true and false")
    return given == "true"


def packages(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The flags --install and --python."""
    python = text(environ, "python")
    return (*(["--install"] if is_true(environ, "install") else []), *(["--python", python] if python else []))


def causes(environ: Mapping[str, str]) -> tuple[str, ...]:
    """What else than an error fails the job. Raises ActionError for a word that is not in FAILURES."""
    given = text(environ, "fail-on").split()
    if given == ["nothing"]:
        return ()
    if not given or not set(given) <= set(FAILURES):
        raise ActionError(f"fail-on: {' '.join(given)!r}: allowed are {' and '.join(FAILURES)}, or nothing")
    return tuple(given)
