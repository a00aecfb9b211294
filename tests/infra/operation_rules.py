"""What holds for telemetry and spending, on whatever plan; ``test_rules.py`` shows what each rule refuses."""

import json
from typing import Any

from tests.infra.bicep import INFRA, ROOT, Template, app_settings, chosen, mentions, walk, web_apps

QUERIES = INFRA / "queries"
_LEVEL = "AzureFunctionsJobHost__logging__logLevel__Host"


def telemetry_is_chosen(template: Template) -> list[str]:
    """
    With full telemetry, the host's own categories are at Information, the level of calls and aggregates.

    A dot in the name of a setting becomes an underscore on Linux, so the prefix Host stands for Host.Results and
    Host.Aggregator; host.json must not name a longer category of these, which would win.
    """
    levels = json.loads((ROOT / "host.json").read_text())["logging"]["logLevel"]
    wrong = [
        f"host.json sets {category}, which wins over the setting"
        for category in levels
        if category.startswith(("Host.Results", "Host.Aggregator"))
    ]
    for site in web_apps(template):
        level = app_settings(site).get(_LEVEL)
        condition, value = chosen(level)
        if not mentions(condition, "telemetry") or not mentions(condition, "full") or value != "Information":
            wrong.append(f"{site.symbol} drops its calls whatever telemetry says")
    return wrong


def workbook_is_made(template: Template) -> list[str]:
    """There is a workbook on the component and the app, with at least one metric of the platform."""
    wrong = []
    for call in template.calls("workbook.bicep"):
        if not mentions(call.params["appId"], "functionApp") or "componentId" not in str(call.params["componentId"]):
            wrong.append(f"{call.symbol} shows another app")
        if not call.params["metrics"]:
            wrong.append(f"{call.symbol} shows no metric")
    return wrong if template.calls("workbook.bicep") else ["there is no workbook"]


def workbook_has_every_query(template: Template) -> list[str]:
    """Every file of infra/queries is in the workbook, and the charts reach the notebook."""
    loaded = {
        str(part["parameters"]["file_path"])
        for part in walk(template.variables.get("charts"))
        if isinstance(part, dict) and part.get("type") == "load_text_content"
    }
    wrong = [f"{path.name} is not shown" for path in QUERIES.glob("*.kql") if f"../queries/{path.name}" not in loaded]
    (workbook,) = template.of_type("Microsoft.Insights/workbooks")
    if not mentions(workbook.properties.get("serializedData"), "queryItems"):
        wrong.append("the notebook has no queries")
    if not mentions(workbook.properties.get("serializedData"), "metricItems"):
        wrong.append("the notebook has no metrics")
    return wrong


def spending_is_watched_if_asked_for(template: Template) -> list[str]:
    """With an address for mails there is a budget; only Flex Consumption has an alert on its use."""
    calls = template.calls("spending.bicep")
    if len(calls) != 1:
        return ["there is no budget"]
    (call,) = calls
    wrong = [] if "alertEmail" in str(call.condition) else ["there is a budget without an address"]
    wanted = {"email": "alertEmail", "monthlyBudget": "monthlyBudget", "startDate": "budgetStartDate"}
    wrong += [f"the budget does not take {name}" for part, name in wanted.items() if call.params.get(part) != name]
    is_metered = mentions(call.params.get("meteredAppId"), "functionApp")
    if is_metered != bool(_functions_of_flex(template)):
        wrong.append("the alert is on a plan that is billed otherwise, or there is none on Flex Consumption")
    if is_metered and call.params.get("gbSecondsPerHour") != "alertGbSecondsPerHour":
        wrong.append("the alert does not take alertGbSecondsPerHour")
    return wrong


def _functions_of_flex(template: Template) -> list[Any]:
    return [site for site in template.of_type("Microsoft.Web/sites") if "functionAppConfig" in site.properties]


def budget_sends_mail(template: Template) -> list[str]:
    """The budget warns before it is spent, when it is, and when it will be; the alert counts in GB-seconds."""
    wrong = []
    (budget,) = template.of_type("Microsoft.Consumption/budgets")
    notices = list(budget.properties["notifications"].values())
    kinds = {(notice["thresholdType"], notice["threshold"]) for notice in notices}
    if not {("Actual", 50), ("Actual", 100), ("Forecasted", 100)} <= kinds:
        wrong.append(f"the budget warns at {sorted(kinds)}")
    if any(notice.get("contactEmails") != ["email"] or notice.get("enabled") is not True for notice in notices):
        wrong.append("a notice reaches nobody")
    if not mentions(budget.body["name"], "start"):
        wrong.append("a budget with another start would have the name of this one, whose start cannot be changed")
    (alert,) = template.of_type("Microsoft.Insights/metricAlerts")
    (criterion,) = alert.properties["criteria"]["allOf"]
    threshold = criterion["threshold"]
    if not mentions(threshold, "gbSecondsPerHour") or 1_024_000 not in list(walk(threshold)):
        wrong.append("the alert does not count in GB-seconds")
    if (criterion["metricName"], criterion["timeAggregation"]) != ("OnDemandFunctionExecutionUnits", "Total"):
        wrong.append("the alert watches something else than the billed use")
    if not mentions(alert.properties.get("actions"), "people"):
        wrong.append("the alert reaches nobody")
    return wrong
