"""Whose code a frame runs, and the C function that a frame is inside of, read without running code of the app."""

import functools
import math
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import functune
from functune.timing.frames import ReaderCode
from functune.timing.frames_callee import attribute, callee, function_name, unwrapped
from functune.timing.frames_waits import RUNS, Wait, wait_of_thread
from tests.host.serving import wait_until


def code_of(path: Path) -> CodeType:
    return compile("pass", str(path), "exec")


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("function_app.py", "function_app.py"),
        ("shop/orders.py", "shop/orders.py"),
        (".python_packages/lib/site-packages/requests/api.py", ""),
        ("packages/lib/python3.13/site-packages/requests/api.py", ""),
        ("env/lib/anything.py", ""),
        ("env2/lib/anything.py", "env2/lib/anything.py"),
    ],
)
def test_code_of_the_reader_lies_outside_packages_and_environments(tmp_path: Path, path: str, file: str) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert ReaderCode(tmp_path).file(code_of(tmp_path / path)) == file


def test_code_of_the_reader_may_lie_next_to_the_script_root(tmp_path: Path) -> None:
    assert ReaderCode(tmp_path / "app").file(code_of(tmp_path / "shared" / "db.py")) == str(tmp_path / "shared/db.py")


def test_script_root_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert ReaderCode(tmp_path / "link").file(code_of(tmp_path / "link" / "a.py")) == "a.py"
    assert ReaderCode(tmp_path / "link").file(code_of(tmp_path / "real" / "a.py")) == "a.py"


def test_standard_library_and_functune_are_not_the_reader(tmp_path: Path) -> None:
    """The showcase has functune and its environment below its script root."""
    root = Path(functune.__file__).parents[1]
    reader = ReaderCode(root)
    assert reader.file(code_of(Path(queue.__file__))) == ""
    assert reader.file(code_of(root / "functune" / "host" / "worker.py")) == ""
    assert reader.file(code_of(root / "blueprints" / "sync.py")) == "blueprints/sync.py"
    assert reader.file(compile("pass", "<string>", "exec")) == ""


class Held:
    """Places from which a C function is called."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.again = threading.RLock()
        self.simple: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.socket, self.other = socket.socketpair()
        self.acquire = self.lock.acquire

    @property
    def trap(self) -> Any:
        raise AssertionError("the app's code ran")

    def with_lock(self) -> None:
        with self.lock:
            pass

    def with_rlock(self) -> None:
        with self.again:
            pass

    def acquired(self) -> None:
        self.lock.acquire()
        self.lock.release()

    def kept_method(self) -> None:
        self.acquire()
        self.lock.release()

    def taken(self) -> None:
        self.simple.get(timeout=60)

    def received(self) -> None:
        self.socket.recv(1)

    def slept(self) -> None:
        while self.simple.empty():
            time.sleep(0.5)

    def free(self) -> None:
        """Let every one of them go on."""
        self.simple.put(1)
        self.other.send(b"x")


@pytest.mark.parametrize(
    ("method", "name", "wait"),
    [
        ("with_lock", "_thread.lock.__enter__", Wait("lock", "Lock.acquire")),
        ("with_rlock", "_thread.RLock.__enter__", Wait("lock", "RLock.acquire")),
        ("acquired", "_thread.lock.acquire", Wait("lock", "Lock.acquire")),
        ("kept_method", "_thread.lock.acquire", Wait("lock", "Lock.acquire")),
        ("taken", "_queue.SimpleQueue.get", Wait("pool", "SimpleQueue.get")),
        ("received", "_socket.socket.recv", Wait("network", "socket.recv")),
        ("slept", "time.sleep", Wait("sleep", "time.sleep")),
    ],
)
def test_function_in_c_is_named(tmp_path: Path, method: str, name: str, wait: Wait) -> None:
    held = Held()
    with held.lock, held.again:
        thread = threading.Thread(target=getattr(held, method))
        thread.start()
        frame = wait_until(lambda: inside(thread, getattr(Held, method)), "frame of the method")
        wait_until(lambda: callee(inside(thread, getattr(Held, method)) or frame) == name, f"call of {name}")
        # A thread that sleeps wakes up now and then, also between the two looks at it.
        reader = ReaderCode(tmp_path)
        wait_until(lambda: wait_of_thread([sys._current_frames()[thread.ident or 0]], reader) == wait, str(wait))
        held.free()
    thread.join()
    held.socket.close()
    held.other.close()


def inside(thread: threading.Thread, method: Callable[..., object]) -> FrameType | None:
    """The innermost frame of a thread, once it is that of a method."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame if frame is not None and frame.f_code is method.__code__ else None


def rooted() -> None:
    math.sqrt(-1)


def parsed() -> None:
    int("x")


def looked_at() -> None:
    os.stat("/nowhere/at/all")  # noqa: PTH116  # the function in C itself


@pytest.mark.parametrize(
    ("function", "wait"),
    [(rooted, RUNS), (parsed, RUNS), (looked_at, Wait("other", "posix.stat", is_certain=False))],
)
def test_function_in_c_that_cannot_wait_is_work(tmp_path: Path, function: Callable[[], None], wait: Wait) -> None:
    """The frame is at the call of the C function, which raises."""
    with pytest.raises((ValueError, OSError)) as caught:
        function()
    frame = caught.traceback[-1].frame.raw
    assert wait_of_thread([frame], ReaderCode(tmp_path)) == wait


def test_properties_of_the_app_do_not_run() -> None:
    held = Held()
    assert function_name(attribute(held, "trap")) == ""
    assert function_name(attribute(attribute(held, "lock"), "acquire")) == "_thread.lock.acquire"
    with pytest.raises(AssertionError, match="the app's code ran"):
        _ = held.trap
    held.socket.close()
    held.other.close()


def test_function_inside_of_a_partial_is_found() -> None:
    assert unwrapped(functools.partial(functools.partial(time.sleep), 1)) is time.sleep
    assert unwrapped(len) is len
