"""Thumbnails of uploaded pictures."""

import azure.functions as func
from images import thumbnail

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("thumbnail")
def make_thumbnail(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(thumbnail.stored()))
