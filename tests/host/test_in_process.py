"""A function app that is loaded into the process of its server, as functune.asgi and functune.wsgi do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.serving import APPS

PROJECT = Path(__file__).parents[2]
CALL = """
import asyncio, sys
from functune.host import runtime
from functune.host.answering import HttpCall
from functune.host.in_process import in_process_settings, load_in_process

async def unread():
    raise AssertionError("the body was read")

async def begin():
    async def invoke(request, name):
        return await runtime.invoke(request)
    return invoke

async def main():
    runtime.start()
    app = await load_in_process(in_process_settings(), begin=begin, timer=None)
    path = sys.argv[1]
    answer = await app.answerer.answer(HttpCall("GET", "http", path, path, "", [], unread))
    print("status", answer.status)

asyncio.run(main())
"""
"""Loads the app in the working directory and calls the path once."""


def called(app: str, path: str) -> list[str]:
    """All that the process prints."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, path],
        cwd=APPS / app,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("app", "path", "reason"),
    [
        ("streaming", "/api/parts", "the app uses an HTTP streaming extension"),
        ("bound", "/api/price", "the local host does not fill the input binding 'prices' (blob)"),
    ],
)
def test_function_that_cannot_be_served_is_named_when_the_app_is_loaded_and_by_each_call(
    app: str, path: str, reason: str
) -> None:
    lines = called(app, path)
    name = path.removeprefix("/api/")
    assert any(f"Every call of '{name}' will get 500: {reason}" in line for line in lines)
    assert any(f"Exception: {reason}" in line for line in lines)
    assert lines[-1] == "status 500"


def test_output_that_is_dropped_is_said_when_the_app_is_loaded() -> None:
    lines = called("bound", "/api/order")
    assert any("The function 'order': the local host drops what it sends to" in line for line in lines)
    assert lines[-1] == "status 200"
