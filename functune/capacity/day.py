"""The moments of a day on one configuration, and what all plans need to compute them."""

from typing import NamedTuple

import msgspec
import numpy as np

from functune.capacity.assumptions import Assumptions
from functune.capacity.bills import Bill
from functune.capacity.course import lagging, waits
from functune.capacity.traffic import Traffic
from functune.plans.price_list import PriceList


class DayCourse(NamedTuple):
    """The moments of a day; arrays have a value for each."""

    instances: np.ndarray
    rows: np.ndarray
    """Equally likely latencies, seconds, of each state of an instance."""
    row: np.ndarray
    """The state."""
    wait: np.ndarray
    """Seconds that a request waits because more arrive than the instances serve."""
    cold_share: np.ndarray
    """The share of the requests that wait for a start."""
    starts: float
    """Of instances, a day."""
    bill: Bill
    """Of a month of such days."""
    billed_seconds: float | None = None
    """Seconds of an instance that are billed for each request; None on a plan that bills no execution."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is the same for all configurations."""

    traffic: Traffic
    assumptions: Assumptions
    prices: PriceList


def following(
    needed: np.ndarray, rates: np.ndarray, capacity: float, delay: float, rate_limit: float, moment: float
) -> tuple[np.ndarray, np.ndarray]:
    """
    The instances that are ready at each moment, and how long its requests wait.

    Each serves ``capacity`` requests per second and starts within ``delay`` seconds; ``rate_limit`` start per second.
    """
    instances = lagging(needed, delay=delay / moment, most_per_moment=rate_limit * moment)
    return instances, waits(rates, instances * capacity, moment)
