"""How a setting looks in every chart of its route: label, colour and shape."""

from collections.abc import Iterable

import msgspec

from functune.setting import Setting, words_of

RAMP = 8
"""Number of series colours in report.css, --series-0 (fewest threads) to --series-7."""
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What distinguishes a setting from the others of its route."""

    label: str
    """Only what varies between the settings."""
    color: str
    """A CSS variable, so that one drawing serves light, dark and print."""
    shape: str


def looks(settings: Iterable[Setting]) -> dict[Setting, Look]:
    """
    The look of each setting, simplest setting first.

    Colour follows the knob that varies: threads, else processes, else the order. Shape follows the rest.
    """
    ordered = sorted(set(settings), key=lambda one: one.simplicity)
    threads = len({one.thread_count for one in ordered}) > 1
    processes = len({one.process_count for one in ordered}) > 1
    rest = len({without_counts(one) for one in ordered}) > 1
    places = color_places(ordered)
    others = list(dict.fromkeys(without_threads_count(one) for one in ordered))
    return {
        one: Look(
            label=short_label(one, threads=threads, processes=processes, rest=rest),
            color=f"var(--series-{round(places[one] * (RAMP - 1))})",
            shape=SHAPES[others.index(without_threads_count(one)) % len(SHAPES)],
        )
        for one in ordered
    }


def without_counts(setting: Setting) -> tuple[object, ...]:
    """The knobs other than threads and processes."""
    return setting.per_instance_concurrency, setting.app_settings


def without_threads_count(setting: Setting) -> tuple[object, ...]:
    """The knobs other than threads."""
    return setting.process_count, *without_counts(setting)


def color_places(ordered: list[Setting]) -> dict[Setting, float]:
    """Where each setting stands on the colour ramp, 0 to 1."""
    threads = sorted({one.thread_count for one in ordered}, key=lambda count: (count is None, count))
    processes = sorted({one.process_count for one in ordered})
    if len(threads) > 1:
        return {one: threads.index(one.thread_count) / (len(threads) - 1) for one in ordered}
    if len(processes) > 1:
        return {one: processes.index(one.process_count) / (len(processes) - 1) for one in ordered}
    return {one: index / max(len(ordered) - 1, 1) for index, one in enumerate(ordered)}


def short_label(setting: Setting, *, threads: bool, processes: bool, rest: bool) -> str:
    """A setting as a direct label, with only what varies; the flags say which knobs do."""
    if rest and not threads and not processes:
        return words_of(setting, ["per_instance_concurrency", "app_settings"])
    if rest or (threads and processes):
        return str(setting)
    return words_of(setting, ["process_count"] if processes else ["thread_count"])
