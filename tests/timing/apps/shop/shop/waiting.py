import asyncio
import subprocess
import sys
import threading
import time
import urllib.request

from shop import partner


class Stock:
    def __init__(self):
        self._lock = threading.Lock()

    def reserve(self):
        with self._lock:  # here: lock
            time.sleep(0.02)
        return "reserved"


STOCK = Stock()
TOKEN = asyncio.Lock()


async def refresh_token():
    async with TOKEN:  # here: async-lock
        await asyncio.sleep(0.02)
    return "token"


async def library_in_thread():
    await asyncio.to_thread(time.sleep, 0.05)  # here: library-in-thread
    return "slept"


def fetch():
    request = urllib.request.Request(partner.url())
    with urllib.request.urlopen(request, timeout=10) as answer:  # here: network
        return answer.read()


def poll_status():
    for _ in range(2):
        time.sleep(0.02)  # here: sleep
    return "ready"


async def rows():
    for number in range(3):
        await asyncio.sleep(0.02)  # here: stream
        yield number


async def read_rows():
    return str([row async for row in rows()])


def convert():
    return subprocess.run(  # here: child-process
        [sys.executable, "-S", "-c", "import time; time.sleep(0.1)"], check=True, capture_output=True
    ).stdout


async def read_one():
    await asyncio.sleep(0.03)  # here: grouped


async def read_all():
    async with asyncio.TaskGroup() as group:
        group.create_task(read_one())
        group.create_task(read_one())
    return "read"


async def in_own_loop():
    await asyncio.sleep(0.03)  # here: own-loop


def run_own_loop():
    asyncio.run(in_own_loop())
    return "ran"
