"""The rules for the templates of Functions, each with the files it is about and copies that it must refuse."""

from collections.abc import Callable
from pathlib import Path

from tests.infra import rules
from tests.infra.bicep import APP_SERVICE, CONTAINER_APPS, FILES, FLEX, INFRA, PREMIUM, Template

type Rule = Callable[[Template], list[str]]
type Change = tuple[Path, str, str]
"""A file, a text in it, and the replacement that breaks the rule."""

AZD_FILES = [FLEX, PREMIUM]
SITE_FILES = [*AZD_FILES, APP_SERVICE]
WORKSPACE = INFRA / "modules" / "workspace.bicep"
HOST_STORAGE = INFRA / "modules" / "host-storage.bicep"
MONITORING = INFRA / "modules" / "monitoring.bicep"

CASES: dict[Rule, tuple[list[Path], list[Change]]] = {
    rules.parameters_are_described_and_bounded: (
        FILES,
        [
            (FLEX, "@minValue(1)\n@maxValue(1000)\nparam perInstanceConcurrency", "param perInstanceConcurrency"),
            (FLEX, "@allowed([512, 2048, 4096])\n", ""),
            (FLEX, "param instanceMemoryMB int = 2048", "param instanceMemoryMB int = 1024"),
            (FLEX, "param maximumInstanceCount int = 40", "param maximumInstanceCount int = 2000"),
            (PREMIUM, "@maxValue(10)\n", ""),
            (MONITORING, "@description('Azure region.')\n", ""),
        ],
    ),
    rules.parameters_and_variables_are_used: (
        FILES,
        [
            (FLEX, "string(threadCount)", "'16'"),
            (FLEX, "var tags =", "var unused = 1\nvar tags ="),
        ],
    ),
    rules.http_concurrency_is_explicit: (
        [FLEX],
        [(FLEX, "http: { perInstanceConcurrency: perInstanceConcurrency }", "http: {}")],
    ),
    rules.knobs_are_parameters: (
        [FLEX],
        [
            (FLEX, "instanceMemoryMB: instanceMemoryMB", "instanceMemoryMB: 2048"),
            (FLEX, "maximumInstanceCount: maximumInstanceCount", "maximumInstanceCount: 100"),
            (
                FLEX,
                "(alwaysReadyInstanceCount == 0) ? [] : [{ name: 'http', instanceCount: alwaysReadyInstanceCount }]",
                "[]",
            ),
            (FLEX, "{ perInstanceConcurrency: perInstanceConcurrency }", "{ perInstanceConcurrency: 16 }"),
            (FLEX, "string(threadCount)", "'16'"),
            (FLEX, "siteUpdateStrategy: { type: siteUpdateStrategy }", "siteUpdateStrategy: { type: 'Recreate' }"),
            (FLEX, "value: fetchUrls", "value: ''"),
        ],
    ),
    rules.app_finds_its_own_site: (
        [FLEX],
        [
            (FLEX, "resourceId('Microsoft.Web/sites', appName)", "resourceId('Microsoft.Web/sites', 'func')"),
            (FLEX, "resourceId('Microsoft.Web/sites', appName)", "resourceId('Microsoft.Web/serverfarms', appName)"),
            (FLEX, "scaleSettingsReaderEnabled ? resourceId('Microsoft.Web/sites', appName) : ''", "functionApp.id"),
            (FLEX, "scaleSettingsReaderEnabled ? resourceId", "vnetEnabled ? resourceId"),
            (FLEX, "value: environment().resourceManager }", "value: 'https://management.azure.com' }"),
            (FLEX, "  name: appName\n", "  name: 'func-${token}'\n"),
        ],
    ),
    rules.no_setting_invalid_on_flex: (
        [FLEX],
        [
            (FLEX, "'PYTHON_ENABLE_DEBUG_LOGGING'", f"'{name}'")
            for name in ("FUNCTIONS_WORKER_PROCESS_COUNT", "WEBSITE_RUN_FROM_PACKAGE", "FUNCTIONS_WORKER_RUNTIME")
        ]
        + [(FLEX, "minTlsVersion: '1.2'", "minTlsVersion: '1.2'\n      linuxFxVersion: 'Python|3.13'")],
    ),
    rules.transport_is_encrypted: (
        [*SITE_FILES, HOST_STORAGE],
        [
            (FLEX, "httpsOnly: true", "httpsOnly: false"),
            (FLEX, "    httpsOnly: true\n", ""),
            (FLEX, "minTlsVersion: '1.2'", "minTlsVersion: '1.1'"),
            (HOST_STORAGE, "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS1_0'"),
            (PREMIUM, "supportsHttpsTrafficOnly: true", "supportsHttpsTrafficOnly: false"),
            (APP_SERVICE, "httpsOnly: true", "httpsOnly: false"),
            (APP_SERVICE, "    minTlsVersion: '1.2'", "    minTlsVersion: '1.0'"),
        ],
    ),
    rules.keys_open_nothing: (
        FILES,
        [
            (HOST_STORAGE, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"),
            (HOST_STORAGE, "    allowSharedKeyAccess: false\n", ""),
            (HOST_STORAGE, "allowBlobPublicAccess: false", "allowBlobPublicAccess: true"),
            (FLEX, "'AzureWebJobsStorage__blobServiceUri'", "'AzureWebJobsStorage'"),
            (FLEX, "value: fetchUrls", "value: 'AccountName=x;AccountKey=${storage.listKeys().keys[0].value}'"),
            (FLEX, "value: fetchUrls", "value: storage.listKeys().keys[0].value"),
            (PREMIUM, "allowBlobPublicAccess: false", "allowBlobPublicAccess: true"),
            (MONITORING, "DisableLocalAuth: true", "DisableLocalAuth: false"),
            (WORKSPACE, "features: { disableLocalAuth: true }", "features: {}"),
        ],
    ),
    rules.deployment_uses_the_identity: (
        [FLEX],
        [
            (FLEX, "type: 'UserAssignedIdentity'", "type: 'StorageAccountConnectionString'"),
            (FLEX, "type: 'UserAssigned'\n", "type: 'SystemAssigned'\n"),
        ],
    ),
    rules.roles_are_just_enough: (
        FILES,
        [
            # Contributor, instead of a data role.
            (HOST_STORAGE, "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
            (HOST_STORAGE, "  scope: storage\n", ""),
            (FLEX, "    principalType: 'ServicePrincipal'\n", ""),
            (MONITORING, "  scope: component\n", ""),
            # AcrPush, instead of AcrPull.
            (CONTAINER_APPS, "7f951dda-4ed3-4680-a7ca-43fe172d538d", "8311e382-0749-4cb8-b61a-304f252e45ec"),
            (CONTAINER_APPS, "  scope: registry\n", ""),
        ],
    ),
    rules.outputs_hold_no_secret: (
        FILES,
        [
            (FLEX, "output AZURE_LOCATION string = location", "output KEY string = storage.listKeys().keys[0].value"),
            (FLEX, "AZURE_LOCATION string = location", "AZURE_LOCATION string = monitoring.outputs.connectionString"),
            (
                FLEX,
                "output AZURE_LOCATION string = location",
                "@secure()\nparam pin string\noutput A string = 'x${pin}'",
            ),
        ],
    ),
    rules.azd_finds_its_way: (
        AZD_FILES,
        [
            (FLEX, "output SERVICE_API_URI", "output serviceApiUri"),
            (FLEX, "'azd-service-name': 'api'", "'azd-service-name': 'web'"),
            (PREMIUM, "'azd-env-name': environmentName", "env: environmentName"),
        ],
    ),
    rules.compiles_offline: (
        FILES,
        [(FLEX, "'modules/monitoring.bicep'", "'br/public:avm/res/insights/component:0.8.0'")],
    ),
}
