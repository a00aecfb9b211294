"""
Little's law, N = X * R: the check of the instrument.

It holds for time averages of any stable system, whatever is inside. A step that breaks it by more than a few per cent
says that clocks, warm-up cut or counting are wrong, so its other numbers deserve no trust either.
"""

from functune.measurements import Measurement

LIMIT = 0.03
"""The residual a sound step stays under."""


def residual(measurement: Measurement) -> float | None:
    """
    The relative residual |N - X R| / N; None when nothing was in flight.

    X and R are over all completed requests, failures included: those occupied the system too.
    """
    if measurement.concurrency == 0:
        return None
    latencies = sum(measurement.latencies_us) + sum(measurement.error_latencies_us)
    x_times_r = latencies / 1e6 / measurement.duration  # X = n / duration and R = sum / n: n cancels
    return abs(measurement.concurrency - x_times_r) / measurement.concurrency
