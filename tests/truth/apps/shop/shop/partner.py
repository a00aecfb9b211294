"""The partner's API over HTTP."""

import os

import urllib3


def url(path: str) -> str:
    return os.environ["PARTNER_URL"] + path


def pool(size: int) -> urllib3.PoolManager:
    """A pool of connections; further calls wait for one."""
    return urllib3.PoolManager(maxsize=size, block=True, timeout=30.0, retries=False)
