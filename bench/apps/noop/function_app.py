"""Two functions that do nothing, so that only the host costs time."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="async-noop")
async def async_noop(req: func.HttpRequest) -> func.HttpResponse:
    """Answer at once, on the event loop."""
    return func.HttpResponse("ok")


@app.route(route="sync-noop")
def sync_noop(req: func.HttpRequest) -> func.HttpResponse:
    """Answer at once, from a thread of the pool."""
    return func.HttpResponse("ok")
