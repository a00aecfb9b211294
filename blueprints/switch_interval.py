"""
How long a thread may hold the interpreter lock while others wait for it: the app setting, and the interpreter's value.

A thread that computes gives the lock up only when it is asked to, and it is asked after this interval. Whatever wakes
up meanwhile, the event loop included, waits that long each time it needs the lock.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

SETTING = "SWITCH_INTERVAL_MS"
MINIMUM_MS = 0.1
MAXIMUM_MS = 1000.0
DEFAULT_MS = 5.0
"""The interpreter's own (CPython, sys.setswitchinterval)."""


@dataclass(frozen=True)
class SwitchIntervalSetting:
    """SWITCH_INTERVAL_MS: its text, and the usable number in it, milliseconds."""

    text: str | None
    ms: float | None


def read_setting(environment: Mapping[str, str]) -> SwitchIntervalSetting:
    """Return the setting; empty counts as unset, and a number out of range is no usable one."""
    text = environment.get(SETTING) or None
    if text is None:
        return SwitchIntervalSetting(None, None)
    try:
        ms = float(text)
    except ValueError:
        return SwitchIntervalSetting(text, None)
    # A comparison with nan is false, so nan is out of range too.
    return SwitchIntervalSetting(text, ms if MINIMUM_MS <= ms <= MAXIMUM_MS else None)


def apply(setting: SwitchIntervalSetting) -> None:
    """Set the interval of this process; without a usable number it stays what it is."""
    if setting.ms is not None:
        sys.setswitchinterval(setting.ms / 1000)


def effective_ms() -> float:
    """The interval this process has now, milliseconds."""
    return round(sys.getswitchinterval() * 1000, 3)
