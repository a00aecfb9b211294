"""The arrivals of an open loop."""

import random
import time
from collections.abc import Callable


class Arrivals:
    """
    A Poisson process: requests become due whether or not earlier ones were answered.

    The arrivals of several processes together are one Poisson process, at the sum of their rates.
    """

    def __init__(self, seed: int | str, *, put: Callable[[float], None], now: Callable[[], float]) -> None:
        self.random = random.Random(seed)
        self.put = put
        self.now = now
        self.rate = 0.0
        self.due: list[float] = []
        """The due times of the step's requests."""

    def begin(self, rate: float) -> None:
        """Continue at another rate."""
        self.rate, self.due = rate, []

    def between(self, opened: float, closed: float) -> tuple[float, ...]:
        """The due times after ``opened``, up to and including ``closed``."""
        return tuple(due for due in self.due if opened < due <= closed)

    def run(self) -> None:
        """Put every arrival into the queue when it is due; in a process without connections there is none."""
        due = self.now()
        while True:
            if not self.rate:
                time.sleep(0.01)
                due = self.now()
                continue
            due += self.random.expovariate(self.rate)
            time.sleep(max(due - self.now(), 0))
            self.due.append(due)
            self.put(due)
