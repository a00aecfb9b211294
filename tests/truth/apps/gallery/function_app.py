"""An app that needs memory: for each call, or for each worker process."""

import azure.functions as func
from gallery import images, model

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("resize")  # limit: memory of /api/resize, no line
def resize_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(images.resized()))


@app.route("classify")  # limit: memory of /api/classify, no line
def classify_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(model.shared().label(3)))
