"""A function app that is loaded into the process of its server, as functune.asgi and functune.wsgi do."""

import functools
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
    for path in sys.argv[1:]:
        answer = await app.answerer.answer(HttpCall("GET", "http", path, path, "", [], unread))
        print("status", path, answer.status)

asyncio.run(main())
"""
"""Loads the app in the working directory and calls each path once."""


@functools.cache
def called(app: str, *paths: str) -> list[str]:
    """All that the process prints."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, *paths],
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


STREAMING, BOUND = ("streaming", "/api/parts"), ("bound", "/api/price", "/api/order")
"""Apps with the paths that are called."""


@pytest.mark.parametrize(
    ("app", "name", "reason"),
    [
        (STREAMING, "parts", "the app uses an HTTP streaming extension"),
        (BOUND, "price", "the local host does not fill the input binding 'prices' (blob)"),
    ],
    ids=["streaming", "bound"],
)
def test_function_that_cannot_be_served_is_named_when_the_app_is_loaded_and_by_each_call(
    app: tuple[str, ...], name: str, reason: str
) -> None:
    lines = called(*app)
    assert any(f"Every call of '{name}' will get 500: {reason}" in line for line in lines)
    assert any(f"Exception: {reason}" in line for line in lines)
    assert f"status /api/{name} 500" in lines


def test_output_that_is_dropped_is_said_when_the_app_is_loaded() -> None:
    lines = called(*BOUND)
    assert any("The function 'order': the local host drops what it sends to" in line for line in lines)
    assert "status /api/order 200" in lines
