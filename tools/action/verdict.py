"""The last step: the exit status of the action."""

from collections.abc import Mapping
from pathlib import Path

from tools.action.log import error, warning
from tools.action.result import FAILED, Result


def main(environ: Mapping[str, str]) -> int:
    """
    0; 1 for what fail-on names; and functune's own exit code where the checkout could not be measured.

    A base that could not be measured fails nothing: the pull request may be the one that repairs it.
    """
    result = Result.read(Path(environ["INPUT_FOLDER"]))
    if not result.head.is_answer:
        error(result.head.reason)
        return result.head.code
    if result.why_not_compared:
        warning(f"not compared: {result.why_not_compared}")
    failed = {}
    if result.verdict == "worse":
        failed["worse"] = f"{result.head_commit} is worse than {result.base_commit}; the summary has the figures"
    if result.head.code == FAILED:
        failed["expectations"] = f"an expectation of an experiment fails at {result.head_commit}; the summary has it"
    for cause, sentence in failed.items():
        (error if cause in result.fail_on else warning)(sentence)
    return FAILED if failed.keys() & set(result.fail_on) else 0
