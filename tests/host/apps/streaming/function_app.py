"""An app whose responses stream."""

import azure.functions as func
from extension import Request, Response

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("parts")
async def parts(req: Request) -> Response:
    return Response()
