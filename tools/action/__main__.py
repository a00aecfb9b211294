"""The steps by their names, and how they end."""

import os
import sys

from tools.action import comment, install, measure, verdict
from tools.action.inputs import ActionError
from tools.action.log import error

STEPS = {"install": install.main, "measure": measure.main, "comment": comment.main, "end": verdict.main}
"""Each takes the environment and returns the exit status."""


def main(name: str) -> int:
    """Run a step. An input that cannot be used is an annotation of the workflow run, and exit status 2."""
    try:
        return STEPS[name](os.environ)
    except ActionError as problem:
        error(str(problem))
        return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
