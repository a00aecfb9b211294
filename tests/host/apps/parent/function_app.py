"""An app that starts a process of its own, which inherits the worker's output, ignores SIGTERM and would outlive it."""

import os
import subprocess

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
child = subprocess.Popen(
    ["sh", "-c", "trap '' TERM; exec sleep 300"], start_new_session=bool(os.environ.get("OWN_SESSION"))
)


@app.route("child")
def child_pid(req: func.HttpRequest) -> str:
    return str(child.pid)


@app.route("exit")
def leave(req: func.HttpRequest) -> str:
    """Ends the worker in the middle of the call."""
    os._exit(int(req.params["code"]))
