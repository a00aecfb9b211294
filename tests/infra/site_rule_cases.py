"""The rules for every site, for Premium, and for telemetry and spending, each with copies that it must refuse."""

from pathlib import Path

from tests.infra import operation_rules, premium_rules, site_rules
from tests.infra.bicep import APP_SERVICE, CONTAINER_APPS, FLEX, INFRA, PREMIUM
from tests.infra.rule_cases import SITE_FILES, Change, Rule

PASSWORDS = INFRA / "modules" / "identities-only.bicep"
WORKBOOK = INFRA / "modules" / "workbook.bicep"
SPENDING = INFRA / "modules" / "spending.bicep"

SITE_CASES: dict[Rule, tuple[list[Path], list[Change]]] = {
    site_rules.only_identities_deploy: (
        SITE_FILES,
        [
            (FLEX, "module deployment 'modules/identities-only.bicep' =", "module deployment 'modules/other.bicep' ="),
            (FLEX, "'modules/identities-only.bicep' = {", "'modules/identities-only.bicep' = if (vnetEnabled) {"),
            (PREMIUM, "siteName: functionApp.name", "siteName: 'other'"),
            (PREMIUM, "    slotName: stagingSlotEnabled ? slotName : ''\n", ""),
            (PREMIUM, "slotName: stagingSlotEnabled ? slotName", "slotName: isPrivate ? slotName"),
            (APP_SERVICE, "slotName: hasSlot ? slotName", "slotName: hasSlot ? 'other'"),
        ],
    ),
    site_rules.passwords_are_refused: (
        [PASSWORDS],
        [
            (PASSWORDS, "{ allow: false }", "{ allow: true }"),
            (PASSWORDS, "  parent: site\n  name: 'ftp'", "  parent: site\n  name: 'web'"),
            (PASSWORDS, "  parent: slot\n  name: 'scm'", "  parent: site\n  name: 'scm'"),
        ],
    ),
    site_rules.deployment_endpoint_is_encrypted: (
        [PREMIUM, APP_SERVICE],
        [
            (APP_SERVICE, "ftpsState: 'Disabled'", "ftpsState: 'FtpsOnly'"),
            (APP_SERVICE, "scmMinTlsVersion: '1.2'", "scmMinTlsVersion: '1.0'"),
            (PREMIUM, "remoteDebuggingEnabled: false", "remoteDebuggingEnabled: true"),
            (PREMIUM, "  ftpsState: 'Disabled'\n", ""),
        ],
    ),
    site_rules.callers_can_be_limited: (
        [*SITE_FILES, CONTAINER_APPS],
        [
            (FLEX, "ipSecurityRestrictions: ipRules", "ipSecurityRestrictions: []"),
            (FLEX, "? 'Allow' : 'Deny'", "? 'Allow' : 'Allow'"),
            (FLEX, "      ipSecurityRestrictionsDefaultAction: empty(ipRules) ? 'Allow' : 'Deny'\n", ""),
            (FLEX, "empty(ipRules) ?", "vnetEnabled ?"),
            (PREMIUM, "UseMain: deploymentRestricted", "UseMain: false"),
            (PREMIUM, "split(allowedIpRanges, ',')", "['0.0.0.0/0']"),
            (APP_SERVICE, "    action: 'Allow'\n    ipAddress", "    action: 'Deny'\n    ipAddress"),
            (APP_SERVICE, "ipAddress: trim(range)", "ipAddress: '0.0.0.0/0'"),
            (CONTAINER_APPS, "        ipSecurityRestrictions: ipRules\n", ""),
            (CONTAINER_APPS, "ipAddressRange: trim(range)", "ipAddressRange: '0.0.0.0/0'"),
        ],
    ),
    site_rules.public_address_can_be_closed: (
        SITE_FILES,
        [
            (FLEX, "    publicNetworkAccess: publicNetworkAccess\n", ""),
            (PREMIUM, "publicNetworkAccess: publicNetworkAccess", "publicNetworkAccess: 'Enabled'"),
            (APP_SERVICE, "isPrivate ? 'Disabled' : 'Enabled'", "'Enabled'"),
            (APP_SERVICE, "isPrivate ? 'Disabled' : 'Enabled'", "isPrivate ? 'Enabled' : 'Disabled'"),
        ],
    ),
    site_rules.health_is_checked: (
        [PREMIUM, APP_SERVICE],
        [
            (PREMIUM, "  healthCheckPath: '/health'\n", ""),
            (APP_SERVICE, "healthCheckPath: '/health'", "healthCheckPath: '/'"),
        ],
    ),
    site_rules.slot_is_optional_and_like_the_app: (
        [PREMIUM, APP_SERVICE],
        [
            (
                PREMIUM,
                "'Microsoft.Web/sites/slots@2024-11-01' = if (stagingSlotEnabled)",
                "'Microsoft.Web/sites/slots@2024-11-01' =",
            ),
            (
                PREMIUM,
                "appSettings: concat(settings, [{ name: 'WEBSITE_CONTENTSHARE', value: slotShare }])",
                "appSettings: []",
            ),
            (
                APP_SERVICE,
                "'Microsoft.Web/sites/slots@2024-11-01' = if (hasSlot)",
                "'Microsoft.Web/sites/slots@2024-11-01' =",
            ),
            (APP_SERVICE, "Microsoft.Web/sites/slots@", "Microsoft.Web/sites/others@"),
            (
                APP_SERVICE,
                "  properties: siteProperties\n}\n\n// AppService",
                "  properties: { siteConfig: { appSettings: [] } }\n}\n\n// AppService",
            ),
        ],
    ),
    premium_rules.az_keeps_the_build: (
        [PREMIUM],
        [
            (
                PREMIUM,
                "{ name: 'SCM_DO_BUILD_DURING_DEPLOYMENT', value: 'true' }",
                "{ name: 'ENABLE_ORYX_BUILD', value: 'true' }",
            ),
            (
                PREMIUM,
                "{ name: 'FUNCTIONS_WORKER_RUNTIME',",
                "{ name: 'ENABLE_ORYX_BUILD', value: 'true' }\n  { name: 'F',",
            ),
            (
                PREMIUM,
                "'SCM_DO_BUILD_DURING_DEPLOYMENT', value: 'true'",
                "'SCM_DO_BUILD_DURING_DEPLOYMENT', value: 'false'",
            ),
            (PREMIUM, "'PYTHON_ENABLE_DEBUG_LOGGING'", "'WEBSITE_RUN_FROM_PACKAGE'"),
        ],
    ),
    premium_rules.capacity_is_given: (
        [PREMIUM],
        [
            (PREMIUM, "    capacity: minimumInstanceCount\n", ""),
            (PREMIUM, "minimumElasticInstanceCount: minimumInstanceCount", "minimumElasticInstanceCount: 1"),
            (PREMIUM, "functionAppScaleLimit: maximumInstanceCount", "functionAppScaleLimit: 4"),
            (PREMIUM, "  preWarmedInstanceCount: preWarmedInstanceCount\n", ""),
        ],
    ),
    premium_rules.shares_follow_the_swap: (
        [PREMIUM],
        [
            (PREMIUM, "slotsSwapped ? appName : stagingShare", "stagingShare"),
            (
                PREMIUM,
                "slotsSwapped ? appName : stagingShare",
                "slotsSwapped ? stagingShare : appName",
            ),
            (PREMIUM, "value: slotShare }", "value: appShare }"),
            (PREMIUM, "for name in [appName, stagingShare]", "for name in [appName]"),
        ],
    ),
    operation_rules.telemetry_is_chosen: (
        [FLEX, PREMIUM],
        [
            (FLEX, "(telemetry == 'full') ? 'Information' : 'Warning'", "'Warning'"),
            (FLEX, "(telemetry == 'full') ? 'Information'", "(telemetry == 'full') ? 'Warning'"),
            (FLEX, "(telemetry == 'full') ?", "(telemetry == 'failures') ?"),
            (PREMIUM, "logLevel__Host'", "logLevel__Host.Results'"),
        ],
    ),
    operation_rules.workbook_is_made: (
        [FLEX, PREMIUM],
        [
            (FLEX, "'modules/workbook.bicep'", "'modules/other.bicep'"),
            (FLEX, "appId: functionApp.id", "appId: plan.id"),
            (PREMIUM, "componentId: monitoring.outputs.componentId", "componentId: ''"),
            (
                PREMIUM,
                "      { name: 'MemoryWorkingSet', how: 'max', title: 'Memory of the largest instance, bytes' }\n",
                "",
            ),
        ],
    ),
    operation_rules.workbook_has_every_query: (
        [WORKBOOK],
        [
            (WORKBOOK, "'../queries/p95.kql'", "'../queries/latency.kql'"),
            (WORKBOOK, "concat([periodItem], queryItems, metricItems)", "[periodItem]"),
            (WORKBOOK, "concat([periodItem], queryItems, metricItems)", "concat([periodItem], queryItems)"),
        ],
    ),
    operation_rules.spending_is_watched_if_asked_for: (
        [*SITE_FILES, CONTAINER_APPS],
        [
            (FLEX, "'modules/spending.bicep'", "'modules/other.bicep'"),
            (FLEX, "'modules/spending.bicep' = if (!empty(alertEmail))", "'modules/spending.bicep' ="),
            (FLEX, "    meteredAppId: functionApp.id\n", ""),
            (FLEX, "gbSecondsPerHour: alertGbSecondsPerHour", "gbSecondsPerHour: 1"),
            (PREMIUM, "monthlyBudget: monthlyBudget", "monthlyBudget: 50\n    meteredAppId: functionApp.id"),
            (APP_SERVICE, "startDate: budgetStartDate", "startDate: ''"),
            (CONTAINER_APPS, "monthlyBudget: monthlyBudget", "monthlyBudget: 50"),
        ],
    ),
    operation_rules.budget_sends_mail: (
        [SPENDING],
        [
            (SPENDING, "threshold: 50", "threshold: 90"),
            (SPENDING, "thresholdType: 'Forecasted'", "thresholdType: 'Actual'"),
            (SPENDING, "contactEmails: [email]", "contactEmails: []"),
            (SPENDING, "'budget-${token}-${start}'", "'budget-${token}'"),
            (SPENDING, "gbSecondsPerHour * 1024000", "gbSecondsPerHour"),
            (SPENDING, "timeAggregation: 'Total'", "timeAggregation: 'Average'"),
            (SPENDING, "actions: [{ actionGroupId: people.id }]", "actions: []"),
        ],
    ),
}
