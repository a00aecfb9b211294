"""What holds for the template of App Service and its modules; ``test_rules.py`` shows what each rule refuses."""

from tests.infra.bicep import Template, mentions, web_apps

# Records of an App Service Environment: the apps, the environment, the deployment endpoints of the apps.
_RECORDS = ["*", "@", "*.scm"]


def command_is_the_complete_one(template: Template) -> list[str]:
    """The start-up command is that of hosting/startup.txt: the platform adds nothing to a command of one's own."""
    wrong = []
    for site in web_apps(template):
        command = site.properties["siteConfig"].get("appCommandLine")
        if not mentions(command, "../hosting/startup.txt") or "load_text_content" not in str(command):
            wrong.append(f"{site.symbol} does not start hosting/startup.txt")
    return wrong


def app_is_kept_warm(template: Template) -> list[str]:
    """The platform does not unload an idle app."""
    return [
        f"{site.symbol} is unloaded when idle"
        for site in web_apps(template)
        if site.properties["siteConfig"].get("alwaysOn") is not True
    ]


def plan_scales_both_ways(template: Template) -> list[str]:
    """Autoscale adds and removes instances within bounds, and removing one cannot bring the upper threshold back."""
    wrong = []
    for setting in template.of_type("Microsoft.Insights/autoscalesettings"):
        (profile,) = setting.properties["profiles"]
        thresholds = {rule["scaleAction"]["direction"]: rule["metricTrigger"]["threshold"] for rule in profile["rules"]}
        if set(thresholds) != {"Increase", "Decrease"}:
            wrong.append(f"{setting.symbol} has rules for {sorted(thresholds)} only")
        elif 2 * thresholds["Decrease"] > thresholds["Increase"]:
            wrong.append(f"{setting.symbol} would add the instance again that it has just removed")
        for bound, name in (("minimum", "minimumInstanceCount"), ("maximum", "maximumInstanceCount")):
            if not mentions(profile["capacity"][bound], name):
                wrong.append(f"{setting.symbol} does not take {name}")
    return wrong


def environment_is_internal(template: Template) -> list[str]:
    """The App Service Environment has an internal load balancer, no FTP and no old TLS, and its names are in DNS."""
    wrong = []
    (environment,) = template.of_type("Microsoft.Web/hostingEnvironments")
    if environment.properties.get("internalLoadBalancingMode") != "Web, Publishing":
        wrong.append("the load balancer is public")
    if {"name": "DisableTls1.0", "value": "1"} not in environment.properties.get("clusterSettings", []):
        wrong.append("TLS 1.0 is allowed")
    (networking,) = template.of_type("Microsoft.Web/hostingEnvironments/configurations")
    wrong += [
        f"{name} is not off"
        for name in ("ftpEnabled", "remoteDebugEnabled")
        if networking.properties.get(name) is not False
    ]
    records = [record.loop[1] for record in template.of_type("Microsoft.Network/privateDnsZones/A") if record.loop]
    if records != [_RECORDS]:
        wrong.append(f"the records are {records}")
    return wrong
