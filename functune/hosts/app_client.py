"""The HTTP client for an app that runs elsewhere."""

from collections.abc import Mapping
from typing import Any

import httpx

from functune.certificates import system_certificates

COLD_START = 120.0
"""Seconds for an answer that may start an app which is scaled to zero."""


def app_client(key: str | None, *, headers: Mapping[str, str] = {}, **options: Any) -> httpx.AsyncClient:
    """
    A client that sends ``key`` as ``x-functions-key``; ``options`` are those of httpx.

    It checks certificates with those of the system, and takes no proxy of the environment.
    """
    return httpx.AsyncClient(
        headers={**headers, **({"x-functions-key": key} if key else {})},
        trust_env=False,
        verify=system_certificates(),
        **options,
    )
