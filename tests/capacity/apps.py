"""Apps of known curves."""

import numpy as np

from functune.capacity.assumptions import assumptions
from functune.capacity.curve import InstanceCurve
from functune.capacity.day import Conditions
from functune.capacity.traffic import Traffic
from functune.plans.price_list import shipped_prices

EXPONENTIAL = -np.log1p(-(np.arange(100) + 0.5) / 100)
EXPONENTIAL /= EXPONENTIAL.mean()
USERS = np.array([1.0, 2, 4, 8, 16, 32, 64])


def waiting(seconds: float = 0.1, cpu: float = 0.001, places: int = 64) -> InstanceCurve:
    """An app that waits in as many threads as ``places``: more requests queue for one."""
    responses = seconds * np.maximum(USERS / places, 1.0)
    return InstanceCurve(in_flight=USERS, seconds=responses, cpu=cpu, sizes=np.ones(100))


def computing(cpu: float = 0.05, sizes: np.ndarray = EXPONENTIAL) -> InstanceCurve:
    """An app that computes under the GIL: n requests share one core."""
    return InstanceCurve(in_flight=USERS, seconds=cpu * USERS, cpu=cpu, sizes=sizes)


def under(traffic: Traffic, **changes: float) -> Conditions:
    """The traffic with the project's prices, and some rules changed, their names with underscores."""
    renamed = [(name.replace("_", "-"), value) for name, value in changes.items()]
    return Conditions(traffic=traffic, assumptions=assumptions(renamed), prices=shipped_prices())
