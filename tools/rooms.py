"""
The import rule: the rooms of functune from bottom to top, what each holds, and which rooms it may import.

    python -m tools.rooms      write the table into docs/architecture.md

tests/test_imports.py holds the code to this table, and the page to what this module writes.
"""

from pathlib import Path
from typing import NamedTuple

PAGE = Path("docs/architecture.md")
BEGIN, END = "<!-- rooms: written by make docs -->", "<!-- end of rooms -->"


class Room(NamedTuple):
    """A module or folder of functune."""

    name: str
    """Its path below functune, without ``.py``."""
    holds: str
    imports: frozenset[str]
    """The rooms it may import; a room may import itself."""


def room(name: str, holds: str, imports: str = "") -> Room:
    """A room; ``imports`` are names separated by spaces."""
    return Room(name, holds, frozenset(imports.split()))


BASE = "errors formatting setting shapes experiments run"
FLOORS = "analysis/numbers analysis/laws analysis/search analysis/checks analysis/verdict"
ANALYSIS = f"{FLOORS} analysis"
ROOMS: tuple[Room, ...] = (
    room("errors", "every error that is meant for the user"),
    room("formatting", "numbers in words"),
    room("base_url", "the base URL of a running app, and URLs in messages", "errors"),
    room("certificates", "the certificates of the system, read once"),
    room("collection", "garbage collection, paused while modules are imported"),
    room("marked_block", "the part of a page of docs/ that is generated"),
    room("json_schema", "JSON Schemas of structs, with the docstrings of their fields"),
    room("machine", "the cores and the memory that this process may use"),
    room("environ", "the environment variables of this process"),
    room("app_service", "what App Service starts for a folder, and with which command", "errors"),
    room("shapes", "the shapes of an instance on each plan", "formatting"),
    room("web_servers", "the web servers among the hosts, and the knobs that they lack", "app_service"),
    room("setting", "Setting and the table of knobs", "formatting app_service shapes web_servers"),
    room(
        "experiments",
        "the experiment file, its types, its plan",
        "errors formatting setting shapes web_servers json_schema",
    ),
    room("run", "the run folder: records, environment, journal", "errors experiments formatting setting machine"),
    room(
        "azure",
        "an app on Azure: read, changed and restored through Resource Manager",
        "errors certificates environ setting shapes run",
    ),
    room("packages", "where an app's packages come from, the environments of workers", "errors environ"),
    room("timing", "times and lines of a handler's calls, inside a worker; standard library only"),
    room("server_process", "what the lab reads of a process of a web server", "environ timing"),
    room("limiter", "anyio's limiter of threads, in a process of the app", "errors environ"),
    room("host", "the local Functions host", "errors environ setting packages timing server_process limiter"),
    room("asgi", "a function app for ASGI servers", "errors host limiter server_process"),
    room("wsgi", "a function app for WSGI servers", "environ errors host server_process"),
    room(
        "middleware",
        "any WSGI or ASGI app with the times of its calls",
        "environ errors host limiter timing server_process",
    ),
    room(
        "hosts",
        "the host kinds that the lab starts or calls",
        "errors base_url certificates environ machine formatting setting shapes web_servers packages app_service host "
        "server_process middleware azure timing",
    ),
    room(
        "load",
        "Locust, its records and its windows",
        "errors collection environ formatting setting experiments run timing",
    ),
    room("analysis/numbers", "figures, repeats and levels", BASE),
    room("analysis/laws", "bounds, queues, scalability, Little's law", f"{BASE} analysis/numbers"),
    room("analysis/search", "the next steps to measure, the objective", f"{BASE} analysis/numbers analysis/laws"),
    room("analysis/checks", "expectations, interference, drift", f"{BASE} analysis/numbers analysis/laws"),
    room(
        "analysis/verdict",
        "strategies, recommendation, reason, sentences",
        f"{BASE} analysis/numbers analysis/laws analysis/search",
    ),
    room("analysis", "the findings of an experiment, of a run, of two runs", f"{BASE} {FLOORS}"),
    room(
        "plans", "the hosting plans: knobs, prices, parameters, commands", f"{BASE} {ANALYSIS} app_service web_servers"
    ),
    room(
        "capacity",
        "traffic, the simulated instance, bills: instances, latency and cost on each plan",
        f"{BASE} {ANALYSIS} plans marked_block",
    ),
    room(
        "sweep",
        "planner, trials, the run of a sweep and of a search",
        f"{BASE} {ANALYSIS} environ app_service azure web_servers host hosts load plans timing",
    ),
    room("report", "the published document, the page and the files", f"{BASE} {ANALYSIS} plans capacity"),
    room("watch", "the live page of a run that is measured", "errors formatting environ run report"),
    room(
        "azure_load_testing",
        "a load test for Azure Load Testing, and its results as a run",
        f"{BASE} {ANALYSIS} load",
    ),
    room("probe", "workers and threads counted from outside", "errors formatting base_url certificates timing"),
    room("instrument", "the file with which a deployed app reports the times of its calls", "errors"),
    room("showcase", "the showcase with its experiments and templates, and the folder it is written to", "errors"),
    room(
        "api",
        "the lab for notebooks and scripts",
        f"{BASE} {ANALYSIS} environ packages azure hosts load plans capacity sweep report",
    ),
    room("terminal", "everything that is printed", f"{BASE} {ANALYSIS} azure plans capacity sweep report probe"),
    room(
        "doctor",
        "the rules for an app and its settings, and the forms of a diagnosis",
        f"{BASE} {ANALYSIS} environ packages app_service azure host hosts plans report marked_block",
    ),
    room(
        "cli",
        "the commands",
        f"{BASE} {ANALYSIS} collection environ web_servers packages app_service azure host hosts load plans capacity "
        "sweep report probe instrument azure_load_testing showcase terminal doctor watch",
    ),
)


def rooms_table() -> str:
    """The table as Markdown. A room of the analysis stands for the floors below it too."""
    lines = ["| Room | Holds | Imports |", "|---|---|---|"]
    for each in ROOMS:
        names = sorted(each.imports, key=[one.name for one in ROOMS].index)
        shown = [name for name in names if not (name.startswith("analysis/") and "analysis" in each.imports)]
        lines.append(f"| `{each.name}` | {each.holds} | {', '.join(shown) or 'nothing'} |")
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the table between its marks. Raises ValueError when a mark is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{rooms_table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
