"""Settings to apply as text: local.settings.json, a Bicep parameters file, and commands of the Azure CLI."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence

from functune.plans.plan import ParameterValue
from functune.setting import Setting

APP = '--resource-group "$RESOURCE_GROUP" --name "$APP"'
"""RESOURCE_GROUP and APP are variables of the shell."""
OWN_TEMPLATE = "// Merge into your own template; these are no parameters of it."


def local_settings(app_settings: Mapping[str, str | None]) -> str:
    """The "Values" of local.settings.json; settings to leave unset are omitted."""
    return json.dumps({"Values": {name: value for name, value in app_settings.items() if value is not None}}, indent=2)


def comment_lines(sign: str, comments: Iterable[str]) -> list[str]:
    """Each comment on a line of its own; a line break in it would end the comment."""
    return [f"{sign} {' '.join(comment.split())}" for comment in comments]


def bicepparam(template: str, parameters: Mapping[str, ParameterValue], comments: Iterable[str]) -> str:
    """A parameters file for a template, to be saved in infra/."""
    return "\n".join(
        [
            f"using '{template}'",
            "",
            *comment_lines("//", comments),
            "param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')",
            *(f"param {name} = {bicep_value(value)}" for name, value in parameters.items()),
            "",
        ]
    )


def bicep_value(value: ParameterValue) -> str:
    """A number or a text as Bicep takes it."""
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${").replace("\n", "\\n")
    return f"'{escaped}'"


def function_app_fragment(app_settings: Mapping[str, str | None], scale_properties: Sequence[str]) -> str:
    """Bicep to merge into the reader's own template of a function app: properties of the site, and its app settings."""
    return site_fragment(app_settings, {"In the properties of the app (Microsoft.Web/sites):": scale_properties})


def site_fragment(app_settings: Mapping[str, str | None], places: Mapping[str, Sequence[str]]) -> str:
    """Bicep for a site: the lines for each of the places, and its app settings."""
    values = [f"{name}: {bicep_value(value)}" for name, value in app_settings.items() if value is not None]
    unset = [f"// {name}: remove it" for name, value in app_settings.items() if value is None]
    lines = [OWN_TEMPLATE]
    for place, several in places.items():
        if several:
            lines += [f"// {place}", *several]
    if values or unset:
        lines += ["// In its app settings (Microsoft.Web/sites/config, name 'appsettings'):", *values, *unset]
    return "\n".join(lines) + "\n"


def function_app_commands(app_settings: Mapping[str, str | None], scale_options: Sequence[str]) -> str:
    """The Azure CLI commands for a function app that exists."""
    scale = [f"az functionapp scale config set {APP} {options}" for options in scale_options]
    return "\n".join([*app_setting_commands("functionapp", app_settings), *scale]) + "\n"


def app_setting_commands(group: str, app_settings: Mapping[str, str | None]) -> list[str]:
    """The commands of a group, ``functionapp`` or ``webapp``, that set and delete app settings."""
    values, unset = assignments(app_settings), unset_names(app_settings)
    lines = []
    if values:
        lines.append(f"az {group} config appsettings set {APP} --settings {shlex.join(values)}")
    if unset:
        lines.append(f"az {group} config appsettings delete {APP} --setting-names {shlex.join(unset)}")
    return lines


def assignments(app_settings: Mapping[str, str | None]) -> list[str]:
    """The settings that have a value, as ``NAME=value``."""
    return [f"{name}={value}" for name, value in app_settings.items() if value is not None]


def unset_names(app_settings: Mapping[str, str | None]) -> list[str]:
    """The settings to leave unset."""
    return [name for name, value in app_settings.items() if value is None]


def template_note(setting: Setting) -> tuple[str, ...]:
    """That the templates have no parameter for other app settings; nothing where there are none."""
    if not setting.app_settings:
        return ()
    names = ", ".join(name for name, _ in setting.app_settings)
    return (f"{names}: the template of this project has no parameter for it; set it by the command.",)
