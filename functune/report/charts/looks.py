"""How a setting looks in every chart of its route: label, colour and shape."""

from collections.abc import Iterable, Sequence

import msgspec

from functune.setting import Setting, varying_knobs, words_of

RAMP = 8
"""Number of series colours in report.css, --series-0 (fewest threads) to --series-7."""
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """The label, the colour and the shape that distinguish a setting from the others of its route."""

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
    varying = [knob.name for knob in varying_knobs(ordered)]
    places = color_places(ordered)
    others = list(dict.fromkeys(without_thread_count(one) for one in ordered))
    return {
        one: Look(
            label=short_label(one, varying),
            color=f"var(--series-{round(places[one] * (RAMP - 1))})",
            shape=SHAPES[others.index(without_thread_count(one)) % len(SHAPES)],
        )
        for one in ordered
    }


def without_thread_count(setting: Setting) -> Setting:
    """The setting with the thread count unset: its other knobs."""
    return msgspec.structs.replace(setting, thread_count=None)


def color_places(ordered: list[Setting]) -> dict[Setting, float]:
    """Where each setting stands on the colour ramp, 0 to 1."""
    threads = sorted({one.thread_count for one in ordered}, key=lambda count: (count is None, count))
    processes = sorted({one.process_count for one in ordered})
    if len(threads) > 1:
        return {one: threads.index(one.thread_count) / (len(threads) - 1) for one in ordered}
    if len(processes) > 1:
        return {one: processes.index(one.process_count) / (len(processes) - 1) for one in ordered}
    return {one: index / max(len(ordered) - 1, 1) for index, one in enumerate(ordered)}


def short_label(setting: Setting, varying: Sequence[str]) -> str:
    """A setting as a direct label with only the knobs that vary; ``defaults`` where none of those has a value."""
    counts = [name for name in varying if name in ("process_count", "thread_count")]
    if len(counts) > 1 or (counts and len(varying) > 1):
        return str(setting)
    if counts or not varying:
        return words_of(setting, counts or ["thread_count"])
    return words_of(setting, [name for name in varying if getattr(setting, name)]) or "defaults"
