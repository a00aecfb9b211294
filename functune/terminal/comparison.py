"""Two runs compared, for the terminal and for programs."""

from collections.abc import Iterator, Sequence

from functune.analysis.comparison import Change, ChangeVerdict, Comparison
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


def comparison_document(found: Comparison, warnings: Sequence[str]) -> dict[str, object]:
    """The comparison as JSON; its figures have the names and units of measurements.csv."""
    return {
        "schema_version": 1,
        "got_worse": found.got_worse,
        "margin": found.margin,
        "matched_steps": found.matched,
        "steps_only_before": found.only_before,
        "steps_only_after": found.only_after,
        "counts": {verdict: len(found.of(verdict)) for verdict in ("worse", "better", "same", "unclear")},
        "figures": [compared_figure(change) for change in found.changes],
        "broken": found.broken,
        "warnings": warnings,
        "notes": list(comparison_notes(found, unclear=len(found.of("unclear")))),
    }


def compared_figure(change: Change) -> dict[str, object]:
    """One figure of one step in both runs."""
    name, factor = ("throughput_per_s", 1.0) if change.metric == "throughput" else ("p95_ms", 1e3)
    spread = change.spread
    return {
        "experiment": change.experiment,
        "route": str(change.subject),
        "setting": change.setting,
        "load": change.load,
        "metric": name,
        "before": factor * change.before,
        "after": factor * change.after,
        "ratio": change.ratio,
        "ratio_low": spread.low if spread else None,
        "ratio_high": spread.high if spread else None,
        "repeats": spread.repeats if spread else 1,
        "verdict": change.verdict,
        "in_words": change.in_words,
    }


def comparison_notes(found: Comparison, *, unclear: int) -> Iterator[str]:
    """The limits of the comparison, and how to narrow them."""
    if found.once:
        yield (
            "Some figures were measured once, so a change may be chance. They count as changed beyond the margin; "
            f"repeats = {ENOUGH} in the experiment file would show whether it is."
        )
    if unclear:
        yield (
            "Unclear: the repeats are consistent with no change and with one beyond the margin, or they show a change "
            "smaller than the margin. More repeats, or a quieter machine, narrow the range."
        )
    for only, which in ((found.only_before, "first"), (found.only_after, "second")):
        if only:
            yield f"{plural(only, 'step')} only in the {which} run, not compared."


def environment_warnings(before: Environment, after: Environment) -> Iterator[str]:
    """The differences between the machines or the software, which may be the cause of a change."""
    for name, was, now in differences(before, after):
        if name not in ("app_digest", "git_commit"):  # the app is the subject of a comparison
            yield f"{name} was {was!r} and is {now!r}: a change may come from that."
