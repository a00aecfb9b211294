"""The machine and the software of the run, as its environment.json lists them."""

from collections.abc import Mapping

from functune.analysis.formatting import plural
from functune.report.markup import Html, element, join


def origin_line(environment: Mapping[str, object]) -> str:
    """The origin of the figures in a line: host, platform, cores, Python and time, as far as they are known."""
    cores = environment.get("cpu_count")
    parts = [
        environment.get("host"),
        environment.get("platform"),
        plural(cores, "core") if isinstance(cores, int) else None,
        environment.get("python"),
        environment.get("started_at"),
    ]
    return " · ".join(["functune report", *(str(part) for part in parts if part not in (None, ""))])


def machine_section(environment: Mapping[str, object]) -> Html:
    """Every entry of the environment, also those this version does not know."""
    return element(
        "section",
        element("h2", "Measured on"),
        element(
            "dl",
            *(
                join(element("dt", key.replace("_", " ")), element("dd", entry_in_words(environment[key])))
                for key in environment
            ),
            class_="facts",
        ),
        id="environment",
    )


def entry_in_words(value: object) -> str:
    """A value of the environment in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry_in_words(each)}" for key, each in value.items())
    if isinstance(value, list):
        return " ".join(map(entry_in_words, value))
    return "unknown" if value is None else str(value)
