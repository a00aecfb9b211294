"""Three concurrent fetches with a new client for each request: the mistake that the app's shared client avoids."""

import asyncio
import os

import azure.functions as func
import httpx

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="own-client")
async def own_client(req: func.HttpRequest) -> func.HttpResponse:
    """Open an AsyncClient, fetch every url of FETCH_URLS, close it."""
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get(url) for url in os.environ["FETCH_URLS"].split(",")))
    return func.HttpResponse(str([answer.status_code for answer in answers]))
