"""The shape of a host kind, which starts or calls hosts, and of a running host."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, runtime_checkable

from functune.hosts.quota import Quota
from functune.hosts.served_app import ServedApp
from functune.setting import Setting


class RunningHost(Protocol):
    """A host that answers at ``base_url``."""

    @property
    def base_url(self) -> str:
        """Scheme, name and port, without a slash at the end."""

    @property
    def pid(self) -> int | None:
        """The process all of its processes are below; None for a host that was not started here."""

    @property
    def quota(self) -> Quota | None:
        """The limits of its instance; None where it may use the whole machine, or runs elsewhere."""

    @property
    def key(self) -> str | None:
        """The function key to send as ``x-functions-key`` with every request; None where none is needed."""

    @property
    def calls_folder(self) -> str | None:
        """The folder with the pages in which its workers count their calls; None where the host reports them."""

    @property
    def setting_seen(self) -> bool | None:
        """Whether its answers agreed with its setting; None where it was started with it, or not changed."""

    def tail(self) -> str:
        """The last lines it printed; empty where they are not known."""

    def worker_ends(self, opened: float, closed: float) -> dict[str, int]:
        """The workers that it lost from one moment to another, epoch seconds, by reason; empty where it keeps none."""

    async def routes(self) -> list[str]:
        """The routes of its app, such as ``GET /api/x``; empty for a host that does not list them."""


class HostKind(Protocol):
    """One kind of host, such as the local host, Gunicorn or the app at a URL."""

    @property
    def name(self) -> str:
        """The name of the host in environment.json."""

    @property
    def runs_script_root(self) -> bool:
        """Whether it runs the app in a folder of this machine."""

    def has_sampler(self, setting: Setting) -> bool:
        """Whether its workers write profiles into the folder of the variable FUNCTUNE_PROFILE."""

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """
        Check the settings of a sweep before it starts. ``with_target`` names the experiments that have a target server.

        Raises UsageError for a setting that this kind of host cannot apply.
        """

    def seconds(self, setting: Setting) -> float:
        """About how long a host takes to start and stop, in seconds."""

    def running(
        self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}
    ) -> AbstractAsyncContextManager[RunningHost]:
        """
        A host that runs the app with this setting while the context is open.

        ``app_settings`` are added to those of the setting. Entering raises HostError when the host cannot start, and
        UsageError for a setting that it cannot apply.
        """


@runtime_checkable
class ChangingKind(Protocol):
    """A host kind that changes an app which outlasts its hosts."""

    def lasting(self, report: Callable[[str], None]) -> AbstractAsyncContextManager[None]:
        """
        Entered before the first host, and left after the last: then the app gets its own settings back.

        ``report`` takes a line for the reader. Raises HostError where the app cannot be changed, or not be restored.
        """


class StartedKind(NamedTuple):
    """A kind of host that is started here, as its module declares it to the registry."""

    name: str
    """Its value of ``--host``."""
    rank: int
    """Its place in help texts, lowest first."""
    words: str
    """For help texts."""
    find: Callable[..., HostKind]
    """
    Finds it on this machine, for workers that run with the interpreter given; None for the one of the app's packages.
    Where the kind has variants, the second argument is the chosen one.

    Raises UsageError saying what to install when it is not there.
    """
    variants: tuple[str, ...] = ()
    """The words that may follow its name and a colon, the default one first."""
