"""What holds for the template of App Service and its modules; ``test_web_rules.py`` shows what each rule refuses."""

from collections.abc import Iterator
from typing import Any

from tests.infra.bicep import Resource, Template, mentions, walk

HEALTH = "/health"
# Records of an App Service Environment: the apps, the environment, the deployment endpoints of the apps.
_RECORDS = ["*", "@", "*.scm"]


def web_apps(template: Template) -> list[Resource]:
    """The app and its slot."""
    return [*template.of_type("Microsoft.Web/sites"), *template.of_type("Microsoft.Web/sites/slots")]


def command_is_the_complete_one(template: Template) -> list[str]:
    """The start-up command is that of hosting/startup.txt: the platform adds nothing to a command of one's own."""
    wrong = []
    for site in web_apps(template):
        command = site.properties["siteConfig"].get("appCommandLine")
        if not mentions(command, "../hosting/startup.txt") or "load_text_content" not in str(command):
            wrong.append(f"{site.symbol} does not start hosting/startup.txt")
    return wrong


def only_identities_deploy(template: Template) -> list[str]:
    """No user name and password opens the deployment endpoint or FTP, and the former speaks TLS 1.2 or later."""
    wrong = []
    for site in web_apps(template):
        policies = template.of_type(f"{site.type}/basicPublishingCredentialsPolicies")
        closed = {
            policy.body["name"]
            for policy in policies
            if policy.body.get("parent") == site.symbol and policy.properties.get("allow") is False
        }
        wrong += [f"{site.symbol} takes a password at {name}" for name in sorted({"scm", "ftp"} - closed)]
        settings = site.properties["siteConfig"]
        wanted = {"ftpsState": "Disabled", "remoteDebuggingEnabled": False, "scmMinTlsVersion": "1.2"}
        wrong += [
            f"{site.symbol} has no {name}: {value}" for name, value in wanted.items() if settings.get(name) != value
        ]
    return wrong


def app_is_checked_and_kept_warm(template: Template) -> list[str]:
    """The platform takes an instance out that does not answer /health, and does not unload an idle app."""
    wrong = []
    for site in web_apps(template):
        settings = site.properties["siteConfig"]
        if settings.get("healthCheckPath") != HEALTH:
            wrong.append(f"{site.symbol} is not checked at {HEALTH}")
        if settings.get("alwaysOn") is not True:
            wrong.append(f"{site.symbol} is unloaded when idle")
    return wrong


def slot_is_like_the_app(template: Template) -> list[str]:
    """A staging slot with the app's own properties and identity, where the size has slots."""
    wrong = []
    (site,) = template.of_type("Microsoft.Web/sites")
    slots = template.of_type("Microsoft.Web/sites/slots")
    for slot in slots:
        wrong += [
            f"{slot.symbol} differs from {site.symbol} in {part}"
            for part in ("properties", "identity", "kind")
            if slot.body.get(part) != site.body.get(part)
        ]
        if _condition(template, "resources", slot.symbol) != "hasSlot":
            wrong.append(f"{slot.symbol} is also made on B1, which has no slots")
    return wrong if slots else ["there is no slot"]


def private_app_is_reached_by_endpoints(template: Template) -> list[str]:
    """Where the app is private, it has no public address, joins the network, and app and slot have an endpoint each."""
    wrong = []
    for site in web_apps(template):
        for name in ("publicNetworkAccess", "virtualNetworkSubnetId", "outboundVnetRouting"):
            choice = site.properties.get(name, {})
            operands = choice.get("operator", {}).get("operands", {}) if isinstance(choice, dict) else {}
            if operands.get("condition") != "isPrivate":
                wrong.append(f"{site.symbol} has the same {name} whether it is private or not")
            elif name == "publicNetworkAccess" and operands["true_value"] != "Disabled":
                wrong.append(f"{site.symbol} stays public")
    groups = {}
    for name, given in _params(template, "modules/web-endpoint.bicep"):
        groups[given["groupId"]] = name
        if not mentions(_condition(template, "modules", name), "isPrivate"):
            wrong.append(f"{name} is made for a public app too")
        if "zoneId" not in str(given["zoneId"]):
            wrong.append(f"{name} has no private DNS zone")
    wrong += [f"{group} has no private endpoint" for group in ("sites", "sites-${slotName}") if group not in groups]
    return wrong


def private_addresses_have_names(template: Template) -> list[str]:
    """The zone of private endpoints is linked to a network with a subnet that App Service may use."""
    zones = [zone.body["name"] for zone in template.of_type("Microsoft.Network/privateDnsZones")]
    links = template.of_type("Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    wrong = [] if zones == ["privatelink.azurewebsites.net"] else [f"the zones are {zones}"]
    if not any("network" in str(link.properties.get("virtualNetwork", {}).get("id")) for link in links):
        wrong.append("the zone is linked to no network")
    delegated = [
        part["serviceName"] for part in walk(template.document) if isinstance(part, dict) and "serviceName" in part
    ]
    return wrong if delegated == ["Microsoft.Web/serverFarms"] else [*wrong, f"subnets are delegated to {delegated}"]


def endpoint_registers_its_name(template: Template) -> list[str]:
    """The endpoint writes its addresses into the zone."""
    groups = template.of_type("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    if [group.body.get("parent") for group in groups] != ["endpoint"]:
        return ["the endpoint has no zone group"]
    return [] if mentions(groups[0].properties, "zoneId") else ["the zone group names another zone"]


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


def _condition(template: Template, part: str, name: str) -> Any:
    """The condition of a resource or module; None where there is none."""
    return template.document.get(part, {}).get(name, {}).get("config", {}).get("condition")


def _params(template: Template, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and parameters of the modules of one file."""
    for name, module in template.modules.items():
        if module["detail"]["path"] == path:
            yield name, module["config"].get("config", module["config"])["params"]
