"""Two runs compared, for the terminal."""

from collections.abc import Iterator

from functune.analysis.comparison import ChangeVerdict, Comparison
from functune.analysis.numbers.repeats import ENOUGH
from functune.formatting import percent, plural
from functune.run.environment import Environment, differences

HEADS: dict[ChangeVerdict, str] = {"worse": "Worse", "better": "Better"}


def comparison_text(found: Comparison) -> str:
    """The figures that got worse or better, the greatest change first, and the number of those unchanged or unclear."""
    lines = [f"Worse: {broken.experiment}: {broken.what}" for broken in found.broken]
    for verdict, head in HEADS.items():
        lines += [f"{head}: {change.in_words}" for change in found.of(verdict)]
    counts = {verdict: len(found.of(verdict)) for verdict in ("same", "unclear", "better", "worse")}
    figures = plural(len(found.changes), "figure")
    lines.append(
        f"{plural(found.matched, 'step')} in both runs, {figures}: {counts['worse']} worse, {counts['better']} better, "
        f"{counts['same']} the same within {percent(found.margin)}, {counts['unclear']} unclear."
    )
    return "\n".join([*lines, *comparison_notes(found, unclear=counts["unclear"])])


def comparison_notes(found: Comparison, *, unclear: int) -> Iterator[str]:
    """The limits of the comparison, and how to narrow them."""
    if found.once:
        yield (
            "Some figures were measured once, so a change may be chance. They count as changed beyond the margin; "
            f"repeats = {ENOUGH} in the experiment file would show the difference."
        )
    if unclear:
        yield (
            "Unclear: the repeats allow both no change and one beyond the margin, or a change smaller than it. "
            "More repeats, or a quieter machine, narrow it."
        )
    for only, which in ((found.only_before, "first"), (found.only_after, "second")):
        if only:
            yield f"{plural(only, 'step')} only in the {which} run, not compared."


def environment_warnings(before: Environment, after: Environment) -> Iterator[str]:
    """The differences between the machines or the software, which may be the cause of a change."""
    for name, was, now in differences(before, after):
        if name not in ("app_digest", "git_commit"):  # the app is the subject of a comparison
            yield f"{name} was {was!r} and is {now!r}: a change may come from that."
