"""The run at a glance: four figures."""

from collections import Counter

from functune.analysis import littles_law
from functune.analysis.formatting import count, percent
from functune.report.contents import Contents
from functune.report.markup import Html, element


def run_tiles(contents: Contents) -> Html:
    """Expectations, steps, requests and the worst residual of Little's law."""
    analyses = contents.analyses
    steps = [step for analysis in analyses for step in analysis.measurements]
    results = Counter(outcome.result for analysis in analyses for outcome in analysis.outcomes)
    unjudged = f"; {results['not judged']} not judged" if results["not judged"] else ""
    failed = sum(len(step.error_latencies_us) for step in steps)
    worst = contents.trust.littles_law
    return element(
        "dl",
        tile(
            "Expectations met",
            f"{results['holds']} of {results.total()}" if results else "none stated",
            f"checked against this run{unjudged}" if results else "an experiment file can state some",
        ),
        tile(
            "Steps measured",
            f"{count(len(steps))} of {count(sum(analysis.planned for analysis in analyses))}",
            repeats_in_words(contents.trust.repeats),
        ),
        tile("Requests", count(sum(len(step.latencies_us) for step in steps)), f"and {count(failed)} failed"),
        tile(
            "Little's law, worst residual",
            percent(worst.value) if worst else "unknown",
            f"sound below {percent(littles_law.LIMIT)}",
        ),
        class_="tiles",
    )


def tile(name: str, value: str, note: str) -> Html:
    """One figure."""
    return element("div", element("dt", name), element("dd", value, element("div", note, class_="note")))


def repeats_in_words(repeats: tuple[int, int]) -> str:
    """How many times steps were measured, from the fewest and the most."""
    fewest, most = repeats
    if most <= 1:
        return "each once"
    return f"each {most} times" if fewest == most else f"each {fewest} to {most} times"
