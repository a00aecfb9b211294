"""
Pages whose commands are run: blocks of commands with a part of their output, and changes to the files of an app.

A block begins with three backticks and the word ``console`` or ``diff``. A line of a console block that begins with
``$ `` is a command. The lines below it are in its output, in the same order; ``…`` on a line of its own stands for any
lines between, and within a line for any text. A number that a measurement gives is any number.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from functune.experiments.model import Matrix
from tests.analysis.simulated import planned, sweep
from tests.report.written import run_folder

APPS = Path(__file__).parent / "docs_apps"
OF_THE_READER = ("VIRTUAL_ENV", "PYTHONPATH", "FUNCTIONS_WORKER_PROCESS_COUNT", "PYTHON_THREADPOOL_THREAD_COUNT")
"""Variables of the tests that a reader does not have."""
MEASURES = ("sweep", "tune", "probe", "compare", "--run", "--measure")
"""What makes the figures of an output differ from one call to the next."""
_BLOCK = re.compile(r"^```(console|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FIGURE = re.compile(
    r"(?<![\w.:=])(?<!HTTP )(?>\d+(?:[.,]\d+)*)(?! (?:users?|threads?|process(?:es)?)\b)(?: (?:µs|ms|s)\b)?"
)
"""A measured number with its unit; users, threads, processes, lines of files and statuses are none."""


class Block(NamedTuple):
    """A block of a page."""

    kind: Literal["console", "diff"]
    text: str


class Shown(NamedTuple):
    """A command with the part of its output that a page shows."""

    command: str
    lines: tuple[str, ...]

    @property
    def measures(self) -> bool:
        """Whether its figures differ from one call to the next."""
        return any(word in MEASURES for word in shlex.split(self.command))


def sections(page: str) -> dict[str, list[Block]]:
    """The blocks of a page by the title of their section, for sections that have some."""
    found = {}
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        if blocks := [Block(kind, text) for kind, text in _BLOCK.findall(body)]:
            found[title] = blocks
    return found


def shown_commands(text: str) -> Iterator[Shown]:
    """The commands of a console block."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *lines = part.rstrip("\n").split("\n")
        yield Shown(command, tuple(lines))


def follow(blocks: Iterable[Block], folder: Path) -> None:
    """Run the commands of a section in a folder and change its files, as the page says."""
    for block in blocks:
        if block.kind == "diff":
            change(block.text, folder)
        else:
            for shown in shown_commands(block.text):
                assert_shown(shown, output_of(shown.command, folder))


def output_of(command: str, folder: Path) -> str:
    """What a command prints, errors included."""
    name, *arguments = shlex.split(command)
    assert name == "functune", command
    own = {name: value for name, value in os.environ.items() if name not in OF_THE_READER}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "functune.cli", *arguments],
        cwd=folder,
        env=own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert "Traceback" not in done.stdout
    return done.stdout


def assert_shown(shown: Shown, output: str) -> None:
    """The lines that a page shows are the output, but for those that ``…`` stands for."""
    printed = [line.rstrip() for line in output.rstrip().split("\n")]
    place, is_next = 0, True
    for line in shown.lines:
        if line.strip() == "…":
            is_next = False
            continue
        pattern = pattern_of(line, with_figures=not shown.measures)
        last = place + 1 if is_next else len(printed)
        found = next((at for at in range(place, min(last, len(printed))) if pattern.fullmatch(printed[at])), None)
        assert found is not None, f"$ {shown.command}\n{line}\nis not the next line of\n{output}"
        place, is_next = found + 1, True
    assert not is_next or place == len(printed), f"$ {shown.command}\nprints more than\n{output}"


def pattern_of(line: str, *, with_figures: bool) -> re.Pattern[str]:
    """What a line of a page matches."""
    texts = [re.escape(text) if with_figures else any_figures(text) for text in line.rstrip().split("…")]
    return re.compile(".*".join(texts))


def any_figures(text: str) -> str:
    """A pattern for a text with any figures in place of its own; what names a place or a status is no figure."""
    return r"[\d.,]+(?: (?:µs|ms|s)\b)?".join(re.escape(part) for part in _FIGURE.split(text))


def change(text: str, folder: Path) -> None:
    """Change the files of a folder as a unified diff without line numbers says."""
    for part in re.split(r"^--- .*\n\+\+\+ ", text, flags=re.MULTILINE)[1:]:
        name, _, hunk = part.partition("\n")
        lines = hunk.rstrip("\n").split("\n")
        before, after = ("".join(f"{line[1:]}\n" for line in lines if line[:1] != sign) for sign in "+-")
        path = folder / name
        old = path.read_text()
        assert old.count(before) == 1, f"{name} has these lines {old.count(before)} times:\n{before}"
        path.write_text(old.replace(before, after))


def copied_apps(folder: Path) -> Path:
    """The apps of the pages, in a folder where the commands run; the web app has the packages of the tests."""
    shutil.copytree(APPS, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (folder / "web" / ".venv").symlink_to(sys.prefix)
    return folder


def recorded_run(folder: Path, settings: Matrix) -> None:
    """A run of a handler that waits for 100 ms, from records: its figures are the same at each call."""
    experiment = planned(name="orders", question="How many threads?", routes=("/api/orders",), settings=settings)
    run_folder(folder, [experiment], sweep(experiment, jitter=0.1))
