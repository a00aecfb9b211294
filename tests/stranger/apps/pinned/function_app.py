"""Pins that clash with those of functune."""

import json
from importlib.metadata import version

import azure.functions as func
import httpx

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
client = httpx.Client(proxies=None)  # an argument that 0.28 removed


@app.route("versions")
def versions(req: func.HttpRequest) -> str:
    return json.dumps({name: version(name) for name in ("azure-functions", "httpx")})
