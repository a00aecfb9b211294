"""The run at a glance: four figures."""

from collections import Counter

from functune.analysis.laws import littles_law
from functune.formatting import count, percent
from functune.report.document import ReportDocument
from functune.report.markup import Html, element


def run_tiles(document: ReportDocument) -> Html:
    """Expectations, steps, requests and the worst residual of Little's law."""
    levels = [level for findings in document.experiments for level in findings.levels]
    results = Counter(outcome.result for findings in document.experiments for outcome in findings.outcomes)
    unjudged = f"; {results['not judged']} not judged" if results["not judged"] else ""
    failed = sum(level.figures.failed for level in levels)
    worst = document.trust.littles_law_off
    return element(
        "dl",
        tile(
            "Expectations met",
            f"{results['holds']} of {results.total()}" if results else "none stated",
            f"checked against this run{unjudged}" if results else "an experiment file can state some",
        ),
        tile(
            "Steps measured",
            f"{count(len(levels))} of {count(sum(findings.planned for findings in document.experiments))}",
            repeats_in_words(document.trust.repeats),
        ),
        tile("Requests", count(sum(level.figures.requests for level in levels)), f"and {count(failed)} failed"),
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
