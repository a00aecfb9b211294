"""How long to wait for Resource Manager and for an app, and how often to ask."""

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. An answer with Retry-After replaces the first two."""

    retry: float = 1.0
    """Before the first repeat of a request that failed; twice as long before each further one."""
    poll: float = 3.0
    """Between two looks at what is under way."""
    give_up: float = 300.0
    """The longest time for one request with its repeats, for an operation, and until a change reads back."""
    look: float = 1.0
    """Between two looks at the app while it restarts."""
    restart: float = 60.0
    """After a change, where no answer shows that the app has restarted."""
    restart_limit: float = 300.0
    """The longest time until an app answers again from new workers."""

    def unseen_restart(self, *, is_rolling: bool) -> float:
        """How long to wait for a restart that no answer shows: longer where instances are drained one by one."""
        return self.restart_limit if is_rolling else self.restart


PACE = Pace()
