"""Two runs compared, for the terminal."""

from collections.abc import Iterator, Mapping

from functune.analysis.comparison import Comparison, Verdict
from functune.analysis.formatting import percent, plural
from functune.analysis.repeats import ENOUGH
from functune.environment import COMPARED

CHANGE_HEADS: dict[Verdict, str] = {"worse": "Worse", "better": "Better"}


def comparison_text(found: Comparison) -> str:
    """The changes, worst first, then how many figures changed, and the caveats."""
    lines: list[str] = []
    for broken in found.broken:
        lines.append(f"Worse: {broken.experiment}: {broken.what}")
    for verdict, head in CHANGE_HEADS.items():
        lines += [f"{head}: {change.in_words}" for change in found.of(verdict)]
    counts = {verdict: len(found.of(verdict)) for verdict in ("same", "unclear", "better", "worse")}
    figures = plural(len(found.changes), "figure")
    lines.append(
        f"{plural(found.matched, 'step')} in both runs, {figures}: {counts['worse']} worse, {counts['better']} better, "
        f"{counts['same']} the same within {percent(found.margin)}, {counts['unclear']} unclear."
    )
    return "\n".join([*lines, *comparison_caveats(found, unclear=counts["unclear"])])


def comparison_caveats(found: Comparison, *, unclear: int) -> Iterator[str]:
    """The figures that cannot be judged, and how to judge them."""
    if found.once:
        yield (
            "Some steps were measured once, where noise and change look alike. Figures beyond the margin count as "
            f"changed; set repeats = {ENOUGH} in the experiment file to be sure."
        )
    if unclear:
        yield (
            "Unclear: the interval includes both no change and a change beyond the margin, or only a change within it. "
            "More repeats or a quieter machine narrow the interval."
        )
    for only, which in ((found.only_before, "first"), (found.only_after, "second")):
        if only:
            yield f"{plural(only, 'step')} only in the {which} run, not compared."


def environment_warnings(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    """Differences between the machines or the software, which may be the cause of a change."""
    for name in COMPARED:
        if before.get(name) != after.get(name):
            yield f"{name} was {before.get(name)!r} and is {after.get(name)!r}: that may be the cause of a change."
