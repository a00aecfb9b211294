"""Settings to apply as text: local.settings.json, a Bicep parameters file, and commands of the Azure CLI."""

import json
import shlex
from collections.abc import Mapping, Sequence

from functune.analysis.formatting import setting as in_words
from functune.analysis.plan_settings import PlanSettings
from functune.errors import UsageError

TEMPLATES = {"flex": "main.bicep", "premium": "premium.bicep"}
"""The template of each plan, in infra/."""


def one_of(apply: Mapping[str, Sequence[PlanSettings]], *, plan: str, experiment: str | None) -> PlanSettings:
    """
    The settings for a plan, from the named experiment or from the only one.

    Raises UsageError where there are none or several, naming those there are.
    """
    if experiment is not None and experiment not in apply:
        raise UsageError(f"--experiment {experiment}: the run has {', '.join(apply)}")
    found = [
        each for name, several in apply.items() for each in several if each.plan == plan and experiment in (None, name)
    ]
    if not found:
        raise UsageError("the run recommends no setting: it compared none, or no step worked")
    if len({each.experiment for each in found}) > 1:
        raise UsageError(f"the run has several experiments: choose one with --experiment {' or '.join(apply)}")
    if len(found) > 1:
        routes = "; ".join(", ".join(each.routes) for each in found)
        raise UsageError(
            f"{found[0].experiment} recommends another setting for each of {routes}: an app has one, so measure the "
            "routes as experiments of their own and decide"
        )
    return found[0]


def settings_text(found: PlanSettings, form: str) -> str:
    """The settings as "local-settings", "bicep" or "commands". Raises UsageError where the plan has no such form."""
    if form == "local-settings":
        return local_settings(found) + "\n"
    if found.plan not in TEMPLATES:
        raise UsageError(f"--format {form}: allowed with --plan {' or '.join(TEMPLATES)}, the plan is {found.plan}")
    return bicepparam(found) if form == "bicep" else commands(found)


def local_settings(found: PlanSettings) -> str:
    """The "Values" of local.settings.json; a variable to leave unset is omitted."""
    values = {name: value for name, value in found.app_settings.items() if value is not None}
    return json.dumps({"Values": values}, indent=2)


def bicepparam(found: PlanSettings) -> str:
    """
    A parameters file for the plan's template, to save in infra/.

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
    The Azure CLI commands for an existing app; RESOURCE_GROUP and APP are variables of the shell.

    Raises ValueError for "local", which has no commands.
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
