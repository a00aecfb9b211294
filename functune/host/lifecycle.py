"""Loads the app and gives it to the front, and loads it again when its files change."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn

from functune.errors import HostError, UsageError
from functune.host.application import Application, load_application
from functune.host.console import Console
from functune.host.front import Front
from functune.host.settings import HostSettings

type ReadSettings = Callable[[], HostSettings]


class Lifecycle:
    """
    The apps that one host serves, one after the other.

    ``reread`` reads the settings again after a change; without it, files are not watched. ``on_loaded`` is called with
    each app before it is served.
    """

    def __init__(
        self, front: Front, console: Console, *, reread: ReadSettings | None, on_loaded: Callable[[Application], None]
    ) -> None:
        self._front = front
        self._console = console
        self._reread = reread
        self._on_loaded = on_loaded
        self._has_changed = asyncio.Event()
        self._changed = ""
        """The files that changed last."""

    async def run(self, settings: HostSettings) -> NoReturn:
        """
        Serve until cancelled, then end every worker.

        Raises HostError when the app cannot be loaded the first time, or has no worker left. When it cannot be loaded
        again, the error is logged and the next change is awaited.
        """
        current = await load_application(settings, self._console)
        try:
            async with self._watching(settings):
                while True:
                    self._on_loaded(current)
                    self._front.open(current)
                    await _first(current.supervisor.failed, self._has_changed.wait())
                    if current.supervisor.failed.done():
                        raise current.supervisor.failed.result()
                    self._front.pause()
                    self._take_change()
                    await current.supervisor.drain()
                    await current.supervisor.stop()
                    current = await self._load_again(settings)
        finally:
            await current.supervisor.stop()

    async def _load_again(self, settings: HostSettings) -> Application:
        assert self._reread is not None
        while True:
            loading = asyncio.create_task(self._load(self._reread, settings.port))
            try:
                await _first(loading, self._has_changed.wait())
                if loading.done():
                    return loading.result()
                self._take_change()
            except (HostError, UsageError) as error:
                self._console.system(f"The changed app cannot run: {error}", logging.ERROR)
                self._console.plain("Waiting for the next change")
                self._front.refuse()
                await self._has_changed.wait()
                self._front.pause()
                self._take_change()
            finally:
                loading.cancel()  # an import that hangs must not delay the change that fixes it
                await asyncio.wait({loading})

    def _take_change(self) -> None:
        # Printed only once the front is paused, so that a reader of this line gets the new app from then on.
        self._console.plain(f"\n{self._changed} changed: loading the app again")
        self._has_changed.clear()

    async def _load(self, reread: ReadSettings, port: int) -> Application:
        return await load_application(reread().listening_on(port), self._console)

    @contextlib.asynccontextmanager
    async def _watching(self, settings: HostSettings) -> AsyncIterator[None]:
        if self._reread is None:
            yield
            return
        watcher = asyncio.create_task(self._watch(settings))
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.wait({watcher})

    async def _watch(self, settings: HostSettings) -> None:
        # Imported here, since a sweep starts many hosts and none of them watches files.
        from functune.host import watching

        try:
            async for paths in watching.changes(settings.script_root):
                self._changed = ", ".join(paths)
                self._has_changed.set()
        except (OSError, RuntimeError) as error:  # too many watches or a removed folder: the host continues to serve
            self._console.system(
                f"{settings.script_root} cannot be watched for changes: {error}. Restart functune to pick them up",
                logging.ERROR,
            )


async def _first(*waited: Any) -> None:
    """Return once one of them is done, and cancel the tasks that were created for this wait."""
    futures = [asyncio.ensure_future(one) for one in waited]
    try:
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future, one in zip(futures, waited, strict=True):
            if future is not one:
                future.cancel()
