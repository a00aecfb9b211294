import asyncio
import queue
import threading
import time

CONNECTIONS = queue.Queue()
for number in range(2):
    CONNECTIONS.put(number)
PLACES = threading.BoundedSemaphore(2)
PARTNER = asyncio.Semaphore(3)
PARTNERS = asyncio.Semaphore(3)


class Repository:
    def load(self):
        connection = self._connection()
        try:
            time.sleep(0.03)
        finally:
            CONNECTIONS.put(connection)
        return "loaded"

    def _connection(self):
        return CONNECTIONS.get(timeout=30)  # here: connection-pool


def throttled():
    with PLACES:  # here: thread-semaphore
        time.sleep(0.03)
    return "done"


class ConnectionPool:
    def __init__(self, size):
        self._free = size
        self._changed = threading.Condition()

    def take(self):
        with self._changed:
            while not self._free:
                self._changed.wait()  # here: condition-pool
            self._free -= 1

    def give(self):
        with self._changed:
            self._free += 1
            self._changed.notify()


POOL = ConnectionPool(2)


def hand_made():
    POOL.take()
    try:
        time.sleep(0.03)
    finally:
        POOL.give()
    return "done"


async def call_partner():
    async with PARTNER:  # here: semaphore
        await asyncio.sleep(0.05)
    return "called"


async def one_partner():
    async with PARTNERS:  # here: gathered
        await asyncio.sleep(0.03)


async def call_partners():
    await asyncio.gather(one_partner(), one_partner())
    return "called"


def draw():
    time.sleep(0.1)


async def render():
    await asyncio.to_thread(draw)  # here: to-thread
    return "rendered"
