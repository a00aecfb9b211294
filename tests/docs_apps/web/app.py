"""Reports that another service makes."""

import time

from flask import Flask, request

app = Flask(__name__)


@app.get("/report")
def report() -> str:
    seconds = request.args.get("seconds", default=0.1, type=float)
    time.sleep(seconds)
    return "made"


@app.get("/basket")
def basket() -> str:
    """The prices of a basket: 60 ms in the database, and about 10 ms of computing."""
    time.sleep(0.06)
    return str(sum(place * place % 7 for place in range(200_000)))
