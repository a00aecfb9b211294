"""Settings to apply as text: local.settings.json, a Bicep parameters file, and commands of the Azure CLI."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence

from functune.setting import Setting


def local_settings(app_settings: Mapping[str, str | None]) -> str:
    """The "Values" of local.settings.json; settings to leave unset are omitted."""
    return json.dumps({"Values": {name: value for name, value in app_settings.items() if value is not None}}, indent=2)


def bicepparam(template: str, parameters: Mapping[str, int], comments: Iterable[str]) -> str:
    """A parameters file for a template, to be saved in infra/."""
    return "\n".join(
        [
            f"using '{template}'",
            "",
            *(f"// {comment}" for comment in comments),
            "param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')",
            *(f"param {name} = {value}" for name, value in parameters.items()),
            "",
        ]
    )


def bicep_fragment(app_settings: Mapping[str, str | None], scale_properties: Sequence[str]) -> str:
    """Bicep to merge into the reader's own template: properties of the site, and its app settings."""
    values = [f"{name}: '{value}'" for name, value in app_settings.items() if value is not None]
    unset = [f"// {name}: remove it" for name, value in app_settings.items() if value is None]
    lines = ["// Merge into your own template; these are no parameters of it."]
    if scale_properties:
        lines += ["// In the properties of the app (Microsoft.Web/sites):", *scale_properties]
    if values or unset:
        lines += ["// In its app settings (Microsoft.Web/sites/config, name 'appsettings'):", *values, *unset]
    return "\n".join(lines) + "\n"


def az_commands(app_settings: Mapping[str, str | None], scale_options: Sequence[str]) -> str:
    """The Azure CLI commands for an app that exists; RESOURCE_GROUP and APP are variables of the shell."""
    app = '--resource-group "$RESOURCE_GROUP" --name "$APP"'
    lines = []
    values = [shlex.quote(f"{name}={value}") for name, value in app_settings.items() if value is not None]
    unset = [shlex.quote(name) for name, value in app_settings.items() if value is None]
    if values:
        lines.append(f"az functionapp config appsettings set {app} --settings {' '.join(values)}")
    if unset:
        lines.append(f"az functionapp config appsettings delete {app} --setting-names {' '.join(unset)}")
    lines += [f"az functionapp scale config set {app} {options}" for options in scale_options]
    return "\n".join(lines) + "\n"


def template_note(setting: Setting) -> tuple[str, ...]:
    """That the templates have no parameter for other app settings; nothing where there are none."""
    if not setting.app_settings:
        return ()
    names = ", ".join(name for name, _ in setting.app_settings)
    return (f"{names}: the template of this project has no parameter for it; set it by the command.",)
