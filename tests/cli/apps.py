"""Small apps for sweeps, written into a folder."""

from pathlib import Path

SOURCE = '''
import itertools
import json
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
calls = itertools.count(1)


@app.route(route="unreliable", methods=["GET"])
def unreliable(req: func.HttpRequest) -> func.HttpResponse:
    """Every tenth call fails."""
    time.sleep(0.05)
    return func.HttpResponse("{}", status_code=200 if next(calls) % 10 else 503)


@app.route(route="waiting", methods=["GET"])
def waiting(req: func.HttpRequest) -> func.HttpResponse:
    """50 ms of waiting; the body has fields of the showcase's names that mean something else."""
    time.sleep(0.05)
    body = {"handler": "async def", "elapsedMs": 1, "cpuMs": 1e6, "worker": {"pid": 1, "thread": "x", "queuedMs": 9}}
    return func.HttpResponse(json.dumps(body), mimetype="application/json")
'''


def write_app(folder: Path) -> Path:
    """Write the app into the folder, which is made, and return it."""
    folder.mkdir(parents=True)
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(SOURCE)
    return folder
