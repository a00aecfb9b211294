"""
A part of an environment as a folder of its own: links to chosen packages and to all that they require.

functune's environment holds the load generator, the report and much else. A worker must see none of that, so it gets a
folder with links to the packages it may import.
"""

import csv
import itertools
import posixpath
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from functune.packages.install import make_environment
from functune.packages.interpreter import Interpreter
from functune.packages.requirements import applies
from functune.packages.virtual_environment import ReportProgress, VirtualEnvironment, cached_environment


def linked_environment(
    kind: str,
    interpreter: Interpreter,
    links: Mapping[str, str],
    report: ReportProgress,
    *,
    hidden: Mapping[str, str] = {},
) -> VirtualEnvironment:
    """
    An environment with ``links`` in its package folder; it is made when it is not there yet.

    The links ``hidden`` start at the folder of the environment. Raises HostError when it cannot be made.
    """
    texts = [f"{entry}={target}" for entry, target in sorted({**links, **hidden}.items())]

    def make(environment: VirtualEnvironment) -> None:
        make_environment(environment, interpreter, report, with_pip=False)
        make_links(environment.site_packages(interpreter.library), links)
        make_links(environment.path, hidden)

    return cached_environment(kind, [*interpreter.identity, *texts], make, report)


def required_distributions(requirements: Iterable[Requirement]) -> list[Distribution]:
    """
    The installed distributions that satisfy the names of ``requirements``, and all that these require in turn.

    Versions are not compared, and names that are not installed are omitted.
    """
    found: dict[tuple[str, str], Distribution] = {}
    waiting = [(each, extra) for each in requirements for extra in ("", *each.extras) if applies(each)]
    while waiting:
        requirement, extra = waiting.pop()
        key = (canonicalize_name(requirement.name), extra)
        if key in found:
            continue
        try:
            found[key] = distribution(requirement.name)
        except PackageNotFoundError:
            continue
        needed = [Requirement(text) for text in found[key].requires or []]
        waiting += [(each, wanted) for each in needed if applies(each, extra) for wanted in ("", *each.extras)]
    return list({name: each for (name, _), each in found.items()}.values())


def links_to(distributions: Iterable[Distribution]) -> dict[str, str]:
    """
    The links that make the distributions importable, from a path below the new folder to its target.

    A package is one link. A namespace package, which has no file of its own, is a folder of links, since other
    distributions may have parts of it.
    """
    links: dict[str, str] = {}
    for each in distributions:
        # The property ``files`` makes an object for each file, and large packages have thousands.
        files = [row[0] for row in csv.reader((each.read_text("RECORD") or "").splitlines())]
        holding = {posixpath.dirname(file) for file in files}
        for file in files:
            if file.startswith(("..", "/", "__pycache__/")):  # scripts, and bytecode that is made again
                continue
            folders = itertools.accumulate(posixpath.dirname(file).split("/"), posixpath.join)
            entry = next((folder for folder in folders if folder and folder in holding), file)
            if entry not in links:
                links[entry] = str(each.locate_file(entry))
    return links


def make_links(folder: Path, links: Mapping[str, str]) -> None:
    """Make the links below ``folder``."""
    for entry, target in links.items():
        link = folder / entry
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
