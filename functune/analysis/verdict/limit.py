"""The limit of a subject: the one thing that holds its throughput, with the line and the figures that show it."""

from typing import Literal

import msgspec

from functune.analysis.numbers.hot_lines import HotLine

type LimitKind = Literal[
    "threads",
    "gil",
    "cores",
    "instance",
    "event_loop_blocked",
    "event_loop_busy",
    "lock",
    "pool",
    "downstream",
    "admission",
    "memory",
    "host",
    "generator",
    "none",
    "unknown",
]


class LimitPlace(msgspec.Struct, frozen=True, kw_only=True):
    """The line of the reader's code that is the reason."""

    file: str
    """The file, relative to the script root where it lies below it."""
    line: int
    """The number of the line."""
    function: str
    """The function that the line is in."""
    waits_in: str | None
    """The innermost library call; None where it computes."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What holds the throughput of a subject."""

    kind: LimitKind
    """The kind of limit."""
    where: LimitPlace | None
    """The line of the code; None where nothing points to one."""
    share: float | None
    """The part of the time, or of its growth under load, that it explains, 0 to 1."""
    evidence: tuple[str, ...]
    """The figures it rests on, a phrase each."""
    reason: str = ""
    """
    For an unknown limit: why it is unknown, and how to find it. For threads: that more of them were not measured. For
    memory: that no setting fits. For admission: that the host refuses calls.
    """


def unknown_limit(reason: str) -> Limit:
    """An unknown limit, with the reason."""
    return Limit(kind="unknown", where=None, share=None, evidence=(), reason=reason)


def limit_place(line: HotLine | None) -> LimitPlace | None:
    """A line as a place."""
    if line is None:
        return None
    return LimitPlace(file=line.file, line=line.line, function=line.function, waits_in=line.waits_in)


def sentence_start(text: str) -> str:
    """A phrase with its first letter as a capital; the rest keeps its case."""
    return text[:1].upper() + text[1:]
