"""Every repeat of the run."""

from collections.abc import Sequence

from functune.analysis.numbers.repeats import SAME
from functune.formatting import percent
from functune.report.markup import Html, element


def repeats_section(figures: Sequence[Html]) -> Html | None:
    """A chart per route; None where each step was measured once, which the section on trust says."""
    if not figures:
        return None
    return element(
        "section",
        element("h2", "Every repeat"),
        element(
            "p",
            "Each dot is one repeat of one step, relative to the mean of that step's repeats. Shaded: the "
            f"{percent(SAME)} within which settings count as equal.",
            class_="lead",
        ),
        element("div", *figures, class_="figures"),
        id="repeats",
    )
