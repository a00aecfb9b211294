"""One function of each level."""

import os

import azure.functions as func

app = func.FunctionApp()


@app.route("open", auth_level=func.AuthLevel.ANONYMOUS)
def anyone(req: func.HttpRequest) -> str:
    """The names of the worker's settings."""
    return " ".join(os.environ)


@app.route("keyed")
def keyed(req: func.HttpRequest) -> str:
    return "in"


@app.route("master", auth_level=func.AuthLevel.ADMIN)
def master(req: func.HttpRequest) -> str:
    return "in"
