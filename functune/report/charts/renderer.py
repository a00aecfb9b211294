"""
Vega-Lite to SVG, side by side in processes: one V8 engine draws one chart after another, on one core.

Run as a program it draws for another process: a JSON array of specifications in, a JSON array of SVG texts out.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import msgspec
import vl_convert

from functune.formatting import plural
from functune.report.charts.vega import Specification

WORTH_A_PROCESS = 16
"""Drawings that take about as long as starting another process and its engine, half a second."""
MOST_PROCESSES = 4
"""Each takes 130 MB."""
KEPT_DRAWINGS = 256
"""Of 20 kB each. A live page is drawn again after every step, and most of its charts are the same."""

_kept: dict[bytes, str] = {}
"""The last drawings by their specification, the one not used for the longest time first."""


def render_svgs(specifications: Sequence[Specification]) -> list[str]:
    """The SVG of each specification, in their order. Raises as ``render_side_by_side`` does."""
    keys = [msgspec.json.encode(each) for each in specifications]
    missing = {key: each for key, each in zip(keys, specifications, strict=True) if key not in _kept}
    found = _kept | dict(zip(missing, render_side_by_side(list(missing.values())), strict=True))
    for key in keys:
        _kept.pop(key, None)
        _kept[key] = found[key]
    for key in list(_kept)[:-KEPT_DRAWINGS]:
        _kept.pop(key, None)
    return [found[key] for key in keys]


def render_side_by_side(specifications: Sequence[Specification], *, processes: int | None = None) -> list[str]:
    """
    The SVG of each specification, in their order, each of them drawn; the number of processes does not change it.

    ``processes`` None takes as many as the cores and the number of drawings make worth it.

    Raises ValueError where a specification is no Vega-Lite, and RuntimeError where another process fails.
    """
    count = processes or worthwhile_processes(len(specifications))
    shares = [specifications[start::count] for start in range(count)]
    with ThreadPoolExecutor(max_workers=count) as pool:
        elsewhere = [pool.submit(render_elsewhere, share) for share in shares[1:]]
        rendered = [render_here(shares[0]), *(each.result() for each in elsewhere)]
    return [rendered[index % count][index // count] for index in range(len(specifications))]


def worthwhile_processes(drawings: int) -> int:
    """The number of processes, this one included, that draw fastest."""
    return max(1, min(drawings // WORTH_A_PROCESS, os.process_cpu_count() or 1, MOST_PROCESSES))


def render_here(specifications: Sequence[Specification]) -> list[str]:
    """The SVG of each specification, drawn in this process. Raises ValueError where one is no Vega-Lite."""
    return [vl_convert.vegalite_to_svg(each) for each in specifications]


def render_elsewhere(specifications: Sequence[Specification]) -> list[str]:
    """The SVG of each specification, drawn in a process of its own. Raises RuntimeError when that process fails."""
    ended = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        input=msgspec.json.encode(specifications),
        capture_output=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(
            f"drawing {plural(len(specifications), 'chart')} failed: {ended.stderr.decode(errors='replace')}"
        )
    return msgspec.json.decode(ended.stdout, type=list[str])


def buffered_stdout() -> IO[bytes]:
    """
    The stdout of a process that draws for another one.

    With PYTHONUNBUFFERED, ``sys.stdout.buffer`` loses a part where the process is stopped while it writes.
    """
    return os.fdopen(sys.stdout.fileno(), "wb", closefd=False)


if __name__ == "__main__":
    with buffered_stdout() as answer:
        answer.write(msgspec.json.encode(render_here(msgspec.json.decode(sys.stdin.buffer.read()))))
