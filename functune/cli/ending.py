"""How a command ends where the system ends it: SIGTERM, and a disk that is full."""

import contextlib
import errno
import signal
import threading
from collections.abc import Iterator
from types import FrameType

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """
    SIGTERM, as from ``timeout``, a CI runner or ``docker stop``, ends a command as CTRL+C does.

    Without it, no temporary folder would be removed, and an app on Azure would keep the settings of a sweep.
    """
    if threading.current_thread() is not threading.main_thread():  # only that one can handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Do what CTRL+C would do now. A shell has its background jobs ignore that, and they heed SIGTERM all the same."""
    handler = signal.getsignal(signal.SIGINT)
    (handler if callable(handler) else signal.default_int_handler)(signal.SIGINT, frame)


def full_disk_in_words(error: OSError) -> str:
    """The message about a file that has no room. Raises the error again where that is not its cause."""
    if error.errno not in DISK_FULL:
        raise error
    return (
        f"{error.filename or 'a file'} cannot be written: {error.strerror}; free space on the disk, or set "
        "TMPDIR to a folder for temporary files on another disk"
    )
