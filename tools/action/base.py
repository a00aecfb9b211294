"""The commit that the checkout is compared with, in a folder of its own."""

import shutil
import subprocess
from pathlib import Path

from tools.action.inputs import ActionError, Inputs


def base_commit(inputs: Inputs) -> str | None:
    """
    The commit to compare with; None where there is nothing to compare with.

    GitHub checks out the merge of a pull request into its base branch, so the first parent is the base branch as it
    would be without the pull request. Raises ActionError where that commit is not in the checkout.
    """
    if inputs.base:
        return named_commit(inputs)
    if inputs.event != "pull_request":
        return None
    if parents := merged(inputs):
        return parents[0]
    raise ActionError(
        "the base of the pull request is not in the checkout: let actions/checkout have `fetch-depth: 2` and no `ref`, "
        "or name a commit with `base`"
    )


def merged(inputs: Inputs) -> list[str]:
    """The base and the last commit of a pull request whose merge is checked out; nothing for another checkout."""
    parents = git(inputs.workspace, "rev-list", "--parents", "--max-count=1", "HEAD").split()[1:]
    return parents if inputs.event == "pull_request" and len(parents) == 2 else []


def shown_head(inputs: Inputs) -> str:
    """The commit that is measured, for readers: they know that of the pull request, and not its merge."""
    return short_commit(inputs.workspace, merged(inputs)[1] if merged(inputs) else "HEAD")


def named_commit(inputs: Inputs) -> str:
    """The commit of the input ``base``. Raises ActionError where the checkout does not have it."""
    revision = f"{inputs.base}^{{commit}}"
    try:
        return git(inputs.workspace, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
    except subprocess.CalledProcessError as problem:
        raise ActionError(
            f"base: {inputs.base!r} is no commit of the checkout: give a branch such as origin/main, a tag or a "
            "commit, and let actions/checkout have `fetch-depth: 0`"
        ) from problem


def checked_out(inputs: Inputs, commit: str) -> Path:
    """The files of a commit, in a folder of their own, which is no part of the artifact."""
    folder = inputs.folder.with_name(f"{inputs.key}.base")
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier use on the same machine
    git(inputs.workspace, "worktree", "prune")
    git(inputs.workspace, "worktree", "add", "--force", "--detach", str(folder), commit)
    return folder


def short_commit(workspace: Path, revision: str) -> str:
    """The commit of a revision in seven digits or more."""
    return git(workspace, "rev-parse", "--short", revision)


def git(workspace: Path, *arguments: str) -> str:
    """What a command of git prints. Raises CalledProcessError where it fails."""
    done = subprocess.run(["git", "-C", workspace, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()
