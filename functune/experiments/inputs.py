"""
The files that the workload of an experiment names: bodies, values and a Locust file, read and checked before a run.

A run folder contains copies of them under ``inputs/``, so the run can be repeated from it alone.
"""

import ast
import csv
import io
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from functune.errors import ExperimentError
from functune.experiments.model import Experiment, Workload
from functune.experiments.request_source import COLUMN, ROUTE_COLUMN, VARIABLE
from functune.experiments.requests import RequestTemplate, columns_of, variables_of

INPUTS = "inputs"
"""The folder of the copies in a run folder."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A CSV file: the names of its columns, and its rows with the line on which each ends."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    lines: tuple[int, ...]


def with_inputs(experiment: Experiment, folder: Path) -> tuple[Experiment, dict[str, bytes]]:
    """
    The experiment with its files under ``inputs/``, and their contents by path, to be written into a run folder.

    ``folder`` is that of the experiment file. Raises ExperimentError for a file that cannot be used.
    """
    check_inputs(experiment, folder)
    contents: dict[str, bytes] = {}

    def copied(name: str | None) -> str | None:
        if name is None:
            return None
        content = read_input(folder, name)
        number, path = 1, PurePosixPath(INPUTS, experiment.name, Path(name).name)
        while contents.get(str(path), content) != content:  # another folder has a file of the same name
            number += 1
            path = path.with_name(f"{number}-{Path(name).name}")
        contents[str(path)] = content
        return str(path)

    workload = experiment.workload
    requests = tuple(
        msgspec.structs.replace(each, body_file=copied(each.body_file), values=copied(each.values))
        for each in workload.requests
    )
    moved = msgspec.structs.replace(workload, requests=requests, locustfile=copied(workload.locustfile))
    return msgspec.structs.replace(experiment, workload=moved), contents


def check_inputs(experiment: Experiment, folder: Path) -> None:
    """Raise ExperimentError, naming file, line or row, value and what is allowed, for a file that cannot be used."""
    workload = experiment.workload
    if workload.locustfile is not None:
        check_locustfile(folder / workload.locustfile, read_input(folder, workload.locustfile))
    for request in workload.requests:
        check_request(request, folder)


def check_request(request: RequestTemplate, folder: Path) -> None:
    """Check the files of one request."""
    needed = set(columns_of(request))
    if request.body_file is not None:
        content = read_input(folder, request.body_file)
        check_body(folder / request.body_file, content)
        needed |= set(COLUMN.findall(content.decode("utf-8", "replace")))
    if request.values is None:
        if needed:
            raise ExperimentError(
                f"{folder / str(request.body_file)}: {{{{{min(needed)}}}}} has no value: name a CSV file with the "
                f"column {min(needed)} as values of the request {request.name}"
            )
        return
    path = folder / request.values
    table = read_table(path, read_input(folder, request.values))
    if missing := needed - set(table.columns):
        raise ExperimentError(
            f"{path}, line 1: there is no column {min(missing)}, which the request {request.name} uses: "
            f"allowed are its columns {', '.join(table.columns)}"
        )
    for column in ROUTE_COLUMN.findall(request.route):
        for row, line in zip(table.rows, table.lines, strict=True):
            if not row[column]:
                raise ExperimentError(
                    f"{path}, line {line}: {column} is empty: allowed is a value, since it is part of the path"
                )


def read_input(folder: Path, name: str) -> bytes:
    """The content of a file next to the experiment. Raises ExperimentError where it cannot be read."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ExperimentError(
            f"{folder / name}: {error.strerror}; the experiment names this file, relative to its own folder"
        ) from error


def check_body(path: Path, content: bytes) -> None:
    """Raise ExperimentError where a .json file is not JSON; placeholders stand for any value."""
    if path.suffix != ".json":
        return
    try:
        text = content.decode("utf-8")
        json.loads(VARIABLE.sub("0", COLUMN.sub("0", text)))
    except UnicodeDecodeError as error:
        raise ExperimentError(f"{path}: not UTF-8 at byte {error.start}; a JSON body is UTF-8") from error
    except json.JSONDecodeError as error:
        raise ExperimentError(
            f"{path}, line {error.lineno}: not JSON: {error.msg}; correct it, or give the file another suffix"
        ) from error


def check_locustfile(path: Path, content: bytes) -> None:
    """Raise ExperimentError where a Locust file is not Python, or defines no class."""
    try:
        tree = ast.parse(content, filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise ExperimentError(f"{path}{line}: not Python: {error.args[0]}") from error
    if not any(isinstance(node, ast.ClassDef) for node in tree.body):
        raise ExperimentError(f"{path}: it defines no class: allowed are classes of users, such as FastHttpUser")


def read_table(path: Path, content: bytes) -> Table:
    """A CSV file in UTF-8. Raises ExperimentError naming the line for one that is not a table with at least one row."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ExperimentError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        found = [(row, reader.line_num) for row in reader if row]
    except csv.Error as error:
        raise ExperimentError(f"{path}, line {reader.line_num}: not CSV: {error}") from error
    if not found:
        raise ExperimentError(f"{path}: it is empty: the first row names the columns, a row per request follows")
    (columns, _), *rows = found
    check_columns(path, columns)
    if not rows:
        raise ExperimentError(f"{path}: it has no row below its column names: allowed is one or more")
    for row, line in rows:
        if len(row) != len(columns):
            raise ExperimentError(
                f"{path}, line {line}: the row has {len(row)} values: allowed are {len(columns)}, "
                f"one for each of {', '.join(columns)}"
            )
    return Table(
        columns=tuple(columns),
        rows=tuple(dict(zip(columns, row, strict=True)) for row, _ in rows),
        lines=tuple(line for _, line in rows),
    )


def check_columns(path: Path, columns: Sequence[str]) -> None:
    """Raise ExperimentError for a column without a name, or with the name of another one."""
    for column in columns:
        if not column.strip() or columns.count(column) > 1:
            raise ExperimentError(f"{path}, line 1: the columns are {columns}: allowed is a unique name for each")


def require_variables(experiment: Experiment, folder: Path, environ: Collection[str]) -> None:
    """Raise ExperimentError where a ``${NAME}`` of a request names no variable of the environment."""
    for request in experiment.workload.requests:
        for place, name in variables_used(request, folder):
            if name not in environ:
                raise ExperimentError(
                    f"{place} names ${{{name}}}, and there is no such environment variable: "
                    f"set it where functune starts, as in `export {name}=…`"
                )


def variables_used(request: RequestTemplate, folder: Path) -> Iterator[tuple[str, str]]:
    """The environment variables of a request, each with the place that names it."""
    for name in variables_of(request):
        yield f"the request {request.name}", name
    for file in (request.body_file, request.values):
        if file is not None:
            for name in VARIABLE.findall(read_input(folder, file).decode("utf-8", "replace")):
                yield str(folder / file), name


def variable_names(workload: Workload, folder: Path) -> set[str]:
    """The environment variables that the requests of a workload name."""
    return {name for request in workload.requests for _, name in variables_used(request, folder)}
