"""The packages that are installed for an app: which distribution gives which module, and what it requires."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from functune.packages.app_packages import AppPackages, PackageSource
from functune.packages.interpreter import own_interpreter
from functune.packages.requirements import applies

SHARED_NAMESPACES = ("azure", "azurefunctions", "google")
"""Top-level packages that many distributions share, so that the second part of a name says which one is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPackages:
    """Installed distributions by their normalised name."""

    modules: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The importable names that each gives: top-level ones, and those below a namespace such as ``azure.cosmos``."""
    requires: Mapping[str, tuple[Requirement, ...]] = field(default_factory=dict)

    def closure(self, named: Iterable[Requirement]) -> tuple[set[str], bool]:
        """The distributions that are required in the end, and whether all of them are installed here."""
        found: set[str] = set()
        complete = True
        seen: set[tuple[str, str]] = set()
        waiting = [(each, extra) for each in named for extra in ("", *each.extras) if applies(each)]
        while waiting:
            requirement, extra = waiting.pop()
            name = canonicalize_name(requirement.name)
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            found.add(name)
            complete &= name in self.modules
            needed = [each for each in self.requires.get(name, ()) if applies(each, extra)]
            waiting += [(each, wanted) for each in needed for wanted in ("", *each.extras)]
        return found, complete


def read_installed(packages: AppPackages) -> InstalledPackages:
    """The distributions of the place that the app's packages come from; nothing where there is no such place."""
    folders = list(map(str, packages.folders))
    if packages.source is PackageSource.SHARED:
        folders = list(map(str, own_interpreter().site_packages))
    if not folders:
        return InstalledPackages()
    found = {canonicalize_name(each.name): each for each in distributions(path=folders) if each.name}
    return InstalledPackages(
        modules={name: modules_by_files(each) for name, each in found.items()},
        requires={name: tuple(requirements_of(each)) for name, each in found.items()},
    )


def modules_by_files(distribution: Distribution) -> frozenset[str]:
    """The dotted names of the packages and modules of a distribution, by its files."""
    names: set[str] = set()
    for line in (distribution.read_text("RECORD") or "").splitlines():
        path = line.partition(",")[0].strip('"')
        if path.startswith(("..", "/")) or ".dist-info/" in path or "__pycache__" in path:
            continue
        if path.endswith("/__init__.py"):
            names.add(path.removesuffix("/__init__.py").replace("/", "."))
        elif "/" not in path and path.endswith((".py", ".so", ".pyd")):
            names.add(path.partition(".")[0])
        elif path.endswith((".py", ".so", ".pyd")):
            names.add(path.rpartition("/")[0].replace("/", "."))
    return frozenset(names)


def requirements_of(distribution: Distribution) -> Iterable[Requirement]:
    """What a distribution requires, as far as it can be read."""
    for text in distribution.requires or ():
        try:
            yield Requirement(text)
        except InvalidRequirement:  # of an old package, which pip would not accept either
            continue
