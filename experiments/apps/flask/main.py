"""An API whose view waits for another service, as most views of Flask apps do."""

import time

from flask import Flask, request
from flask.typing import ResponseReturnValue

app = Flask(__name__)


@app.get("/report")
def report() -> ResponseReturnValue:
    """Wait as a slow service does."""
    ms = request.args.get("ms", default=100, type=int)
    time.sleep(ms / 1000)
    return {"slept_ms": ms}
