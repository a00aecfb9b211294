"""An app that starts a process of its own, which inherits the worker's output and would outlive it."""

import os
import subprocess

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
child = subprocess.Popen(["sleep", "300"], start_new_session=bool(os.environ.get("OWN_SESSION")))


@app.route("child")
def child_pid(req: func.HttpRequest) -> str:
    return str(child.pid)
