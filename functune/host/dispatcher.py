"""
The choice of the worker for the next invocation.

The real host increments one shared counter and takes it modulo the number of ready workers
(RpcFunctionInvocationDispatcherLoadBalancer.cs), whether they are busy or not. This host does the same: choosing the
least busy worker would serve uneven work better than the platform does, and a load test would promise too much.
"""

from collections.abc import Sequence


class RoundRobin:
    """Picks items in turn, with one counter for all functions; the first pick of several is the second item."""

    def __init__(self) -> None:
        self._counter = 0

    def pick[Item](self, items: Sequence[Item]) -> Item:
        """The next of ``items``, which must not be empty."""
        if len(items) == 1:
            return items[0]
        self._counter += 1
        return items[self._counter % len(items)]
