"""Ends a process with the one that started it, so that a SIGKILL leaves nothing behind."""

import ctypes
import os
import signal
import sys


def end_with_parent(number: signal.Signals, *, parent: int | None = None) -> None:
    """
    Have the kernel send this process a signal when its parent dies, whatever the parent dies of.

    ``parent`` is the pid that is expected to be the parent: when it is gone already, the signal comes at once. Linux
    only; elsewhere nothing happens.
    """
    if sys.platform != "linux":
        return
    pr_set_pdeathsig = 1  # linux/prctl.h
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, number)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), number)
