"""Everything about one app that a rule can look at, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from functune.doctor.finding import StartFigures
from functune.doctor.reading.evidence import RunEvidence
from functune.doctor.reading.host_document import HostDocument, read_host_document
from functune.doctor.reading.installed import InstalledPackages, read_installed
from functune.doctor.reading.requirement_lines import RequirementFile, read_requirement_lines
from functune.doctor.reading.settings import LOCAL_SETTINGS, SettingPlace, deployed_places, local_places
from functune.doctor.reading.templates import BicepTemplate, read_templates
from functune.doctor.syntax.modules import read_modules
from functune.doctor.syntax.reach import AppSyntax, read_syntax
from functune.errors import SettingsError, UsageError
from functune.packages.app_packages import find_app_packages

ENTRY = "function_app.py"
ENTRY_SETTING = "PYTHON_SCRIPT_FILE_NAME"
"""The app setting that names another first file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedApp:
    """One app."""

    root: Path
    plan: str | None
    """The plan asked for with --for."""
    memory_mb: int | None
    syntax: AppSyntax
    settings: tuple[SettingPlace, ...]
    settings_error: str
    """Why local.settings.json cannot be read; empty where it can."""
    host: HostDocument
    requirements: RequirementFile
    installed: InstalledPackages
    templates: tuple[BicepTemplate, ...]
    run: RunEvidence | None = None
    start: StartFigures | None = None

    def setting(self, name: str) -> SettingPlace | None:
        """
        Where a setting is set: in local.settings.json, unless a plan is asked for that a template deploys to.

        A template of Flex Consumption counts for that plan alone.
        """
        flex = {each.file for each in self.templates if each.is_flex}
        found = [each for each in self.settings if each.name == name]
        deployed = [each for each in found if each.is_deployed and (each.file in flex) == (self.plan == "flex")]
        local = [each for each in found if not each.is_deployed]
        return next(iter([*deployed, *local] if self.plan not in (None, "local") else local), None)


def inspect_app(
    root: Path,
    *,
    plan: str | None = None,
    memory_mb: int | None = None,
    python: str | None = None,
    run: RunEvidence | None = None,
    start: StartFigures | None = None,
) -> InspectedApp:
    """Read everything about an app. Raises UsageError where there is no v2 app in the folder."""
    root = root.resolve()
    entry = entry_of(root)
    local, settings_error = read_local(root)
    values = {each.name: each.value for each in local if each.value is not None}
    templates = read_templates(root)
    return InspectedApp(
        root=root,
        plan=plan,
        memory_mb=memory_mb,
        syntax=read_syntax(read_modules(root, entry)),
        settings=(*local, *deployed_places(templates)),
        settings_error=settings_error,
        host=read_host_document(root, overrides(values)),
        requirements=read_requirement_lines(root),
        installed=read_installed(find_app_packages(root, python=python)),
        templates=tuple(templates),
        run=run,
        start=start,
    )


def overrides(values: Mapping[str, str]) -> dict[str, str]:
    """The settings that override host.json."""
    return {name: value for name, value in values.items() if name.lower().startswith("azurefunctionsjobhost__")}


def read_local(root: Path) -> tuple[list[SettingPlace], str]:
    """The settings of local.settings.json, and why it cannot be used; empty where it can."""
    try:
        return list(local_places(root)), ""
    except SettingsError as error:
        return [], str(error).removeprefix(f"{root / LOCAL_SETTINGS}: ")


def entry_of(root: Path) -> str:
    """The first file of the app. Raises UsageError where it is not there."""
    root = root.resolve()
    values = {each.name: each.value for each in read_local(root)[0]}
    entry = values.get(ENTRY_SETTING) or ENTRY
    if (root / entry).is_file():
        return entry
    raise UsageError(
        f"{root} has no {entry}: name the folder of an Azure Functions app of the Python v2 model, "
        f"or set {ENTRY_SETTING} in {LOCAL_SETTINGS} to the name of its first file"
    )
