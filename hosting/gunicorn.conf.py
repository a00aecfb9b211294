"""
Gunicorn's settings for the app on App Service, on Container Apps and in any container, all from the environment.

    gunicorn --config hosting/gunicorn.conf.py functune.asgi:app

docs/app-service.md lists the variables. A value that is not allowed ends the start with exit code 1 and one sentence.
"""

import logging
import math
import os
import sys
from pathlib import Path
from typing import NoReturn

# Gunicorn puts the app's folder on the path only after it has read this file.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from blueprints.instance import read_limits

WORKER_CLASSES = ("asgi", "uvicorn_worker.UvicornWorker", "gthread", "sync")


def refuse(name: str, value: str, allowed: str) -> NoReturn:
    """End the start. Gunicorn prints a traceback for any other exception of this file."""
    raise SystemExit(f"gunicorn.conf.py: {name} is {value!r}; it takes {allowed}. Correct it or unset it.")


def whole_number(name: str, default: int, lowest: int, highest: int) -> int:
    """The variable as a number; the default where it is unset or empty."""
    value = os.environ.get(name, "")
    if not value:
        return default
    # Ten digits are more than any of the limits, and few enough to convert.
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and lowest <= int(value) <= highest):
        refuse(name, value, f"a whole number from {lowest} to {highest}")
    return int(value)


def chosen_class() -> str:
    """The worker class, one of those whose packages hosting/requirements.txt has."""
    value = os.environ.get("GUNICORN_WORKER_CLASS", "") or WORKER_CLASSES[0]
    if value not in WORKER_CLASSES:
        refuse("GUNICORN_WORKER_CLASS", value, f"one of {', '.join(WORKER_CLASSES)}")
    return value


def usable_cores() -> float:
    """Cores that this process may use: those of its affinity, or the quota of its control group if that is less."""
    available = float(os.process_cpu_count() or 1)
    return min(available, read_limits().cpu_quota or available)


def default_workers(worker: str, cores: float) -> int:
    """
    One process per core, since a second one on a core computes no faster and has a copy of the app in memory.

    A sync worker serves one request at a time, so it gets what Gunicorn's documentation advises: 2 x cores + 1.
    """
    whole = math.ceil(cores)
    return 2 * whole + 1 if worker == "sync" else whole


class WithoutQuery(logging.Filter):
    """Takes the query out of the records of Uvicorn's access log, since a function key may be in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record and keep it; its arguments are client, method, path, version and status."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, *rest = record.args
            record.args = (client, method, str(path).partition("?")[0], *rest)
        return True


def post_worker_init(worker: object) -> None:
    """Set the filter in each worker. UvicornWorker takes its log from Uvicorn, not from access_log_format."""
    logging.getLogger("uvicorn.access").addFilter(WithoutQuery())


# 0 lets the system choose a free port.
bind = [f"0.0.0.0:{whole_number('PORT', 8000, 0, 65535)}"]
worker_class = chosen_class()
threads = whole_number("GUNICORN_THREADS", 1, 1, 1000)
# Threads turn the class sync into gthread, so its workers are counted as those of gthread.
workers = whole_number(
    "WEB_CONCURRENCY", default_workers("gthread" if threads > 1 else worker_class, usable_cores()), 1, 128
)
# The front end of App Service ends a request after 230 s, so a sync worker that is silent for longer works for nobody.
timeout = whole_number("GUNICORN_TIMEOUT", 230, 0, 3600)
# Container Apps kills a replica 30 s after SIGTERM; Gunicorn's default of 30 s leaves no time to end.
graceful_timeout = whole_number("GUNICORN_GRACEFUL_TIMEOUT", 25, 1, 600)
# With Gunicorn's default of 2 s, a proxy may send a request on a connection that is just being closed, and answer 502.
keepalive = whole_number("GUNICORN_KEEP_ALIVE", 75, 1, 3600)

accesslog = "-"  # stdout
errorlog = "-"  # stderr
# %(U)s is the path without the query: a function key may be in the query.
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(B)s %(M)sms'
# The workers' heartbeat is a file, and the file system of a container can block for seconds.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# Nothing here uses the control socket, which would be a file in a home directory that the container's user lacks.
control_socket_disable = True
