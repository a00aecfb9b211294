"""Async handlers with shared clients; what blocks runs on threads."""

import asyncio
import functools
import logging
import os
import subprocess
import time

import azure.functions as func
import httpx
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob.aio import BlobServiceClient

from convert import convert_on_thread

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
_client: httpx.AsyncClient | None = None


class Store:
    """The blob client of this worker, made by the first call."""

    def __init__(self) -> None:
        self._service: BlobServiceClient | None = None

    async def service(self) -> BlobServiceClient:
        if self._service is None:
            self._service = BlobServiceClient(os.environ["BLOB_URL"], credential=DefaultAzureCredential())
        return self._service

    async def save(self, name: str, content: bytes) -> None:
        service = await self.service()
        await service.get_blob_client("files", name).upload_blob(content, overwrite=True)


store = Store()


def client() -> httpx.AsyncClient:
    global _client
    if _client is not None:
        return _client
    _client = httpx.AsyncClient(timeout=5)
    return _client


def slow_checksum(path: str) -> str:
    time.sleep(0.2)
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout


@app.route(route="copy", methods=["POST"])
async def copy(req: func.HttpRequest) -> func.HttpResponse:
    urls = req.get_json()["urls"]
    answers = await asyncio.gather(*(client().get(url) for url in urls))
    for number, answer in enumerate(answers):
        await store.save(f"{number}", answer.content)
    await asyncio.sleep(0.01)
    return func.HttpResponse(status_code=204)


@app.route(route="checksum", methods=["GET"])
async def checksum(req: func.HttpRequest) -> func.HttpResponse:
    loop = asyncio.get_running_loop()
    first = await asyncio.to_thread(slow_checksum, req.params["path"])
    second = await loop.run_in_executor(None, functools.partial(slow_checksum, req.params["path"]))
    third = await loop.run_in_executor(None, lambda: slow_checksum(req.params["path"]))
    task = asyncio.create_task(convert_on_thread(first))
    await asyncio.wait([task])
    logging.info("converted %s", task.result())
    return func.HttpResponse(first + second + third)
