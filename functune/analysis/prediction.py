"""What queueing theory expects of arrivals, from times measured without any queue, beside what the arrivals took."""

from collections.abc import Iterable
from typing import Literal

import msgspec
import numpy as np

from functune.analysis.bounds import demand, threads
from functune.analysis.queueing import shared_response, utilisation, wait_general
from functune.analysis.statistics import mean
from functune.measurements import Measurement

type Model = Literal["threads", "core", "event loop"]


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The mean latency of an open-loop step, expected and measured, seconds."""

    step: Measurement
    model: Model
    """Arrivals wait for a thread (M/G/m), share a core (processor sharing), or wait for nothing on the event loop."""
    utilisation: float
    """Share of the time the threads, or the core, are busy, 0 to 1."""
    expected: float
    measured: float


def predict(step: Measurement, closed: Iterable[Measurement], *, cores: float | None) -> Prediction | None:
    """
    The prediction for an open-loop step from the closed-loop steps of its route.

    Each worker process gets its share of the arrivals and queues by itself. What a lone user's request takes beside the
    handler is added. None without a step of one user that tells its times, for more arrivals than the setting can
    serve, and where no request was answered.
    """
    alone = [each for each in closed if each.users == 1]
    needs = demand(alone)
    latency = mean([time for each in alone for time in each.latencies_us])
    measured = mean(step.latencies_us)
    if needs is None or needs.cpu_share is None or latency is None or measured is None or step.arrival_rate is None:
        return None
    times = [time for each in alone for time in each.service_times_us]
    beside = max(latency / 1e6 - needs.service, 0.0)
    processes = step.setting.process_count
    try:
        if needs.cpu_share >= 0.5:
            model: Model = "core"
            each_core = step.arrival_rate / min(processes, cores or processes)
            busy, inside = utilisation(each_core, needs.service), shared_response(each_core, needs.service)
        elif step.handler == "async def":
            model, busy, inside = "event loop", step.arrival_rate / processes * (needs.cpu or 0.0), needs.service
        else:
            model = "threads"
            rate, pool = step.arrival_rate / processes, threads(step.setting)
            variation = float(np.std(times) / np.mean(times))
            busy = utilisation(rate, needs.service, pool)
            inside = needs.service + wait_general(rate, needs.service, pool, service_variation=variation)
    except ValueError:  # the queue grows without end: there is no mean to expect
        return None
    return Prediction(step=step, model=model, utilisation=busy, expected=beside + inside, measured=measured / 1e6)
