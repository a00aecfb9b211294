"""The app of the tutorial, made from the blocks of its pages, and a terminal in its folder."""

import ast
import os
import re
import shlex
import subprocess
from pathlib import Path

from tests.host.serving import Serving
from tests.pages.commands import ROOT, TUTORIAL
from tests.stranger.installed import Stranger, make_environment

PRICES_PORT = "7999"
"""Of the page; a test takes a free one."""
_FILE = re.compile(r"^`([\w./]+)`[^\n]*:\n\n```(?:python|json|text|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of_pages() -> dict[str, str]:
    """The files that the tutorial shows, by name: a line that begins with the name, then the block."""
    return {name: text for page in TUTORIAL for name, text in _FILE.findall(page.read_text(encoding="utf-8"))}


def write_app(folder: Path, port: int) -> None:
    """The app, with its packages in an environment of its own, as the first page makes it."""
    folder.mkdir()
    for name in ("function_app.py", "host.json", "requirements.txt", "local.settings.json", "prices.py"):
        text = files_of_pages()[name].replace(PRICES_PORT, str(port))
        (folder / name).write_text(text, encoding="utf-8")
    make_environment(folder / ".venv", *(folder / "requirements.txt").read_text().split())


class Terminal:
    """A terminal in a folder, with the installed functune on its path."""

    def __init__(self, stranger: Stranger, folder: Path) -> None:
        self.stranger = stranger
        self.folder = folder
        self.environ = stranger.environ(PATH=f"{stranger.program.parent}:{os.environ['PATH']}")

    def line_of(self, text: str) -> int:
        """The number of the line of the app that has a text."""
        lines = (self.folder / "function_app.py").read_text(encoding="utf-8").splitlines()
        [line] = [number for number, each in enumerate(lines, 1) if text in each]
        return line

    def typed(self, command: str, *bounded: str, codes: tuple[int, ...] = (0,), url: str = "") -> str:
        """
        The output of a command of a page, with arguments that make it short.

        ``url`` takes the place of the address of ``functune serve`` on the page.
        """
        text = command.replace("http://127.0.0.1:7071", url) if url else command
        done = subprocess.run(
            f"{text} {shlex.join(bounded)}",
            shell=True,
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in codes, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    def started(self, command: str) -> Serving:
        """A ``functune serve`` of a page, on a free port."""
        settings, flags = command.split("functune serve")
        environ = dict(setting.split("=") for setting in settings.split())
        return self.stranger.serve(self.folder, *flags.split(), **environ)


def texts_in(test_file: Path) -> set[str]:
    """The texts of a test file, among which are the commands that it types."""
    nodes = ast.walk(ast.parse(test_file.read_text(encoding="utf-8")))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


TYPED = texts_in(ROOT / "tests" / "stranger" / "test_tutorial.py")
