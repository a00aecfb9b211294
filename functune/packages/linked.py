"""
A part of an environment as a folder of its own: links to chosen packages and to all that they require.

functune's environment holds the load generator, the report and much else. A worker must see none of that, so it gets a
folder with links to the packages it may import.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from functune.packages.environments import Environment, cached_environment
from functune.packages.install import identity, make_environment
from functune.packages.interpreter import Interpreter


def linked_environment(
    kind: str, interpreter: Interpreter, links: Mapping[PurePath, Path], *, hidden: Mapping[PurePath, Path] = {}
) -> Environment:
    """
    An environment with ``links`` in its package folder; it is made when it is not there yet.

    The links ``hidden`` start at the folder of the environment. Raises HostError when it cannot be made.
    """
    texts = [f"{entry}={target}" for entry, target in sorted({**links, **hidden}.items())]

    def make(environment: Environment) -> None:
        make_environment(environment, interpreter, lambda _: None, with_pip=False)
        make_links(environment.site_packages(interpreter.library), links)
        make_links(environment.path, hidden)

    return cached_environment(kind, [*identity(interpreter), *texts], make)


def required_distributions(requirements: Iterable[Requirement]) -> list[Distribution]:
    """
    The installed distributions that satisfy the names of ``requirements``, and all that these require in turn.

    Versions are not compared, and names that are not installed are omitted.
    """
    found: dict[tuple[str, str], Distribution] = {}
    waiting = [(each, extra) for each in requirements for extra in ("", *each.extras) if _applies(each, "")]
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
        waiting += [(each, wanted) for each in needed if _applies(each, extra) for wanted in ("", *each.extras)]
    return list({name: each for (name, _), each in found.items()}.values())


def links_to(distributions: Iterable[Distribution]) -> dict[PurePath, Path]:
    """
    The links that make the distributions importable, from a path below the new folder to its target.

    A package is one link. A namespace package, which has no file of its own, is a folder of links, since other
    distributions may have parts of it.
    """
    links: dict[PurePath, Path] = {}
    for each in distributions:
        files = [PurePath(file) for file in each.files or []]
        holding = {file.parent for file in files}
        for file in files:
            if ".." in file.parts or file.parts[0] == "__pycache__":  # scripts, and bytecode that is made again
                continue
            parents = [parent for parent in reversed(file.parents) if parent.parts]
            entry = next((parent for parent in parents if parent in holding), file)
            links[entry] = Path(str(each.locate_file(entry)))
    return links


def make_links(folder: Path, links: Mapping[PurePath, Path]) -> None:
    """Make the links below ``folder``."""
    for entry, target in links.items():
        link = folder / entry
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})
