"""
The switch interval: how long a thread may hold the interpreter lock while others wait for it.

A thread that computes releases the lock only on request, and another thread requests it after this interval. Every
other thread, including the event loop, waits that long each time it needs the lock.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

SETTING = "SWITCH_INTERVAL_MS"
MINIMUM_MS = 0.1
MAXIMUM_MS = 1000.0
DEFAULT_MS = 5.0
"""The default of the interpreter (CPython, sys.setswitchinterval)."""


@dataclass(frozen=True)
class SwitchIntervalSetting:
    """SWITCH_INTERVAL_MS: its text, and the number of milliseconds in it if it is valid."""

    text: str | None
    ms: float | None


def read_setting(environment: Mapping[str, str]) -> SwitchIntervalSetting:
    """Return the setting. Empty counts as unset; a number out of range is not valid."""
    text = environment.get(SETTING) or None
    if text is None:
        return SwitchIntervalSetting(None, None)
    try:
        ms = float(text)
    except ValueError:
        return SwitchIntervalSetting(text, None)
    # A comparison with nan is false, so nan is out of range as well.
    return SwitchIntervalSetting(text, ms if MINIMUM_MS <= ms <= MAXIMUM_MS else None)


def apply(setting: SwitchIntervalSetting) -> None:
    """Set the interval of this process; without a valid number it does not change."""
    if setting.ms is not None:
        sys.setswitchinterval(setting.ms / 1000)


def effective_ms() -> float:
    """The interval this process has now, milliseconds."""
    return round(sys.getswitchinterval() * 1000, 3)
