"""Ends a process with its parent, so that a SIGKILL of the parent leaves no process behind."""

import ctypes
import os
import signal
import sys


def end_with_parent(number: signal.Signals, *, parent: int | None = None) -> None:
    """
    Ask the kernel to send this process a signal when its parent dies, by SIGKILL as well.

    ``parent`` is the pid of the expected parent: when that process has already ended, the signal is sent at once. Linux
    only; elsewhere nothing happens.
    """
    if sys.platform != "linux":
        return
    pr_set_pdeathsig = 1  # linux/prctl.h
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, number)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), number)
