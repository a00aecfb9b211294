"""Everything about one app that a rule can look at, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from functune.doctor.finding import StartFigures
from functune.doctor.reading.app_service import (
    APP_SERVICE_NAME,
    AppServiceOptions,
    AppServiceReading,
    read_app_service,
)
from functune.doctor.reading.evidence import RunEvidence
from functune.doctor.reading.host_document import HostDocument, read_host_document
from functune.doctor.reading.installed import InstalledPackages, read_installed
from functune.doctor.reading.python_version import platform_python
from functune.doctor.reading.requirement_lines import RequirementFile, read_requirement_lines
from functune.doctor.reading.settings import (
    LOCAL_SETTINGS,
    SettingPlace,
    counting_places,
    deployed_places,
    local_places,
)
from functune.doctor.reading.templates import BicepTemplate, read_templates
from functune.doctor.reading.web_modules import web_module
from functune.doctor.syntax.modules import AppModules, read_modules
from functune.doctor.syntax.reach import AppSyntax, read_syntax
from functune.errors import SettingsError, UsageError
from functune.packages.app_packages import find_app_packages
from functune.packages.requirements import REQUIREMENTS

ENTRY = "function_app.py"
ENTRY_SETTING = "PYTHON_SCRIPT_FILE_NAME"
"""The app setting that names another first file."""
REQUIREMENTS_PATH = "CUSTOM_REQUIREMENTSTXT_PATH"
"""The app setting that names another file of packages for the build on App Service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedApp:
    """One app."""

    root: Path
    entry: str
    """The first file of a function app, relative to its folder; empty for another app."""
    plan: str | None
    """The plan asked for with --for or --plan."""
    memory_mb: int | None
    syntax: AppSyntax
    settings: tuple[SettingPlace, ...]
    counting: Mapping[str, SettingPlace]
    """The place of each setting that counts on the plan asked for."""
    settings_error: str
    """Why local.settings.json cannot be read; empty where it can."""
    host: HostDocument
    requirements: RequirementFile
    requirements_name: str
    installed: InstalledPackages
    templates: tuple[BicepTemplate, ...]
    run: RunEvidence | None = None
    start: StartFigures | None = None
    app_service: AppServiceReading | None = None
    """What App Service starts, where that plan is asked for."""

    @property
    def is_function_app(self) -> bool:
        """Whether it is an app of Azure Functions."""
        return bool(self.entry)


def inspect_app(
    root: Path,
    *,
    plan: str | None = None,
    memory_mb: int | None = None,
    python: str | None = None,
    run: RunEvidence | None = None,
    start: StartFigures | None = None,
    options: AppServiceOptions | None = None,
) -> InspectedApp:
    """
    Read everything about an app. ``options`` are for the plan app-service.

    Raises UsageError where there is no v2 app in the folder; on App Service it can be any Python app.
    """
    root = root.resolve()
    options = options or AppServiceOptions()
    local, settings_error = read_local(root)
    values = {each.name: each.value for each in local if each.value is not None}
    templates = read_templates(root)
    places = (*options.settings, *local, *deployed_places(templates))
    counting = counting_places(places, {each.file for each in templates if each.is_flex}, plan=plan)
    packages = find_app_packages(root, python=python)
    hosting = None
    if plan == APP_SERVICE_NAME:
        asked = platform_python(root, templates, asked=options.python_version, own=packages.interpreter.version)
        hosting = read_app_service(root, options, settings=counting, templates=templates, python=asked)
    entry = function_entry(root) if hosting is not None else entry_of(root)
    requirements_name = requirements_of_plan(counting) if hosting is not None else REQUIREMENTS
    return InspectedApp(
        root=root,
        entry=entry,
        plan=plan,
        memory_mb=memory_mb or tier_memory(hosting),
        syntax=read_syntax(read_web_modules(root, entry, hosting)),
        settings=places,
        counting=counting,
        settings_error=settings_error,
        host=read_host_document(root, overrides(values)),
        requirements=read_requirement_lines(root, requirements_name),
        requirements_name=requirements_name,
        installed=read_installed(packages),
        templates=tuple(templates),
        run=run,
        start=start,
        app_service=hosting,
    )


def read_web_modules(root: Path, entry: str, hosting: AppServiceReading | None) -> AppModules:
    """The modules of a function app, or of the web app in its folder."""
    found = None if entry else web_module(root, hosting)
    if found is None:
        return read_modules(root, entry)
    return read_modules(found.folder, found.file.relative_to(found.folder).as_posix(), shown_from=root)


def requirements_of_plan(settings: Mapping[str, SettingPlace]) -> str:
    """The file of packages that the build of App Service installs."""
    place = settings.get(REQUIREMENTS_PATH)
    return (place.value if place is not None else None) or REQUIREMENTS


def tier_memory(hosting: AppServiceReading | None) -> int | None:
    """The memory of the tier asked for, MB."""
    return None if hosting is None or not hosting.is_tier_given else hosting.instance.memory_mb


def overrides(values: Mapping[str, str]) -> dict[str, str]:
    """The settings that override host.json."""
    return {name: value for name, value in values.items() if name.lower().startswith("azurefunctionsjobhost__")}


def read_local(root: Path) -> tuple[list[SettingPlace], str]:
    """The settings of local.settings.json, and why it cannot be used; empty where it can."""
    try:
        return list(local_places(root)), ""
    except SettingsError as error:
        return [], str(error).removeprefix(f"{root / LOCAL_SETTINGS}: ")


def entry_name(root: Path) -> str:
    """The name that the first file of a function app has."""
    values = {each.name: each.value for each in read_local(root)[0]}
    return values.get(ENTRY_SETTING) or ENTRY


def function_entry(root: Path) -> str:
    """The first file of a function app; empty where it is not there."""
    entry = entry_name(root)
    return entry if (root / entry).is_file() else ""


def entry_of(root: Path) -> str:
    """The first file of the app. Raises UsageError where it is not there."""
    root = root.resolve()
    if entry := function_entry(root):
        return entry
    raise UsageError(
        f"{root} has no {entry_name(root)}: name the folder of an Azure Functions app of the Python v2 model, "
        f"set {ENTRY_SETTING} in {LOCAL_SETTINGS} to the name of its first file, or add --plan {APP_SERVICE_NAME} for "
        "another WSGI or ASGI app, such as one of Flask, Django or FastAPI"
    )
