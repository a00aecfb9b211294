"""Settings to apply as text: local.settings.json, a Bicep parameters file, and commands of the Azure CLI."""

import json
import shlex

from functune.analysis.formatting import setting as in_words
from functune.analysis.plan_settings import PlanSettings

TEMPLATES = {"flex": "main.bicep", "premium": "premium.bicep"}
"""The template of each plan, in infra/."""


def local_settings(found: PlanSettings) -> str:
    """The "Values" of local.settings.json that differ from none; what is to be left unset is left out."""
    values = {name: value for name, value in found.app_settings.items() if value is not None}
    return json.dumps({"Values": values}, indent=2)


def bicepparam(found: PlanSettings) -> str:
    """
    A parameters file for the template of the plan, to be saved in infra/.

    Raises ValueError for "local", which has no template.
    """
    if found.plan not in TEMPLATES:
        raise ValueError(f"the plan is {found.plan}: parameters exist for {' and '.join(TEMPLATES)}")
    return "\n".join(
        [
            f"using '{TEMPLATES[found.plan]}'",
            "",
            f"// functune: {in_words(found.setting)}, for {', '.join(found.routes)} ({found.experiment})",
            *(f"// {note}" for note in found.notes),
            "param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')",
            *(f"param {name} = {value}" for name, value in found.parameters.items()),
            "",
        ]
    )


def commands(found: PlanSettings) -> str:
    """
    The Azure CLI commands for an app that exists; RESOURCE_GROUP and APP are variables of the shell.

    Raises ValueError for "local", where there is nothing to command.
    """
    if found.plan not in TEMPLATES:
        raise ValueError(f"the plan is {found.plan}: commands exist for {' and '.join(TEMPLATES)}")
    app = '--resource-group "$RESOURCE_GROUP" --name "$APP"'
    lines = []
    values = [shlex.quote(f"{name}={value}") for name, value in found.app_settings.items() if value is not None]
    unset = [shlex.quote(name) for name, value in found.app_settings.items() if value is None]
    if values:
        lines.append(f"az functionapp config appsettings set {app} --settings {' '.join(values)}")
    if unset:
        lines.append(f"az functionapp config appsettings delete {app} --setting-names {' '.join(unset)}")
    if found.plan == "flex":
        scale = [f"--instance-memory {found.parameters['instanceMemoryMB']}"]
        if (concurrency := found.parameters.get("perInstanceConcurrency")) is not None:
            scale.append(f"--trigger-type http --trigger-settings perInstanceConcurrency={concurrency}")
        lines += [f"az functionapp scale config set {app} {each}" for each in scale]
    return "\n".join(lines) + "\n"
