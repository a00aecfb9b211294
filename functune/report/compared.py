"""Two run folders compared."""

from functune.analysis.comparison import MARGIN, Comparison, compare_findings
from functune.errors import RunFolderError
from functune.report.document import find_all
from functune.run.folder import RunFolder


def compare_folders(before: RunFolder, after: RunFolder, *, margin: float = MARGIN) -> Comparison:
    """
    The changes from one run to the other.

    Raises RunFolderError where they have no step in common, and as ``find_all`` does.
    """
    found = compare_findings(find_all(before), find_all(after), margin=margin)
    if not found.matched:
        raise RunFolderError(
            f"{before.path} and {after.path} have no step in common: compare runs of the same experiments, "
            "with the same routes, settings and loads"
        )
    return found
