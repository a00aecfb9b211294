"""Two runs compared, for the terminal."""

from collections.abc import Iterator, Mapping

from functune.analysis.comparison import Comparison, Verdict
from functune.formatting import percent, plural
from functune.analysis.repeats import ENOUGH
from functune.environment import COMPARED

HEADS: dict[Verdict, str] = {"worse": "Worse", "better": "Better"}


def comparison_text(found: Comparison) -> str:
    """What got worse, what got better, what stayed, and what cannot be said; worst first."""
    lines: list[str] = []
    for broken in found.broken:
        lines.append(f"Worse: {broken.experiment}: {broken.what}")
    for verdict, head in HEADS.items():
        lines += [f"{head}: {change.in_words}" for change in found.of(verdict)]
    counts = {verdict: len(found.of(verdict)) for verdict in ("same", "unclear", "better", "worse")}
    figures = plural(len(found.changes), "figure")
    lines.append(
        f"{plural(found.matched, 'step')} in both runs, {figures}: {counts['worse']} worse, {counts['better']} better, "
        f"{counts['same']} the same within {percent(found.margin)}, {counts['unclear']} unclear."
    )
    return "\n".join([*lines, *caveats(found, unclear=counts["unclear"])])


def caveats(found: Comparison, *, unclear: int) -> Iterator[str]:
    """What cannot be said, and what to do about it."""
    if found.once:
        yield (
            "Measured once: chance cannot be told from change there. Figures beyond the margin count as changed; "
            f"measure with repeats = {ENOUGH} in the experiment file to know."
        )
    if unclear:
        yield (
            "Unclear: what repeats span holds both no change and one beyond the margin, or a change smaller than it. "
            "More repeats, or a quieter machine, narrow it."
        )
    for only, which in ((found.only_before, "first"), (found.only_after, "second")):
        if only:
            yield f"{plural(only, 'step')} only in the {which} run, not compared."


def environment_warnings(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    """What differs between the machines or the software, so that a change may be theirs."""
    for name in COMPARED:
        if before.get(name) != after.get(name):
            yield f"{name} was {before.get(name)!r} and is {after.get(name)!r}: a change may come from that."
