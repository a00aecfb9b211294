"""What holds for each template that starts Gunicorn; ``test_rules.py`` shows what each rule refuses."""

from tests.infra.bicep import Template, app_settings, mentions, web_apps
from tests.infra.container_apps_rules import containers, variables_of


def server_settings_are_parameters(template: Template) -> list[str]:
    """What Gunicorn and the app read is a parameter, not a number in the middle of the file."""
    wanted = {
        "WEB_CONCURRENCY": "workerCount",
        "GUNICORN_WORKER_CLASS": "workerClass",
        "GUNICORN_TIMEOUT": "timeoutSeconds",
        "PYTHON_THREADPOOL_THREAD_COUNT": "threadCount",
        "FETCH_URLS": "fetchUrls",
        "FETCH_ALLOWED_HOSTS": "fetchAllowedHosts",
    }
    given = [app_settings(site) for site in web_apps(template)] + [variables_of(one) for one in containers(template)]
    return [
        f"{name} does not take {parameter}"
        for settings in given
        for name, parameter in wanted.items()
        if not mentions(settings.get(name), parameter)
    ]


def logs_hold_no_query_and_need_no_key(template: Template) -> list[str]:
    """Logs go to the workspace by a diagnostic setting, without the log of the front end, which has every query."""
    wrong = []
    settings = template.of_type("Microsoft.Insights/diagnosticSettings")
    for setting in settings:
        categories = {log.get("category") for log in setting.properties["logs"]}
        if not categories <= {
            *("AppServiceConsoleLogs", "AppServicePlatformLogs"),
            *("ContainerAppConsoleLogs", "ContainerAppSystemLogs"),
        }:
            wrong.append(f"{setting.symbol} sends {categories}")
        if "workspace" not in str(setting.properties.get("workspaceId")):
            wrong.append(f"{setting.symbol} does not send to the workspace")
    for environment in template.of_type("Microsoft.App/managedEnvironments"):
        if environment.properties.get("appLogsConfiguration") != {"destination": "azure-monitor"}:
            wrong.append(f"{environment.symbol} does not leave its logs to the diagnostic setting")
    return wrong if settings else ["there is no diagnostic setting"]
