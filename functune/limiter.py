"""
anyio's limiter of threads in a process of the app, kept at the number that the environment asks for.

FastAPI and Starlette run ``def`` endpoints in the threads that this limiter admits, 40 at a time for each event loop
unless the app sets another number. FUNCTUNE_LIMITER_TOKENS is that number for a measurement.
"""

from typing import Any

from functune.environ import LIMITER_TOKENS, limiter_tokens
from functune.errors import AppError, SettingsError


class KeptLimiter:
    """
    The limiter of the event loop that calls it, at one number.

    It is set before every call of the app, since an app sets its own number when it starts, or with its first call: the
    calls would then be measured with another setting than the recorded one.
    """

    def __init__(self, tokens: int) -> None:
        # anyio has to be that of the app, which can be found only after its packages have been made importable.
        from anyio.to_thread import current_default_thread_limiter

        self._tokens = tokens
        self._find = current_default_thread_limiter
        self._limiter: Any = None

    def set_tokens(self) -> None:
        """Set the number where the limiter has another. It is called in a task of the loop."""
        if self._limiter is None:
            self._limiter = self._find()
        if self._limiter.total_tokens != self._tokens:
            self._limiter.total_tokens = self._tokens


def limiter_of_process() -> KeptLimiter | None:
    """
    The limiter of this process, where the packages of the app can be imported; None where no number is asked for.

    Raises SettingsError for anything but a number, AppError where the app has no anyio.
    """
    if not (asked := limiter_tokens()):
        return None
    if not asked.isdecimal() or int(asked) < 1:
        raise SettingsError(f"{LIMITER_TOKENS} is '{asked}': allowed is a whole number from 1")
    try:
        return KeptLimiter(int(asked))
    except ModuleNotFoundError as error:
        if error.name not in ("anyio", "anyio.to_thread"):
            raise
        raise AppError(
            f'limiter_tokens is {asked}, and the app has no anyio, whose limiter of threads that is: allowed is "unset"'
        ) from error
