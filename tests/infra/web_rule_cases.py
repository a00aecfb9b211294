"""The rules for App Service and Container Apps, each with the files it is about and copies that it must refuse."""

from pathlib import Path

from tests.infra import app_service_rules, container_apps_rules, gunicorn_rules
from tests.infra.bicep import APP_SERVICE, CONTAINER_APPS, INFRA
from tests.infra.rule_cases import Change, Rule

AUTOSCALE = INFRA / "modules" / "autoscale.bicep"
ENVIRONMENT = INFRA / "modules" / "app-service-environment.bicep"

WEB_CASES: dict[Rule, tuple[list[Path], list[Change]]] = {
    app_service_rules.command_is_the_complete_one: (
        [APP_SERVICE],
        [
            (APP_SERVICE, "trim(loadTextContent('../hosting/startup.txt'))", "'gunicorn functune.asgi:app'"),
            (APP_SERVICE, "    appCommandLine: trim(loadTextContent('../hosting/startup.txt'))\n", ""),
        ],
    ),
    app_service_rules.app_is_kept_warm: (
        [APP_SERVICE],
        [(APP_SERVICE, "alwaysOn: true", "alwaysOn: false")],
    ),
    app_service_rules.plan_scales_both_ways: (
        [AUTOSCALE],
        [
            (AUTOSCALE, "direction: 'Decrease'", "direction: 'Increase'"),
            (AUTOSCALE, "threshold: 30", "threshold: 40"),
            (AUTOSCALE, "maximum: string(maximumInstanceCount)", "maximum: '30'"),
            (AUTOSCALE, "minimum: string(minimumInstanceCount)", "minimum: '1'"),
        ],
    ),
    app_service_rules.environment_is_internal: (
        [ENVIRONMENT],
        [
            (ENVIRONMENT, "'Web, Publishing'", "'None'"),
            (ENVIRONMENT, "'Web, Publishing'", "'Web'"),
            (ENVIRONMENT, "{ name: 'DisableTls1.0', value: '1' }", "{ name: 'DisableTls1.0', value: '0' }"),
            (ENVIRONMENT, "ftpEnabled: false", "ftpEnabled: true"),
            (ENVIRONMENT, "remoteDebugEnabled: false", "remoteDebugEnabled: true"),
            (ENVIRONMENT, "['*', '@', '*.scm']", "['*', '@']"),
        ],
    ),
    container_apps_rules.image_is_pulled_by_the_identity: (
        [CONTAINER_APPS],
        [
            (CONTAINER_APPS, "adminUserEnabled: false", "adminUserEnabled: true"),
            (CONTAINER_APPS, "adminUserEnabled: false", "adminUserEnabled: false\n    anonymousPullEnabled: true"),
            (CONTAINER_APPS, "identity: identity.id }]", "username: 'u', passwordSecretRef: 'p' }]"),
            (CONTAINER_APPS, "  dependsOn: [pull]\n", ""),
        ],
    ),
    container_apps_rules.probes_are_written: (
        [CONTAINER_APPS],
        [
            (CONTAINER_APPS, "type: 'Startup'", "type: 'Readiness'"),
            (CONTAINER_APPS, "path: '/health'", "path: '/'"),
            (CONTAINER_APPS, "failureThreshold: 10", "failureThreshold: 240"),
            (CONTAINER_APPS, "timeoutSeconds: 4", "timeoutSeconds: 6"),
        ],
    ),
    container_apps_rules.ingress_is_encrypted_and_finds_the_port: (
        [CONTAINER_APPS],
        [
            (CONTAINER_APPS, "allowInsecure: false", "allowInsecure: true"),
            (CONTAINER_APPS, "targetPort: port", "targetPort: 80"),
            (CONTAINER_APPS, "value: string(port)", "value: '80'"),
            (CONTAINER_APPS, "var port = 8000", "var port = 80"),
        ],
    ),
    container_apps_rules.replica_ends_before_it_is_killed: (
        [CONTAINER_APPS],
        [
            (CONTAINER_APPS, "gracefulTimeoutSeconds + 5", "gracefulTimeoutSeconds"),
            (CONTAINER_APPS, "      terminationGracePeriodSeconds: gracefulTimeoutSeconds + 5\n", ""),
            (CONTAINER_APPS, "gracefulTimeoutSeconds + 5", "30"),
        ],
    ),
    container_apps_rules.memory_fits_the_cores: (
        [CONTAINER_APPS],
        [
            (CONTAINER_APPS, "'0.5': '1Gi'", "'0.5': '2Gi'"),
            (CONTAINER_APPS, "  '0.75': '1.5Gi'\n", ""),
        ],
    ),
    container_apps_rules.scale_is_bounded_by_parameters: (
        [CONTAINER_APPS],
        [
            (CONTAINER_APPS, "maxReplicas: maximumReplicaCount", "maxReplicas: 10"),
            (CONTAINER_APPS, "minReplicas: minimumReplicaCount", "minReplicas: 0"),
            (CONTAINER_APPS, "string(concurrentRequests)", "'10'"),
        ],
    ),
    gunicorn_rules.server_settings_are_parameters: (
        [APP_SERVICE, CONTAINER_APPS],
        [
            (APP_SERVICE, "value: string(workerCount)", "value: '2'"),
            (APP_SERVICE, "'GUNICORN_TIMEOUT'", "'GUNICORN_TIME_OUT'"),
            (CONTAINER_APPS, "value: string(threadCount)", "value: '16'"),
            (CONTAINER_APPS, "value: workerClass", "value: 'asgi'"),
        ],
    ),
    gunicorn_rules.logs_hold_no_query_and_need_no_key: (
        [APP_SERVICE, CONTAINER_APPS],
        [
            (APP_SERVICE, "'AppServicePlatformLogs'", "'AppServiceHTTPLogs'"),
            (APP_SERVICE, "workspaceId: workspace.outputs.id", "workspaceId: ''"),
            (CONTAINER_APPS, "{ destination: 'azure-monitor' }", "{ destination: 'log-analytics' }"),
            (CONTAINER_APPS, "Microsoft.Insights/diagnosticSettings@", "Microsoft.Insights/others@"),
        ],
    ),
}
