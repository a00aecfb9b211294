"""The address of Resource Manager, and of the apps behind it."""

from urllib.parse import urlsplit

from functune.environ import RESOURCE_MANAGER
from functune.errors import UsageError

PUBLIC_CLOUD = "https://management.azure.com"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def checked_endpoint(text: str) -> str:
    """
    The origin of Resource Manager, without a slash at its end.

    It gets a token, so http is allowed on the loopback interface alone. Raises UsageError.
    """
    endpoint = (text or PUBLIC_CLOUD).removesuffix("/")
    try:
        parts = urlsplit(endpoint)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        is_origin = bool(parts.hostname) and parts.port != 0 and endpoint == f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        is_safe = is_origin = False
    if not (is_safe and is_origin) or "@" in endpoint:
        raise UsageError(
            f"{RESOURCE_MANAGER} is not the origin of a Resource Manager: allowed is https, such as {PUBLIC_CLOUD}, "
            "and http on the loopback interface"
        )
    return endpoint


def is_loopback(origin: str) -> bool:
    """Whether an origin is on the loopback interface."""
    return urlsplit(origin).hostname in _LOOPBACK


def app_url(host_name: str, endpoint: str) -> str:
    """
    The base URL of an app by its host name: https, as on Azure.

    It is http where both the app and Resource Manager are on the loopback interface.
    """
    is_local = is_loopback(endpoint) and is_loopback(f"//{host_name}")
    return f"{'http' if is_local else 'https'}://{host_name}"
