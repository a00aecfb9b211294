import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blueprints.processes import SETTING, read_setting, siblings
from functune.errors import SettingsError
from functune.host.settings import parse_process_count
from tests.host.serving import wait_until

WORKER = "import sys; sys.stdin.read()"


@pytest.mark.parametrize(
    ("text", "configured", "effective"),
    [
        (None, None, 1),
        ("", None, 1),
        ("1", 1, 1),
        ("0", 0, 1),
        ("-2", -2, 1),
        ("2", 2, 2),
        ("10", 10, 10),
        ("11", 11, None),
        ("99999999999", "99999999999", None),
        ("two", "two", None),
        ("2.0", "2.0", None),
        (" 3 ", 3, 3),
        (" ", " ", None),
        ("٣", "٣", None),
    ],
)
def test_setting_is_read_as_the_host_reads_it(
    text: str | None, configured: int | str | None, effective: int | None
) -> None:
    setting = read_setting({} if text is None else {SETTING: text})
    assert setting.configured == configured
    assert setting.effective == effective
    assert effective == count_of_local_host(text)


def count_of_local_host(text: str | None) -> int | None:
    """The number of workers that the local host starts; None where it does not start."""
    try:
        return parse_process_count(text)
    except SettingsError:
        return None


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    processes = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", *arguments], stdin=subprocess.PIPE)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.communicate(timeout=30)  # closes its stdin, which ends it


def test_siblings_share_parent_and_program(start: Start) -> None:
    first = start(WORKER, "--worker-id", "1")
    second = start(WORKER, "--worker-id", "2")
    start(WORKER, "another", "--worker-id", "3")
    start(f"{WORKER} # another")
    expected = sorted([first.pid, second.pid])
    # A child has its own command line only from exec on.
    wait_until(lambda: siblings(first.pid) == expected and siblings(second.pid) == expected, "pair of siblings")


def test_siblings_leave_out_zombies(start: Start) -> None:
    first, dead = start(WORKER), start(WORKER)
    wait_until(lambda: siblings(first.pid) == sorted([first.pid, dead.pid]), "pair of siblings")
    dead.kill()  # not waited for: it stays a zombie
    wait_until(lambda: siblings(first.pid) == [first.pid], "list without the zombie")
    assert Path(f"/proc/{dead.pid}").exists()


def test_siblings_include_this_process() -> None:
    assert os.getpid() in (siblings(os.getpid()) or [])


def test_siblings_are_unknown_without_proc(tmp_path: Path) -> None:
    assert siblings(os.getpid(), tmp_path) is None
