"""The summary of a workflow run as Markdown: for the page of the job and for the comment on the pull request."""

import re

from tools.action.inputs import Inputs
from tools.action.result import Result, Verdict

HEADS: dict[Verdict, str] = {
    "worse": "❌ Something got worse",
    "not worse": "✅ Nothing got worse",
    "not compared": "❔ Not compared",
    "not measured": "❌ Not measured",
}
SAME_MACHINE = (
    "Both were measured in this job, one after the other on the same machine. Their ratios describe the change; "
    "absolute figures describe the machine as well."
)
OTHER_MACHINE = (
    "The base was measured earlier, perhaps on another machine: a difference between machines looks like a change. "
    "Without `base-run` both are measured in one job."
)
SEARCHES = "Each search chose its own steps within the budget; only those that both measured are compared."


def summary_text(result: Result, inputs: Inputs, report: str) -> str:
    """The verdict, the comparison, and the summary of the checkout's run, which is folded away."""
    blocks = [f"### functune: {HEADS[result.verdict]}", "", *commits(result, inputs), ""]
    said = result.why_not_compared or (result.comparison.output if result.comparison else "")
    for text in (said, "" if result.head.is_answer else result.head.reason):
        blocks += [*fenced(text), ""] if text else []
    if report:
        blocks += [f"<details><summary>The run of {result.head_commit}</summary>", "", report, "</details>", ""]
    return "\n".join(blocks)


def commits(result: Result, inputs: Inputs) -> list[str]:
    """What was compared with what, and what the figures mean."""
    if not result.base_commit:
        return [f"{result.head_commit}, without a base to compare with."]
    machine = OTHER_MACHINE if inputs.base_run else SAME_MACHINE
    return [f"{result.base_commit} → {result.head_commit}. {machine}{f' {SEARCHES}' if inputs.route else ''}"]


def fenced(text: str) -> list[str]:
    """A text as a block of code, in a fence that it cannot close: it names routes and experiments of the app."""
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return [f"{ticks}text", text.strip(), ticks]
