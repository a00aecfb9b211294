"""
Whether the app of this container is healthy, by GET /health; the slim image has no curl.

    python hosting/healthcheck.py

Exit codes: 0 the app answered 200, 1 it did not.
"""

import http.client
import os
import sys

# Less than the time-out of HEALTHCHECK, so that the reason is printed before Docker ends this process.
_TIMEOUT = 4


def problem(port: int) -> str | None:
    """Why the app on this port is not healthy; None where it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"GET /health on port {port} failed: {error!r}"
    finally:
        connection.close()
    return None if status == http.HTTPStatus.OK else f"GET /health on port {port} answered {status}, not 200"


if __name__ == "__main__":
    sys.exit(problem(int(os.environ.get("PORT") or 8000)))
