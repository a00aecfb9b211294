"""
An API whose endpoint calls a library without an async form, as FastAPI apps do: in a plain ``def``.

FastAPI runs such an endpoint in a thread, 40 at a time in each process.
"""

import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/report")
def report(ms: int = 100) -> dict[str, int]:
    """Wait as a slow library does."""
    time.sleep(ms / 1000)
    return {"slept_ms": ms}
