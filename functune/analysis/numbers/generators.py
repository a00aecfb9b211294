"""The load processes of a step: how busy they were, and how many more a step takes that they limited."""

import math
from collections.abc import Sequence

from functune.run.measurement import Measurement

COMFORTABLE = 0.7
"""
Cores of a load process that leave it room: the app may be faster than the step that it limited.

Between this and BUSY_GENERATOR a fifth is left for what the app serves more.
"""


def more_load_processes(step: Measurement) -> int:
    """
    The load processes to add, at least, for the same requests to leave each of them room; 1 at least.

    How much more the app can serve is not known from a step that its generator limited, so it is a lower bound.
    """
    used = sum(each.cores for each in step.load_processes) or step.generator_cpu or 0.0
    return max(math.ceil(used / COMFORTABLE) - step.senders, 1)


def advice_on_generators(step: Measurement) -> str:
    """How to have more load processes, in words."""
    more = more_load_processes(step)
    wanted = step.senders + more
    each = "process" if more == 1 else "processes"
    return (
        f"it takes at least {more} more load {each}: --load-processes {wanted} where the machine has cores for them, "
        f"or --load-workers {wanted} on other machines"
    )


def busiest_in_words(step: Measurement) -> str:
    """``the load generator used 0.97``."""
    who = f"the busiest of {step.senders} load processes" if step.senders > 1 else "the load generator"
    return f"{who} used {step.busiest_generator or 0.0:.2f}"


def widest_clock_bound(repeats: Sequence[Measurement]) -> float | None:
    """The most by which a clock of a load process may be off, seconds; None where one process sent all requests."""
    bounds = [each.clock_bound_us / 1e6 for step in repeats for each in step.load_processes]
    return max(bounds, default=None)


def largest_clock_offset(repeats: Sequence[Measurement]) -> float | None:
    """The largest difference of a clock of a load process, seconds; None where one process sent all requests."""
    offsets = [abs(each.clock_offset_us) / 1e6 for step in repeats for each in step.load_processes]
    return max(offsets, default=None)
