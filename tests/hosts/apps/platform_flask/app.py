"""A WSGI app in a file whose name the platform takes for Flask."""

import os
import threading
import time


def app(environ, start_response):
    time.sleep(0.02)
    start_response("200 OK", [("content-type", "text/plain")])
    name = environ["PATH_INFO"].strip("/")
    given = {
        "pid": str(os.getpid()),
        "thread": f"{os.getpid()}-{threading.get_ident()}",
        "port": os.environ.get("PORT", ""),
    }
    return [given.get(name, os.environ.get("GUNICORN_CMD_ARGS", "")).encode()]
