"""
What holds for the Bicep files of this project: functions that return what is wrong, nothing when all is well.

They read structure, not intent: ``test_rules.py`` shows for each of them a changed copy that it refuses.
"""

import re
from typing import Any

from functune.doctor.rules.settings import NOT_ON_FLEX
from tests.infra.bicep import Resource, Template, app_settings, chosen, decorators, mentions, walk

# By name, for messages: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
}
# File, scope and role: every role the app gets, and nothing above one resource.
GRANTED = {
    ("container-apps.bicep", "registry", "AcrPull"),
    ("main.bicep", "functionApp", "Reader"),
    ("modules/host-storage.bicep", "storage", "Storage Blob Data Owner"),
    ("modules/monitoring.bicep", "component", "Monitoring Metrics Publisher"),
}
# Replaced by functionAppConfig, by the platform or by nothing; az functionapp flex-migration leaves the same out.
INVALID_ON_FLEX = set(NOT_ON_FLEX)
INVALID_IN_FLEX_SITE_CONFIG = {
    "alwaysOn",
    "ftpsState",
    "functionAppScaleLimit",
    "linuxFxVersion",
    "minimumElasticInstanceCount",
    "preWarmedInstanceCount",
    "vnetRouteAllEnabled",
}
# The one account with keys: the Premium plan mounts the app's files from a share (docs/deploy.md).
ACCOUNTS_WITH_KEYS = {("premium.bicep", "contentStorage")}
# A connection string that opens nothing, since the component refuses it without a role.
HARMLESS_OUTPUTS = {("modules/monitoring.bicep", "connectionString")}

_SECRET = re.compile(r"^list[A-Z_]|key|password|secret|sas|connectionstring", re.IGNORECASE)
_TLS = {"1.2", "1.3", "TLS1_2", "TLS1_3"}


def parameters_are_described_and_bounded(template: Template) -> list[str]:
    """Every parameter has a description; every number has bounds or a list of values, and a default within them."""
    wrong = []
    for name, parameter in template.parameters.items():
        found = decorators(parameter)
        if not found.get("description"):
            wrong.append(f"{name} has no @description")
        if parameter["type"] != "int":
            continue
        if "allowed" not in found and not {"min_value", "max_value"} <= set(found):
            wrong.append(f"{name} has neither @allowed nor both @minValue and @maxValue")
        elif isinstance(parameter["default"], int) and not _is_within(parameter["default"], found):
            wrong.append(f"{name} is {parameter['default']} by default, outside its bounds")
    return wrong


def _is_within(number: int, found: dict[str, Any]) -> bool:
    if "allowed" in found:
        return number in found["allowed"]
    return bool(found["min_value"] <= number <= found["max_value"])


def parameters_and_variables_are_used(template: Template) -> list[str]:
    """Nothing is declared in vain."""
    parts = [template.document.get(part, {}) for part in ("resources", "modules", "outputs")]
    parts += [template.variables, [parameter["default"] for parameter in template.parameters.values()]]
    return [
        f"{name} is never used" for name in [*template.parameters, *template.variables] if not mentions(parts, name)
    ]


def http_concurrency_is_explicit(template: Template) -> list[str]:
    """A Flex app says its per-instance concurrency: left out, Python gets 1."""
    wrong = []
    for site in template.of_type("Microsoft.Web/sites"):
        scale = site.properties.get("functionAppConfig", {}).get("scaleAndConcurrency", {})
        if "perInstanceConcurrency" not in scale.get("triggers", {}).get("http", {}):
            wrong.append(f"{site.symbol} leaves triggers.http.perInstanceConcurrency out")
    return wrong


def knobs_are_parameters(template: Template) -> list[str]:
    """Every concurrency setting of a Flex app is a parameter, not a number in the middle of the file."""
    wrong = []
    for site in template.of_type("Microsoft.Web/sites"):
        scale = site.properties.get("functionAppConfig", {}).get("scaleAndConcurrency", {})
        settings = app_settings(site)
        places = {
            "instanceMemoryMB": scale.get("instanceMemoryMB"),
            "maximumInstanceCount": scale.get("maximumInstanceCount"),
            "alwaysReadyInstanceCount": scale.get("alwaysReady"),
            "perInstanceConcurrency": scale.get("triggers"),
            "siteUpdateStrategy": site.properties.get("functionAppConfig", {}).get("siteUpdateStrategy"),
            "threadCount": settings.get("PYTHON_THREADPOOL_THREAD_COUNT"),
            "functionTimeout": settings.get("AzureFunctionsJobHost__functionTimeout"),
            "debugLogging": settings.get("PYTHON_ENABLE_DEBUG_LOGGING"),
            "fetchUrls": settings.get("FETCH_URLS"),
            "fetchAllowedHosts": settings.get("FETCH_ALLOWED_HOSTS"),
            "identityAllowedScopes": settings.get("IDENTITY_ALLOWED_SCOPES"),
        }
        wrong += [f"{site.symbol} does not take {name}" for name, place in places.items() if not mentions(place, name)]
        wrong += [f"{name} is no parameter" for name in places if name not in template.parameters]
    return wrong


def app_finds_its_own_site(template: Template) -> list[str]:
    """A Flex app knows its own resource id wherever it may read it, and the Resource Manager of its cloud."""
    wrong = []
    for site in template.of_type("Microsoft.Web/sites"):
        settings = app_settings(site)
        condition, resource_id = chosen(settings.get("SITE_RESOURCE_ID"))
        if not (mentions(resource_id, site.body["name"]) and mentions(resource_id, "Microsoft.Web/sites")):
            wrong.append(f"{site.symbol} does not have its own id in SITE_RESOURCE_ID")
        if condition != "scaleSettingsReaderEnabled":
            wrong.append(f"{site.symbol} is told to read its site whether it has the role or not")
        if "resourceManager" not in str(settings.get("RESOURCE_MANAGER_ENDPOINT")):
            wrong.append(f"{site.symbol} does not have the Resource Manager of its cloud in RESOURCE_MANAGER_ENDPOINT")
    return wrong


def no_setting_invalid_on_flex(template: Template) -> list[str]:
    """A Flex app has no app setting or site property that the plan ignores or refuses."""
    wrong = []
    for site in template.of_type("Microsoft.Web/sites"):
        named = (
            set(app_settings(site)) & INVALID_ON_FLEX | set(site.properties["siteConfig"]) & INVALID_IN_FLEX_SITE_CONFIG
        )
        wrong += [f"{site.symbol} sets {name}, which is not valid on Flex Consumption" for name in sorted(named)]
    return wrong


def transport_is_encrypted(template: Template) -> list[str]:
    """HTTPS only, TLS 1.2 or later, for sites and storage."""
    wrong = []
    for site in template.of_type("Microsoft.Web/sites"):
        if site.properties.get("httpsOnly") is not True:
            wrong.append(f"{site.symbol} does not set httpsOnly")
        if site.properties.get("siteConfig", {}).get("minTlsVersion") not in _TLS:
            wrong.append(f"{site.symbol} allows TLS below 1.2")
    for account in template.of_type("Microsoft.Storage/storageAccounts"):
        if account.properties.get("supportsHttpsTrafficOnly") is not True:
            wrong.append(f"{account.symbol} does not set supportsHttpsTrafficOnly")
        if account.properties.get("minimumTlsVersion") not in _TLS:
            wrong.append(f"{account.symbol} allows TLS below 1.2")
    return wrong


def keys_open_nothing(template: Template) -> list[str]:
    """Storage, logs and telemetry take identities, not keys; nothing in storage is readable by anybody."""
    wrong = []
    for account in template.of_type("Microsoft.Storage/storageAccounts"):
        is_excepted = (template.name, account.symbol) in ACCOUNTS_WITH_KEYS
        if account.properties.get("allowSharedKeyAccess") is not False and not is_excepted:
            wrong.append(f"{account.symbol} allows shared keys")
        if account.properties.get("allowBlobPublicAccess") is not False:
            wrong.append(f"{account.symbol} allows anonymous reading")
    for component in template.of_type("Microsoft.Insights/components"):
        if component.properties.get("DisableLocalAuth") is not True:
            wrong.append(f"{component.symbol} takes telemetry without a role")
    for workspace in template.of_type("Microsoft.OperationalInsights/workspaces"):
        if workspace.properties.get("features", {}).get("disableLocalAuth") is not True:
            wrong.append(f"{workspace.symbol} takes logs by key")
    for site in template.of_type("Microsoft.Web/sites"):
        wrong += _keys_in_settings(template, site)
    return wrong


def _keys_in_settings(template: Template, site: Resource) -> list[str]:
    """App settings that hold a key, besides the one for the share of the account with keys."""
    wrong = []
    for name, value in app_settings(site).items():
        has_key = "AccountKey=" in str(value) or any("list" in str(part) for part in walk(value))
        is_share = name == "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING" and "contentStorage.listKeys" in str(value)
        if has_key and not (is_share and (template.name, "contentStorage") in ACCOUNTS_WITH_KEYS):
            wrong.append(f"{site.symbol} has a key in the app setting {name}")
    if "AzureWebJobsStorage" in app_settings(site):
        wrong.append(f"{site.symbol} sets AzureWebJobsStorage, a connection string with a key")
    return wrong


def deployment_uses_the_identity(template: Template) -> list[str]:
    """The package is read by the user-assigned identity."""
    wrong = []
    for site in template.of_type("Microsoft.Web/sites"):
        storage = site.properties.get("functionAppConfig", {}).get("deployment", {}).get("storage", {})
        if storage.get("authentication", {}).get("type") != "UserAssignedIdentity":
            wrong.append(f"{site.symbol} does not read its package with the user-assigned identity")
        if site.body.get("identity", {}).get("type") != "UserAssigned":
            wrong.append(f"{site.symbol} has no user-assigned identity")
    return wrong


def roles_are_just_enough(template: Template) -> list[str]:
    """Every role assignment is one of GRANTED: a data role on one resource."""
    wrong = []
    for assignment in template.of_type("Microsoft.Authorization/roleAssignments"):
        role = _role(template, assignment)
        scope = assignment.body.get("scope", "the resource group")
        if (template.name, scope, role) not in GRANTED:
            wrong.append(f"{assignment.symbol} grants {role} on {scope}")
        if assignment.properties.get("principalType") != "ServicePrincipal":
            wrong.append(
                f"{assignment.symbol} does not say principalType, so it can fail just after the identity is made"
            )
    return wrong


def _role(template: Template, assignment: Resource) -> str:
    definition = template.value(assignment.properties.get("roleDefinitionId"))
    ids = [part for part in walk(definition) if isinstance(part, str) and re.fullmatch(r"[0-9a-f-]{36}", part)]
    return ROLES.get(ids[0], ids[0]) if ids else f"an unknown role ({definition})"


def outputs_hold_no_secret(template: Template) -> list[str]:
    """Outputs stay readable in the deployment's history: no key, no secure parameter, no connection string."""
    secure = {name for name, parameter in template.parameters.items() if "secure" in decorators(parameter)}
    wrong = []
    for name, value in template.outputs.items():
        words = {word for part in walk(value) for word in re.findall(r"\w+", str(part))}
        found = {word for word in words if _SECRET.search(word) or word in secure}
        if found and (template.name, name) not in HARMLESS_OUTPUTS:
            wrong.append(f"the output {name} holds {sorted(found)}")
    return wrong


def azd_finds_its_way(template: Template) -> list[str]:
    """The tags azd looks for, and outputs it can keep in its environment."""
    wrong = [
        f"the output {name} is not in upper snake case"
        for name in template.outputs
        if not re.fullmatch("[A-Z_]+", name)
    ]
    if template.variables.get("tags") != {"'azd-env-name'": "environmentName"}:
        wrong.append("the tags do not name the azd environment")
    for site in template.of_type("Microsoft.Web/sites"):
        if not any(part == {"'azd-service-name'": "api"} for part in walk(site.body.get("tags"))):
            wrong.append(f"{site.symbol} has no tag azd-service-name: api")
    return wrong


def compiles_offline(template: Template) -> list[str]:
    """Modules are files beside it: a registry would have to be reached."""
    return [
        f"{name} is a {module['type']} module" for name, module in template.modules.items() if module["type"] != "local"
    ]
