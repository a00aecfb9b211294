"""What else ran while steps were measured: a figure taken on cores that were not free is not the setting's."""

from collections.abc import Sequence

from functune.analysis.formatting import count, plural
from functune.measurements import BUSY_MACHINE, Measurement

TOLERANCE = 0.2
"""Cores: what an idle system, the sweep itself and the rounding of a short window come to; up to 0.17 was seen."""


def warnings(steps: Sequence[Measurement]) -> tuple[str, ...]:
    """What makes an experiment's figures doubtful, a sentence or two each; nothing on an idle machine."""
    found = []
    others = [step.other_cpu for step in steps if step.other_cpu is not None and step.other_cpu > BUSY_MACHINE]
    if others:
        found.append(
            f"Other programs used up to {cores(max(others))} while {of(others, steps)} measured: "
            "the figures may be too low. Repeat on an idle machine."
        )
    return tuple(found)


def of(some: Sequence[object], steps: Sequence[Measurement]) -> str:
    """How many of the steps, as the subject of ``measured``."""
    return f"{count(len(some))} of {plural(len(steps), 'step')} {'was' if len(some) == 1 else 'were'}"


def cores(value: float) -> str:
    """Cores in words, to hundredths: what the system counts them in."""
    return f"{value:.2f} cores"


def not_free(steps: Sequence[Measurement], *, needed: int, machine: float | None) -> str | None:
    """
    Why too few cores were free to judge these steps, in words; None when there were enough.

    Enough is: in each step, the machine's cores less what other programs used come to ``needed``, up to TOLERANCE.
    """
    needs = f"needs {plural(needed, 'free core')}"
    if machine is None:
        return f"{needs}, and how many the machine has is not known"
    if machine < needed:
        return f"{needs}, and the machine has {machine:g}"
    used = [step.other_cpu for step in steps]
    known = [value for value in used if value is not None]
    if len(known) < len(used):
        return f"{needs}, and what other programs used is not known"
    most = max(known, default=0.0)
    if machine - most < needed - TOLERANCE:
        return f"{needs}, and other programs used {cores(most)} of {machine:g}"
    return None
