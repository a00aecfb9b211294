"""Traffic from the text of --traffic: a pattern with its numbers, or the rows of a CSV file."""

import csv
import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from io import StringIO

import numpy as np

from functune.capacity.traffic import DAY, TRAFFIC_STEP, Traffic, bursts, daily, steady
from functune.errors import UsageError

SPEC_FORMS = (
    "allowed are steady:RATE, daily:MEAN[:PEAK], burst:BASE:PEAK:SECONDS:EVERY and a CSV file; rates as 40, 40/s, "
    "2400/min or 1e6/day, times as 60s, 5m or 1h"
)
DEFAULT_PEAK = 2.0
"""Times the mean, where a daily pattern names no peak."""
RATE_UNITS = {"": 1.0, "/s": 1.0, "/min": 60.0, "/h": 3600.0, "/day": float(DAY)}
TIME_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
NUMBER = r"(\d+(?:\.\d+)?(?:e\d+)?)"
ARRIVAL_COLUMNS, COUNT_COLUMNS = ("arrival", "time", "timestamp"), ("requests", "count")
REQUESTS_PER_STEP = 30
"""Arrivals that a step of arrival times has on average: with fewer, chance would look like a pattern."""
LONGEST = 31 * DAY
"""Seconds of a CSV file."""
HIGHEST_RATE = 1e9
"""Requests per second; a higher rate is a slip of the keyboard, and the sums of a month stay finite below it."""


def parse_traffic(text: str) -> Traffic:
    """
    The traffic of a pattern: ``steady:40``, ``daily:40:100``, ``burst:1:200:60s:1h``.

    Raises UsageError that names the text, the part that is wrong and what is allowed.
    """
    kind, *parts = text.strip().lower().split(":")
    try:
        match kind, parts:
            case "steady", [rate]:
                return steady(rate_of_text(rate))
            case "daily", [mean]:
                return daily(rate_of_text(mean), DEFAULT_PEAK * rate_of_text(mean))
            case "daily", [mean, peak]:
                return daily(rate_of_text(mean), rate_of_text(peak))
            case "burst", [base, peak, lasting, every]:
                times = seconds_of_text(lasting), seconds_of_text(every)
                return bursts(rate_of_text(base), rate_of_text(peak), *times)
    except ValueError as error:
        raise UsageError(f"--traffic {text}: {error}") from error
    raise UsageError(f"--traffic {text}: {SPEC_FORMS}")


def rate_of_text(text: str) -> float:
    """Requests per second. Raises ValueError for another text, for 0, and for more than HIGHEST_RATE."""
    value, per = number_and_unit(text, RATE_UNITS, "a rate such as 40/s, 2400/min or 1e6/day")
    if value / per > HIGHEST_RATE:
        raise ValueError(f'"{text}" is too high: allowed are rates up to {HIGHEST_RATE:,.0f}/s')
    return value / per


def seconds_of_text(text: str) -> float:
    """Seconds. Raises ValueError for another text, and for 0."""
    value, unit = number_and_unit(text, TIME_UNITS, "a time such as 60s, 5m or 1h")
    return value * unit


def number_and_unit(text: str, units: dict[str, float], wanted: str) -> tuple[float, float]:
    """A number above 0, and its unit in seconds. Raises ValueError for another text."""
    found = re.fullmatch(rf"{NUMBER}\s*([a-z/]*)", text.strip())
    if found is None or found[2] not in units or float(found[1]) == 0:
        raise ValueError(f'"{text}" is not understood: allowed is {wanted}, above 0')
    return float(found[1]), units[found[2]]


def traffic_of_csv(text: str, *, name: str) -> Traffic:
    """
    The traffic of a CSV file: arrival times, or the requests of each minute in turn.

    The header decides: ``arrival``, ``time`` or ``timestamp`` with seconds or ISO 8601, or ``requests`` or ``count``.
    Raises UsageError that names the file, the row and what is allowed.
    """
    try:
        rows = list(csv.reader(StringIO(text)))
    except csv.Error as error:
        raise UsageError(f"--traffic {name}: {error}; give a CSV file with a value in each row") from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    counts = [column for column in COUNT_COLUMNS if column in header]
    arrivals = [column for column in ARRIVAL_COLUMNS if column in header]
    if counts:
        requests = column_values(rows, header.index(counts[0]), requests_of_minute, name)
        if not requests.any():
            raise UsageError(f"--traffic {name}: it has no requests: the column {counts[0]} is 0 in every row")
        return minutes_traffic(requests, name)
    if arrivals:
        return arrivals_traffic(column_values(rows, header.index(arrivals[0]), moment_of, name), name)
    raise UsageError(
        f"--traffic {name}: its first row names no known column: allowed are {', '.join(COUNT_COLUMNS)} for the "
        f"requests of each minute, or {', '.join(ARRIVAL_COLUMNS)} for the moment of each arrival"
    )


def column_values(rows: Sequence[Sequence[str]], column: int, read: Callable[[str], float], name: str) -> np.ndarray:
    """The values of a column below the header. Raises UsageError for one that cannot be read, and for none."""
    values = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            values.append(read(row[column].strip()))
        except (ValueError, IndexError) as error:
            raise UsageError(f"--traffic {name}, row {number}: {error}") from error
    if not values:
        raise UsageError(f"--traffic {name}: it has no requests: there is no row below the header")
    return np.array(values)


def requests_of_minute(text: str) -> float:
    """The requests of a minute. Raises ValueError for another text, and for more than HIGHEST_RATE."""
    most = HIGHEST_RATE * TRAFFIC_STEP
    if re.fullmatch(NUMBER, text) is None or float(text) > most:
        raise ValueError(f'"{text}" is not a number of requests in a minute: allowed are numbers from 0 to {most:,.0f}')
    return float(text)


def moment_of(text: str) -> float:
    """The seconds of an arrival, of any origin. Raises ValueError for another text."""
    if re.fullmatch(NUMBER, text) and math.isfinite(seconds := float(text)):
        return seconds
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError(f'"{text}" is not a time: allowed are seconds, or ISO 8601 as 2026-11-26T09:30:00Z') from error


def minutes_traffic(requests: np.ndarray, name: str) -> Traffic:
    """The traffic with the requests of each minute."""
    check_length(len(requests) * TRAFFIC_STEP, name)
    return Traffic(name=f"the requests of {name}", step=TRAFFIC_STEP, rates=requests / TRAFFIC_STEP)


def arrivals_traffic(moments: np.ndarray, name: str) -> Traffic:
    """The traffic of some arrivals: their rate in steps that are long enough to have one."""
    ordered = np.sort(moments) - moments.min()
    lasting = float(ordered[-1])
    if len(ordered) < 2 or lasting < 1:
        raise UsageError(f"--traffic {name}: its arrivals are within 1 s: give those of a longer time")
    check_length(lasting, name)
    step = float(np.ceil(np.clip(REQUESTS_PER_STEP * lasting / len(ordered), 1, max(TRAFFIC_STEP, lasting / 60))))
    counts = np.bincount((ordered // step).astype(int))
    return Traffic(name=f"the arrivals of {name}", step=step, rates=counts / step)


def check_length(seconds: float, name: str) -> None:
    """Raise UsageError for more than a month."""
    if seconds > LONGEST:
        raise UsageError(f"--traffic {name}: it covers {seconds / DAY:,.0f} days: allowed are up to {LONGEST // DAY}")
