"""Flask in Functions, from .python_packages as the remote build leaves it."""

import time

import azure.functions as func
import flask

site = flask.Flask(__name__)


@site.post("/api/items/<int:number>")
def item(number: int) -> dict[str, object]:
    time.sleep(0.2)
    return {"number": number, "name": flask.request.json["name"]}


app = func.WsgiFunctionApp(app=site.wsgi_app, http_auth_level=func.AuthLevel.ANONYMOUS)
