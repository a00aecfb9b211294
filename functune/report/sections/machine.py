"""The machine and the software of the run, as its environment.json lists them."""

from collections.abc import Mapping

import msgspec

from functune.report.markup import Html, element, join
from functune.run.environment import Environment, is_elsewhere

WITH_UNITS = {"memory_mb": "memory, MB", "core_speed": "core speed, million additions/s"}
"""The names of figures, with their units."""
WITHOUT_VALUE = {"app": "none named", "app_python": "none named", "cpu_quota": "none", "git_commit": "none"}
"""The entries whose lack is known, in words."""


def origin_line(environment: Environment) -> str:
    """The origin of the figures in a line: host, platform, cores, Python and time, as far as they are known."""
    parts = [
        f"{environment.host.rpartition('/')[2]} on Azure" if environment.is_on_azure else environment.host,
        f"load from {environment.platform}" if is_elsewhere(environment.host_kind) else environment.platform,
        environment.cores_said,
        environment.python,
        environment.started_at,
    ]
    return " · ".join(["functune report", *(str(part) for part in parts if part not in (None, ""))])


def machine_section(environment: Environment) -> Html:
    """Every entry of the environment."""
    return element(
        "section",
        element("h2", "Measured on"),
        element(
            "dl",
            *(
                join(
                    element("dt", WITH_UNITS.get(key, key.replace("_", " "))),
                    element("dd", WITHOUT_VALUE.get(key, "unknown") if value is None else entry_in_words(value)),
                )
                for key, value in msgspec.structs.asdict(environment).items()
            ),
            class_="facts",
        ),
        id="environment",
    )


def entry_in_words(value: object) -> str:
    """A value of the environment in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry_in_words(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(entry_in_words, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
