"""The messages between Locust's master and its load processes, which travel over Locust's own channel."""

from pathlib import Path
from typing import Any
from uuid import getnode

CLOCK = "functune_clock"
"""Both ways: the master's time, and the time of the load process when it arrived, with its pid and its machine."""
STEP = "functune_step"
"""To a load process: all users of a step are running; with the moment, and the rate of arrivals of an open loop."""
SETTLED = "functune_settled"
"""To the master: each user of a load process has finished a request that it began in the step."""
WINDOW = "functune_window"
"""To a load process: the opening and the closing of the window, on its own clock."""
RECORDS = "functune_records"
"""To the master: requests that ended, as lines."""
STEP_PART = "functune_part"
"""To the master: the rest of what a load process has to say about a step. It follows the last of its records."""
FAILED = "functune_failed"
"""To the master: a load process ends because of a mistake in its requests or in the reader's Locust file."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
RECORDS_AT_A_TIME = 2000
"""Requests in one message: about a quarter of a megabyte."""


LEAVES_WITHIN = 2.0
"""Seconds for the last messages of a process that ends."""


def close_when_sent(endpoint: Any) -> None:
    """Close an end of the channel once its messages have left this process, or after LEAVES_WITHIN."""
    endpoint.close(linger=round(LEAVES_WITHIN * 1000))
    endpoint.socket.context.term()  # which returns when the socket has nothing left to send


def machine_id() -> str:
    """The same text in every process of a machine, containers included, since they share its cores."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:  # not Linux
        return f"{getnode():x}"
