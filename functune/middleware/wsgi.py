"""Any WSGI app with the times of its calls, for ``sync`` and ``gthread`` workers: see functune.middleware."""

import os

from functune.environ import is_first_process
from functune.errors import FunctuneError
from functune.middleware.entry import app_of_process
from functune.middleware.timed_wsgi import TimedWsgi
from functune.server_process import end_without_app


def started_wsgi() -> TimedWsgi:
    """
    The app of this process. Ends the process with the error where it cannot be loaded.

    Where a server loads the app before it starts its workers (``preload_app``), its workers begin as they are forked.
    """
    try:
        timed = TimedWsgi(app_of_process())
    except FunctuneError as error:
        end_without_app(error)
    if not is_first_process():
        timed.begin_process()
        return timed
    first = os.getpid()

    def begin_worker() -> None:
        if os.getppid() == first:  # and not a process that the app starts in a worker
            timed.begin_process()

    os.register_at_fork(after_in_child=begin_worker)
    return timed


app = started_wsgi()
