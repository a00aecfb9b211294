import os

import aiohttp
import azure.functions as func
import httpx
import requests
from azure.storage.blob import BlobServiceClient

from catalogue import Catalogue
from identity import credential

app = func.FunctionApp()


@app.route(route="weather")
async def weather(req: func.HttpRequest) -> func.HttpResponse:
    async with httpx.AsyncClient() as client:  # fault: client-per-request
        answer = await client.get("https://weather.example")
    return func.HttpResponse(answer.text)


@app.route(route="traffic")
async def traffic(req: func.HttpRequest) -> func.HttpResponse:
    async with (
        aiohttp.ClientSession() as session,  # fault: client-per-request
        session.get("https://traffic.example") as answer,
    ):
        return func.HttpResponse(await answer.text())


@app.route(route="files")
def files(req: func.HttpRequest) -> func.HttpResponse:
    service = BlobServiceClient(os.environ["BLOBS"], credential=credential())  # fault: client-per-request
    return func.HttpResponse(",".join(each.name for each in service.list_containers()))


@app.route(route="rates")
def rates(req: func.HttpRequest) -> func.HttpResponse:
    session = requests.Session()  # fault: client-per-request
    session.headers["x-key"] = os.environ["RATES_KEY"]
    return func.HttpResponse(session.get("https://rates.example", timeout=5).text)


@app.route(route="items")
def items(req: func.HttpRequest) -> func.HttpResponse:
    catalogue = Catalogue()
    return func.HttpResponse(catalogue.first())
