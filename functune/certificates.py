"""The certificates that every client of an app and of Azure checks with."""

import functools
import ssl


@functools.cache
def system_certificates() -> ssl.SSLContext:
    """Those of the system, as the load generator has them: read once, since it takes longer than a request."""
    return ssl.create_default_context()
