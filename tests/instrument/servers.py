"""Apps with the times file, and servers other than Azure Functions that run them, as processes of their own."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from functune.instrument.file import write_times_file
from functune.instrument.functune_times import SETTING
from tests.host.serving import wait_until

APPS = Path(__file__).parent / "apps"
# A client may send on a connection just as the server closes it for being idle, which happens after 2 s and 5 s.
# Uvicorn also replaces a process that has no time to answer a signal of life within 5 s.
GUNICORN_PATIENCE = ("--keep-alive", "75")
UVICORN_PATIENCE = ("--timeout-keep-alive", "75", "--timeout-worker-healthcheck", "60")
_URL = re.compile(r"(?:running on|Listening at:) (http://127\.0\.0\.1:\d+)")


def instrumented(app: str, folder: Path, *lines: str) -> Path:
    """A copy of an app with the times file, and with the lines added at the end of its module."""
    shutil.copytree(APPS / app, folder)
    write_times_file(folder, force=False)
    [module] = (path for path in folder.glob("*.py") if path.name != "functune_times.py")
    with module.open("a") as file:
        file.write("\n".join(["", "import functune_times", *lines, ""]))
    return folder


def answers(url: str) -> bool:
    """Whether a server answers there, with any status."""
    try:
        httpx.get(url, trust_env=False, verify=False, timeout=10)
    except httpx.TransportError:
        return False
    return True


@contextmanager
def served(folder: Path, *command: str, times: str = "1") -> Iterator[str]:
    """The URL of ``python -m command``, which runs in the folder and prints where it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, SETTING: times},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    stdout = process.stdout
    assert stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(iter(stdout.readline, "")), daemon=True)
    reader.start()

    def url() -> str:
        found = _URL.search("".join(lines))
        assert found or process.poll() is None, "".join(lines)
        return found[1] if found else ""

    try:
        address = wait_until(url, "line with the URL")
        wait_until(lambda: answers(address), "answer")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(10)
        stdout.close()
