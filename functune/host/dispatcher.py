"""
Which worker gets the next invocation.

The real host counts one shared counter up and takes it modulo the number of ready workers
(RpcFunctionInvocationDispatcherLoadBalancer.cs), blind to how busy each is. So does this one: taking the least busy
worker would serve uneven work better than the platform does, and a load test would promise more than production keeps.
"""

from collections.abc import Sequence


class RoundRobin:
    """Items in turn, one shared turn for all functions; the first pick of several is the second item."""

    def __init__(self) -> None:
        self._counter = 0

    def pick[Item](self, items: Sequence[Item]) -> Item:
        """The next of ``items``, which must not be empty."""
        if len(items) == 1:
            return items[0]
        self._counter += 1
        return items[self._counter % len(items)]
