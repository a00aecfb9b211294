"""Draws reports in a process of its own, which keeps its imports between two of them."""

import subprocess
import sys
from pathlib import Path

from functune.environ import child_environ
from functune.errors import RunFolderError
from functune.watch.drawing import LOWEST_PRIORITY, read_drawn


class Drawer:
    """
    The process, started for the first report and again where it has ended.

    ``niceness`` lowers its priority: at the lowest, programs that want all cores keep it from them for long.
    """

    def __init__(self, run: Path, *, niceness: int = LOWEST_PRIORITY) -> None:
        self.run = run
        self.niceness = niceness
        self.process: subprocess.Popen[bytes] | None = None

    def draw(self) -> bytes:
        """The page. Raises RunFolderError where it cannot be drawn."""
        process = self.running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(b"\n")
            process.stdin.flush()
            found = read_drawn(process.stdout)
        except BrokenPipeError:
            found = None
        if found is None:
            raise RunFolderError(f"the process that draws the report ended with exit code {process.wait()}")
        drawn, page = found
        if drawn.problem:
            raise RunFolderError(drawn.problem)
        return page

    def running(self) -> subprocess.Popen[bytes]:
        """The process, which is started where there is none."""
        if self.process is None or self.process.poll() is not None:
            self.close()
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "functune.watch.drawing", str(self.run), str(self.niceness)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=child_environ({}),
                start_new_session=True,  # CTRL+C is for the command, which then ends this process
            )
        return self.process

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            with self.process:  # closes the pipes and waits
                pass
