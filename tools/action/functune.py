"""The command functune, called in the checkout."""

import subprocess
from pathlib import Path

from tools.action.log import group
from tools.action.result import Called


class Functune:
    """The command."""

    def __init__(self, program: str, workspace: Path) -> None:
        self.program = program
        self.workspace = workspace

    def call(self, title: str, *arguments: object) -> Called:
        """One call, whose output is shown while it runs."""
        with group(title):
            process = subprocess.Popen(
                [self.program, *map(str, arguments)],
                cwd=self.workspace,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
            return Called(code=process.wait(), output="".join(lines))
