"""An app whose host.json admits four requests at a time."""

import azure.functions as func
from limited import forms

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("upload")  # limit: admission of /api/upload, no line
def upload_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(forms.stored())


@app.route("submit")  # limit: admission of /api/submit, no line
async def submit_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await forms.checked())
