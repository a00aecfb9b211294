"""The part of a Python traceback that lies in the app."""

import re
from pathlib import Path

_FRAME = re.compile(r'  File "(.+)", line \d+')


def app_frames(stack_trace: str, script_root: Path) -> list[str]:
    """
    The lines of a traceback that belong to files of the app, in their order; of chained tracebacks, the last.

    Packages below the script root are not the app's own: a frame in site-packages is dropped like one of the runtime.
    """
    kept: list[str] = []
    is_kept = False
    for line in stack_trace.rpartition("Traceback (most recent call last):")[2].splitlines():
        if found := _FRAME.match(line):
            is_kept = Path(found[1]).is_relative_to(script_root) and "site-packages" not in found[1]
        elif not line.startswith("    "):
            is_kept = False
        if is_kept:
            kept.append(line)
    return kept
