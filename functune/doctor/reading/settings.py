"""The settings of an app, each with its file and line: local.settings.json, and the Bicep templates as far as read."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from functune.doctor.reading.json_lines import line_of
from functune.doctor.reading.templates import BicepTemplate
from functune.host.local_settings import read_local_settings

LOCAL_SETTINGS = "local.settings.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingPlace:
    """One app setting where it is set. Its value can be a secret: a rule shows it only where it is a number."""

    name: str
    value: str | None
    """None where the template computes it."""
    file: str | None
    """None for one that is given to the command."""
    line: int | None
    is_deployed: bool
    """Whether the deployed app has it: it is in a template or given, and not in local.settings.json."""


def local_places(root: Path) -> Iterator[SettingPlace]:
    """The settings of local.settings.json. Raises SettingsError as ``func start`` would refuse it."""
    values = read_local_settings(root).values
    if not values:
        return
    text = (root / LOCAL_SETTINGS).read_text("utf-8-sig")
    for name, value in values.items():
        line = line_of(text, ("Values", name))
        yield SettingPlace(name=name, value=value, file=LOCAL_SETTINGS, line=line, is_deployed=False)


def deployed_places(templates: Iterable[BicepTemplate]) -> Iterator[SettingPlace]:
    """The app settings of the templates."""
    for template in templates:
        for name, value, line in template.app_settings():
            yield SettingPlace(name=name, value=value, file=template.file, line=line, is_deployed=True)


def counting_places(
    places: Iterable[SettingPlace], flex_files: Collection[str | None], *, plan: str | None
) -> dict[str, SettingPlace]:
    """
    The place of each setting that counts on a plan, by the name of the setting.

    That is the first of those given or in a template, else local.settings.json; without a plan that is deployed to,
    local.settings.json alone. A template of Flex Consumption (``flex_files``) counts for that plan alone.
    """
    is_deployed_to = plan not in (None, "local")
    deployed, local = list[SettingPlace](), list[SettingPlace]()
    for each in places:
        if not each.is_deployed:
            local.append(each)
        elif is_deployed_to and (each.file in flex_files) == (plan == "flex"):
            deployed.append(each)
    return {each.name: each for each in reversed([*deployed, *local])}
