"""
Little's law, N = X R: the check of the instrument.

It holds for time averages of any stable system. Over a finite window it holds up to the edges: a request that is in
flight when the window opens adds its whole latency to X R and only its rest to N, one that is in flight when it closes
the reverse. Each edge is at most N requests of R seconds, so over a window of W seconds the edges alone can cause a
relative residual of up to R / W. A residual beyond both 3 % and R / W means that clocks, warm-up or counting are wrong,
so the other figures of the step cannot be trusted either.
"""

from typing import Literal

from functune.analysis.numbers.figures import Figures
from functune.formatting import duration

LIMIT = 0.03
"""The relative residual of a sound step."""
LONGEST_WINDOW = 60.0
"""Seconds of a window that is worth asking for. Queues of many users at a slow app would need minutes."""

type Soundness = Literal["sound", "window too short", "broken"]


def residual(figures: Figures) -> float | None:
    """The relative residual |N - X R| / N; None when nothing was in flight, or nothing ended in the window."""
    if figures.in_flight == 0 or figures.rate == 0:
        return None
    return abs(figures.in_flight - figures.rate_times_latency) / figures.in_flight


def edge_limit(figures: Figures) -> float | None:
    """The residual that the edges of the shortest window can cause, R / W; None where nothing ended or N is 0."""
    if figures.shortest_window == 0 or figures.rate == 0:
        return None
    return figures.rate_times_latency / figures.rate / figures.shortest_window


def soundness(figures: Figures) -> Soundness | None:
    """Whether the law holds, is broken, or cannot be checked in a window so short; None without a residual."""
    off, edges = residual(figures), edge_limit(figures)
    if off is None:
        return None
    if off <= LIMIT:
        return "sound"
    return "window too short" if edges is not None and off <= edges else "broken"


def window_needed(figures: Figures) -> float | None:
    """The seconds of a window whose edges cannot cause more than 3 %: R / 0.03. None where nothing ended."""
    return figures.rate_times_latency / figures.rate / LIMIT if figures.rate else None


def how_to_check(needed: float) -> str:
    """How to check the law where a window was too short, in a sentence; ``needed`` is in seconds."""
    if needed <= LONGEST_WINDOW:
        return f"Windows of {duration(needed)} would check it."
    return (
        f"Answers take up to {duration(needed * LIMIT)} there, so windows of minutes would be needed: steps with fewer "
        "users, whose answers take less, show whether it holds."
    )
