"""Handlers that compute, wait, and hold memory, each as much as it is asked to."""

import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("compute")
def compute(req: func.HttpRequest) -> str:
    """Use milliseconds of CPU time."""
    end = time.thread_time() + int(req.params["ms"]) / 1000
    while time.thread_time() < end:
        pass
    return "computed"


@app.route("wait")
def wait(req: func.HttpRequest) -> str:
    """Wait for milliseconds."""
    time.sleep(int(req.params["ms"]) / 1000)
    return "waited"


@app.route("hold")
def hold(req: func.HttpRequest) -> str:
    """Hold megabytes for a while."""
    held = bytearray(int(req.params["mb"]) * 2**20)
    for place in range(0, len(held), 4096):
        held[place] = 1
    time.sleep(0.3)
    return f"held {len(held)}"
