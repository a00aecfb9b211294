import asyncio
import hashlib
import os

import urllib3

SCANS = os.urandom(8 << 20)
HTTP = urllib3.PoolManager(maxsize=8, block=True, timeout=30.0, retries=False)


async def digest() -> str:
    return await asyncio.to_thread(scanned)


def scanned() -> str:
    return hashlib.sha256(SCANS).hexdigest()  # limit: cores of /api/digest


def position() -> str:
    answer = HTTP.request("GET", os.environ["PARTNER_URL"] + "/one-at-a-time")  # limit: downstream of /api/tracking
    return answer.data.decode()
