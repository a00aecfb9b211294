"""One experiment: for each subject its cards and charts, then expectations and caveats."""

from collections.abc import Mapping, Sequence

from functune.analysis.checks.expectations import Result
from functune.analysis.experiment import ExperimentFindings, SubjectFindings
from functune.report.charts.registry import FigureKey
from functune.report.document import ReportDocument
from functune.report.markup import Content, Html, data_table, element
from functune.report.sections.cards import setting_cards
from functune.report.sections.hot_lines import hot_lines_block

OUTCOME_MARKS: dict[Result, tuple[str, str]] = {
    "holds": ("✓", "good"),
    "fails": ("✗", "bad"),
    "not judged": ("?", "muted"),
}
"""The sign and the class of each result."""


def experiment_section(
    findings: ExperimentFindings, figures: Mapping[FigureKey, Sequence[Html]], document: ReportDocument, *, single: bool
) -> Html:
    """The section of one experiment; where it is the ``single`` one, the page's title is its question already."""
    experiment = findings.experiment
    caveats = dict.fromkeys(caveat for each in findings.recommendations for caveat in each.caveats)
    return element(
        "section",
        element("p", experiment.name, class_="eyebrow"),
        element("h2", "Measurements" if single else experiment.question),
        element("p", experiment.lesson, class_="lead") if experiment.lesson else None,
        *(
            subject_block(
                subject,
                [
                    *figures.get(("experiment", findings.name, str(subject.subject)), ()),
                    hot_lines_block(document.profile_of(findings.name, subject.subject)),
                ],
                currency=document.currency,
            )
            for subject in findings.subjects
        ),
        expectations_table(findings),
        element("ul", *(element("li", caveat) for caveat in caveats), class_="notes") if caveats else None,
        id=experiment.name,
    )


def subject_block(subject: SubjectFindings, figures: Sequence[Html | None], *, currency: str) -> Html:
    """One subject of an experiment, with its figures."""
    recommended = subject.recommended
    handlers = {step.handler for step in subject.levels if step.handler}
    return element(
        "div",
        element(
            "h3", element("code", str(subject.subject)), element("span", " / ".join(sorted(handlers)), class_="eyebrow")
        ),
        element("p", recommended.reason if recommended else subject.unmet, class_="reason"),
        setting_cards(subject, currency=currency),
        element("div", *figures, class_="figures"),
        class_="route",
    )


def expectations_table(findings: ExperimentFindings) -> Html | None:
    """The experiment's expectations and their outcomes; a line below says why one was not judged."""
    if not findings.outcomes:
        return None
    rows: list[list[Content]] = [
        [
            outcome.claim,
            outcome.observed_text,
            outcome.allowed,
            element(
                "span", f"{OUTCOME_MARKS[outcome.result][0]} {outcome.result}", class_=OUTCOME_MARKS[outcome.result][1]
            ),
        ]
        for outcome in findings.outcomes
    ]
    unjudged = [
        element("li", f"Not judged: {outcome.claim}. It {outcome.reason}.")
        for outcome in findings.outcomes
        if outcome.reason
    ]
    return element(
        "div",
        element("h3", "Expectations"),
        data_table(
            f"Expectations of {findings.name}, checked against this run",
            ["Claim", "Observed", "Allowed", "Outcome"],
            rows,
            class_="claims",
        ),
        element("ul", *unjudged, class_="notes") if unjudged else None,
        class_="block",
    )
