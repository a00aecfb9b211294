"""functune init."""

import asyncio
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from functune.cli.answer import Answer, answers
from functune.cli.folders import existing_folder
from functune.cli.packages import chosen_python, package_options
from functune.errors import AppError, UsageError
from functune.experiments.schema import EXPERIMENT_SCHEMA, experiment_schema
from functune.hosts.local import LocalHostKind
from functune.hosts.routes import AppRoute, app_routes
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

EXAMPLE_VALUE = "1"
"""The value of a parameter in the CSV files that are written, to be replaced."""


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path(), metavar="[DIR]")
@click.option(
    "--route",
    "wanted",
    multiple=True,
    metavar="'GET /api/x'",
    help="A route to measure; repeat it for more.  [default: asks; with no terminal, each GET without parameters]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The experiment file.  [default: experiments/<app>.toml in DIR]"
)
@click.option(
    "--schema", "schema_only", is_flag=True, help="Print the JSON Schema of experiment files, and do nothing else."
)
@package_options
@answers()
def init_experiment(
    folder: Path,
    wanted: tuple[str, ...],
    out: Path | None,
    schema_only: bool,
    python: str | None,
    install: bool,
    answer: Answer,
) -> None:
    """
    Write an experiment for the routes of an app.

    It lists the routes that the app in DIR (this folder) registers, and writes an experiment file with comments for
    those you choose. For a route with parameters it also writes a CSV file, in which you enter their values. It adds
    the JSON Schema of experiment files, with which editors complete and check what you write.

    \b
    Examples:
      functune init
      functune init ../my-app --route 'GET /api/items' --route 'POST /api/orders/{id}'
      functune init --schema > experiments/experiment.schema.json

    Exit codes: 0 fine, 2 wrong usage, or a file exists already, 3 the app could not be loaded.
    """
    if schema_only:
        click.echo(experiment_schema(), nl=False)
        return
    app = existing_folder(folder, "DIR")
    name = re.sub(r"[^a-z0-9-]+", "-", app.resolve().name.lower()).strip("-")[:64] or "app"
    path = out or app / "experiments" / f"{name}.toml"
    require_absent(path)
    routes = asyncio.run(routes_of(app, LocalHostKind(chosen_python(app, python=python, install=install))))
    if not routes:
        raise AppError(f"the app in {app} has no HTTP route that is enabled: there is nothing to measure")
    for number, each in enumerate(routes, 1):
        click.echo(f"{number:>3}  {each}")
    chosen = chosen_routes(routes, wanted)
    files = experiment_files(name, chosen, path.name)
    for file in files:
        require_absent(path.parent / file)
    written = written_files(path.parent, {**files, EXPERIMENT_SCHEMA: experiment_schema()})
    root = [] if app.resolve() == Path().resolve() else ["--script-root", str(app)]
    command = shlex.join(["functune", "sweep", str(path), *root])
    answer.give(
        lambda: [*(f"Written: {file}" for file in written), f"Run it:  {command}"],
        lambda: {
            "experiment": str(path),
            "files": written,
            "routes": [each._asdict() | {"is_chosen": each in chosen} for each in routes],
            "command": command,
        },
    )


def require_absent(path: Path) -> None:
    """Raise UsageError where a file exists already."""
    if path.exists():
        raise UsageError(f"{path} exists, and is not overwritten: remove it, or choose another file with --out")


def written_files(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Write texts by file name into a folder, which is made; the paths. Raises UsageError where one is refused."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder} cannot be written: {error.strerror}; choose another file with --out"
        ) from error
    return [str(folder / name) for name in texts]


async def routes_of(app: Path, kind: LocalHostKind) -> list[AppRoute]:
    """The routes that the app registers, from its host. Raises HostError where it cannot be loaded."""
    async with kind.running(ServedApp(app), setting=Setting()) as host:
        return app_routes(await host.routes())


def chosen_routes(routes: Sequence[AppRoute], wanted: Sequence[str]) -> list[AppRoute]:
    """The routes to measure: those of --route, else those chosen on the terminal, else all simple ones."""
    if wanted:
        return [found_route(routes, text) for text in wanted]
    simple = [each for each in routes if each.method in ("GET", "ANY") and not each.parameters]
    if sys.stdin.isatty():
        default = ",".join(str(routes.index(each) + 1) for each in simple) or "1"
        answer = click.prompt("Routes to measure, by number", default=default)
        return numbered_routes(routes, answer)
    if not simple:
        raise UsageError("no route takes GET without parameters: name the routes to measure with --route 'POST /api/x'")
    return simple


def numbered_routes(routes: Sequence[AppRoute], answer: str) -> list[AppRoute]:
    """The routes by their numbers, separated by commas. Raises UsageError for a number that is not shown."""
    numbers = [word for word in re.split(r"[,\s]+", answer) if word]
    if not numbers or any(not word.isdecimal() or not 1 <= int(word) <= len(routes) for word in numbers):
        raise UsageError(f"{answer!r}: allowed are numbers from 1 to {len(routes)}, separated by commas")
    return [routes[int(word) - 1] for word in numbers]


def found_route(routes: Sequence[AppRoute], text: str) -> AppRoute:
    """The route of a value of --route: ``POST /api/x``, or ``/api/x``. Raises UsageError where there is none."""
    method, _, path = text.rpartition(" ")
    for each in routes:
        if each.path.lower() == path.lower() and method.upper() in ("", each.method):
            return each
    raise UsageError(f"--route '{text}': the app has no such route; it has {', '.join(map(str, routes))}")


def experiment_files(name: str, routes: Sequence[AppRoute], file: str) -> dict[str, str]:
    """The texts of the experiment file and of the CSV files it names, by file name."""
    names = request_names(routes)
    head = EXPERIMENT_HEAD.format(name=name, schema=EXPERIMENT_SCHEMA)
    files = {file: head + "".join(map(request_text, routes, names)) + EXPERIMENT_TAIL}
    for route, own in zip(routes, names, strict=True):
        if route.parameters:
            files[f"{own}.csv"] = f"{','.join(route.parameters)}\n{','.join([EXAMPLE_VALUE] * len(route.parameters))}\n"
    return files


def request_names(routes: Sequence[AppRoute]) -> list[str]:
    """A unique name for each route: ``get-items``, ``post-orders-id``."""
    found: list[str] = []
    for route in routes:
        words = re.sub(r"[^A-Za-z0-9]+", "-", route.path.removeprefix("/api/")).strip("-")
        name = f"{route.sent_method.lower()}-{words}"[:56].rstrip("-")
        found.append(name if name not in found else f"{name}-{len(found) + 1}")
    return found


def request_text(route: AppRoute, name: str) -> str:
    """One request of the experiment file."""
    lines = ["", "[[workload.requests]]", f'name = "{name}"']
    if route.sent_method != "GET":
        lines.append(f'method = "{route.sent_method}"')
    lines.append(f'route = "{route.path}"')
    if route.parameters:
        lines.append(f'values = "{name}.csv"        # a row per request; replace its example row')
    if route.sent_method in ("POST", "PUT", "PATCH"):
        lines.append('json = {}                    # the body; or body = "…", or body_file = "order.json"')
    lines.append("weight = 1                   # its share of the mix is its weight over the sum of all")
    return "\n".join(lines) + "\n"


EXPERIMENT_HEAD = """\
#:schema ./{schema}
# Which settings suit this app? Run it with `functune sweep`.
# docs/experiments.md of functune describes every key.
name = "{name}"
question = "Which settings suit {name}?"

[workload]
think_time = 0               # seconds that a user waits after an answer

# Several requests make a mix, which is measured together: an app has one setting for all its routes.
# More keys: headers = {{ x-api-key = "${{MY_KEY}}" }}, expect_status = [200, 202]. A secret stays in the environment.
"""
EXPERIMENT_TAIL = """
[settings]
thread_count = [1, 4, 16, 64, "unset"]    # unset: the host injects 1000
process_count = [1, 2]

[load]
users = [1, 4, 16, 64]       # closed loop: a user sends the next request once the last is answered
warm_up = 0.5                # seconds
measure = 2.0
repeats = 2                  # rounds, each in a new random order
"""
