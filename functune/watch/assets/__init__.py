"""The style sheet and the script of the live page, watch.css and watch.js, which the page contains."""

from functools import cache
from importlib import resources


@cache
def live_asset(name: str) -> str:
    """The text of an asset. Raises FileNotFoundError for a name that there is no file of."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
