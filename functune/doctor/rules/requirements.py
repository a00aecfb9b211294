"""requirements.txt against the imports of the app."""

import sys
from collections.abc import Iterator
from pathlib import Path

from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.reading.installed import SHARED_NAMESPACES
from functune.doctor.reading.requirement_lines import RequirementLine
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.import_names import BROUGHT_BY_OTHERS, MODULES_OF, NOT_IMPORTED
from functune.doctor.syntax.modules import AppModule, ImportedName
from functune.packages.app_packages import PACKAGE_FOLDER
from functune.packages.requirements import REQUIREMENTS

AZURE_FUNCTIONS = "azure-functions"
_OF_THE_WORKER = ("azure.functions", "azure_functions_runtime", "azure_functions_worker")
"""Modules that the worker's own folder offers."""
_PROJECT_DEPTH = 3
"""Folders above the app in which a pyproject.toml may describe it."""
_BOUNDED = ("==", "===", "~=", "<", "<=")


def missing_requirements(app: InspectedApp) -> Iterator[RuleCase]:
    """No requirements.txt, and imports that only it could serve."""
    if app.requirements.is_there or has_other_packages(app.root):
        return
    found = next((each for _, each in foreign_imports(app)), None)
    if found is not None:
        yield RuleCase(
            seen=f"The app imports {first_of(found.name)}, and its folder has no {REQUIREMENTS}.", file=REQUIREMENTS
        )


def has_other_packages(root: Path) -> bool:
    """Whether the packages may come another way: built already, from a container, or from a pyproject.toml."""
    is_project = any((folder / "pyproject.toml").is_file() for folder in (root, *root.parents[:_PROJECT_DEPTH]))
    return is_project or (root / PACKAGE_FOLDER).is_dir() or any(root.glob("*Dockerfile*"))


def forgotten_packages(app: InspectedApp) -> Iterator[RuleCase]:
    """Imports that no named package gives, each module once."""
    if not app.requirements.is_there:
        return
    named = [each.requirement for each in app.requirements.lines if each.applies]
    installed, is_complete = app.installed.closure(named)
    # azure-functions is often the only package that is not installed, and brings none that an app could mean.
    _, is_certain = app.installed.closure(each for each in named if each.name != AZURE_FUNCTIONS)
    is_complete, is_certain = (each and not app.requirements.has_others for each in (is_complete, is_certain))
    given = modules_given(app, installed | {each.name for each in app.requirements.lines})
    unknown = [each.name for each in app.requirements.lines if not modules_of(app, each.name)]
    seen: set[str] = set()
    for module, each in foreign_imports(app):
        first = first_of(each.name)
        if first in seen or is_given(each.name, given):
            continue
        if not is_complete and (first in BROUGHT_BY_OTHERS or unknown or app.requirements.has_others):
            continue
        seen.add(first)
        yield RuleCase(
            seen=f"{module.name} imports {first}, and no package of {REQUIREMENTS} provides it.",
            file=module.file,
            line=each.line,
            severity="error" if is_certain else "warning",
        )


def unused_packages(app: InspectedApp) -> Iterator[RuleCase]:
    """Packages that nothing imports and nothing else can need."""
    modules = app.syntax.modules
    if modules.has_dynamic_imports or modules.broken or not modules.by_name:
        return
    imported = {each.name for _, each in every_import(app)}
    needed = {
        one for each in app.requirements.lines for one in app.installed.closure([each.requirement])[0] - {each.name}
    }
    _, is_complete = app.installed.closure(each.requirement for each in app.requirements.lines if each.applies)
    for line in app.requirements.lines:
        if line.is_locked and not is_complete:  # one of the packages that are not installed may require it
            continue
        names = modules_of(app, line.name)
        is_plugin = line.name in NOT_IMPORTED or line.name in needed or line.name.startswith("opentelemetry")
        if not names or is_plugin or line.requirement.extras:
            continue
        if not any(name == given or name.startswith(f"{given}.") for given in names for name in imported):
            yield RuleCase(
                seen=f"{line.requirement.name} is named, and the app imports nothing from it.",
                file=line.file,
                line=line.line,
            )


def unpinned_packages(app: InspectedApp) -> Iterator[RuleCase]:
    """Packages without any upper bound; azure-functions is the exception, since Microsoft's templates leave it open."""
    constrained = {each.name for each in app.requirements.constraints if is_bounded(each)}
    for line in app.requirements.lines:
        is_free = line.requirement.url is None and line.name not in constrained | {AZURE_FUNCTIONS}
        if is_free and not is_bounded(line):
            yield RuleCase(seen=f"{line.requirement.name} has no upper bound.", file=line.file, line=line.line)


def is_bounded(line: RequirementLine) -> bool:
    """Whether a version is an upper bound of a line."""
    return any(each.operator in _BOUNDED for each in line.requirement.specifier)


def syntax_errors(app: InspectedApp) -> Iterator[RuleCase]:
    """Files of the app that are not Python."""
    version = ".".join(map(str, sys.version_info[:2]))
    for each in app.syntax.modules.broken:
        yield RuleCase(seen=f"Python {version} cannot read it: {each.message}.", file=each.file, line=each.line)


def every_import(app: InspectedApp) -> Iterator[tuple[AppModule, ImportedName]]:
    """Every import of every module of the app."""
    for module in app.syntax.modules.by_name.values():
        for each in module.imports:
            yield module, each


def foreign_imports(app: InspectedApp) -> Iterator[tuple[AppModule, ImportedName]]:
    """The imports that have to come from a package, without those that the app can do without."""
    for module, each in every_import(app):
        first = each.name.partition(".")[0]
        is_worker = each.name == "azure" or each.name.startswith(_OF_THE_WORKER)
        if each.is_optional or not first or first in sys.stdlib_module_names or is_worker:
            continue
        if not app.syntax.modules.is_own(each.name):
            yield module, each


def first_of(name: str) -> str:
    """The part of an import that identifies its package: two parts or more below a namespace such as ``azure``."""
    parts = name.split(".")
    if parts[0] not in SHARED_NAMESPACES:
        return parts[0]
    known = max(
        (given for names in MODULES_OF.values() for given in names if name == given or name.startswith(f"{given}.")),
        key=len,
        default="",
    )
    return known or ".".join(parts[:2])


def modules_of(app: InspectedApp, distribution: str) -> tuple[str, ...]:
    """The modules that a distribution gives: by its files, else by the table; nothing where neither knows it."""
    if distribution in app.installed.modules:
        return tuple(app.installed.modules[distribution])
    return MODULES_OF.get(distribution, ())


def modules_given(app: InspectedApp, distributions: set[str]) -> set[str]:
    """The modules that the distributions give; one that nobody knows gives the module of its name."""
    found: set[str] = set()
    for name in distributions:
        found |= set(modules_of(app, name)) or {name.replace("-", "_"), name.replace("-", ".")}
    return found


def is_given(name: str, given: set[str]) -> bool:
    """Whether an import is among the modules, below one of them, or a namespace above one."""
    lowered = {each.lower() for each in given}
    parts = name.lower().split(".")
    return any(".".join(parts[:end]) in lowered for end in range(1, len(parts) + 1)) or any(
        each.startswith(f"{name.lower()}.") for each in lowered
    )


REQUIREMENTS_RULES = (
    Rule(
        id="requirements-missing",
        family="requirements",
        severity="error",
        looks_for=f"an app that imports packages and has no `{REQUIREMENTS}`",
        why="Azure installs what this file names, so the import fails there.",
        remedy=f"Write {REQUIREMENTS} with the packages that the app imports.",
        check=missing_requirements,
    ),
    Rule(
        id="requirement-forgotten",
        family="requirements",
        severity="error",
        looks_for=f"an import that no package of `{REQUIREMENTS}` provides; a warning where the packages are not "
        "installed here, and nothing where some of them are not known to the doctor, since one could require it",
        why="Azure installs what this file names: the import fails there, and with it every function of the app.",
        remedy=f"Add the package to {REQUIREMENTS}.",
        check=forgotten_packages,
    ),
    Rule(
        id="requirement-unused",
        family="requirements",
        severity="note",
        looks_for="a package that the app does not import, and that no other named package needs",
        why="It makes the package of the app larger and its start slower.",
        remedy=f"Remove it from {REQUIREMENTS}, unless something loads it by its name.",
        check=unused_packages,
    ),
    Rule(
        id="requirement-unpinned",
        family="requirements",
        severity="note",
        looks_for="a package without an upper bound",
        why="Azure installs the newest version at each deployment, which the app may never have run with.",
        remedy="Pin it, such as package==1.2.3, or give it an upper bound.",
        check=unpinned_packages,
    ),
    Rule(
        id="syntax-error",
        family="code",
        severity="error",
        looks_for="a file of the app that Python cannot read",
        why="The app does not load, and the rules for its code did not see this file.",
        remedy="Correct the file.",
        check=syntax_errors,
    ),
)
