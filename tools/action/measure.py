"""
The step that measures the base and the checkout one after the other, compares them and writes the summary.

Machines of a CI service differ by more than most changes do, so both runs belong to one job: a ratio of two runs on
the same machine is the only figure that says something about the change.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.action.base import base_commit, checked_out, short_commit, shown_head
from tools.action.checked import checked_app
from tools.action.functune import Functune
from tools.action.inputs import ActionError, Inputs, read_inputs
from tools.action.result import SUMMARY, Called, Result
from tools.action.summary import summary_text


def main(environ: Mapping[str, str]) -> int:
    """Measure. The exit status is 0 whatever the figures say, since the summary comes before the verdict."""
    inputs = read_inputs(environ)
    refuse_target(inputs)
    functune = Functune(environ["INPUT_COMMAND"], inputs.workspace)
    shutil.rmtree(inputs.folder, ignore_errors=True)
    inputs.folder.mkdir(parents=True)
    result = measured(functune, inputs)
    result.write(inputs.folder)
    summary = inputs.folder / SUMMARY
    summary.write_text(summary_text(result, inputs, report_summary(inputs)), encoding="utf-8")
    outputs = {"verdict": result.verdict, "folder": inputs.folder, "summary": summary}
    if inputs.doctor and (findings := checked_app(functune, inputs)) is not None:
        outputs["sarif"] = findings
    append(environ["GITHUB_STEP_SUMMARY"], summary.read_text(encoding="utf-8"))
    append(environ["GITHUB_OUTPUT"], "".join(f"{name}={value}\n" for name, value in outputs.items()))
    return 0


def refuse_target(inputs: Inputs) -> None:
    """Raise ActionError for a workflow that would run the code of strangers with the rights of the repository."""
    if inputs.event in ("pull_request_target", "workflow_run"):
        raise ActionError(
            f"the event {inputs.event} has the secrets of the repository, and measuring runs the code of the pull "
            "request: start the workflow by `pull_request`"
        )


def measured(functune: Functune, inputs: Inputs) -> Result:
    """The base where there is one, then the checkout, then the comparison."""
    head_commit = shown_head(inputs)
    base, base_run, base_name = None, None, ""
    if inputs.base_run:
        base_run, base_name = inputs.workspace / inputs.base_run, f"the run {inputs.base_run}"
    elif (commit := base_commit(inputs)) is not None:
        base_run, base_name = inputs.folder / "base", short_commit(inputs.workspace, commit)
        base = run_of(functune, inputs, f"Measure the base, {base_name}", checked_out(inputs, commit), base_run)
    head = run_of(functune, inputs, f"Measure {head_commit}", inputs.workspace, inputs.head_run)
    comparable = head.is_answer and base_run is not None and (base is None or base.is_answer)
    comparison = (
        functune.call("Compare", "compare", base_run, inputs.head_run, "--margin", inputs.margin)
        if comparable
        else None
    )
    return Result(
        key=inputs.key,
        comment=inputs.comment,
        fail_on=inputs.fail_on,
        head_commit=head_commit,
        base_commit=base_name,
        head=head,
        base=base,
        comparison=comparison,
    )


def run_of(functune: Functune, inputs: Inputs, title: str, checkout: Path, out: Path) -> Called:
    """
    One run. Experiment files are those of the pull request for both, so that both have the same steps.

    For the same reason every step of an experiment is measured: an adaptive search may end at others.
    """
    measure = ["tune", inputs.route] if inputs.route else ["sweep", *inputs.experiments, "--search", "grid"]
    shared = ["--script-root", checkout / inputs.script_root, *inputs.packages, *inputs.arguments]
    return functune.call(title, *measure, "--out", out, *shared)


def report_summary(inputs: Inputs) -> str:
    """The summary of the checkout's run; empty where there is none."""
    file = inputs.head_run / SUMMARY
    return file.read_text(encoding="utf-8") if file.exists() else ""


def append(path: str, text: str) -> None:
    """Add to a file of the runner, to which other steps add as well."""
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(text)
