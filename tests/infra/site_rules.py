"""What holds for every site and slot, on whatever plan; ``test_rules.py`` shows what each rule refuses."""

from typing import Any

from tests.infra.bicep import Resource, Template, chosen, mentions, web_apps

HEALTH = "/health"
_POLICIES = {"scm", "ftp"}


def only_identities_deploy(template: Template) -> list[str]:
    """No user name and password opens the deployment endpoint or FTP of the app or of its slot."""
    calls = template.calls("identities-only.bicep")
    if [call.condition for call in calls] != [None]:
        return ["passwords are not always refused"]
    (call,) = calls
    wrong = [
        f"{site.symbol} takes passwords"
        for site in template.of_type("Microsoft.Web/sites")
        if not mentions(call.params["siteName"], site.symbol)
    ]
    for slot in template.of_type("Microsoft.Web/sites/slots"):
        condition, name = chosen(call.params.get("slotName"))
        if condition != template.condition(slot.symbol) or name != slot.body["name"]:
            wrong.append(f"{slot.symbol} takes passwords")
    return wrong


def passwords_are_refused(template: Template) -> list[str]:
    """The module refuses them at both endpoints, of the site and of the slot."""
    wrong = []
    for kind, owner in (("sites", "site"), ("sites/slots", "slot")):
        policies = template.of_type(f"Microsoft.Web/{kind}/basicPublishingCredentialsPolicies")
        closed = {
            policy.body["name"]
            for policy in policies
            if policy.body.get("parent") == owner and policy.properties.get("allow") is False
        }
        wrong += [f"the {owner} takes a password at {name}" for name in sorted(_POLICIES - closed)]
    return wrong


def deployment_endpoint_is_encrypted(template: Template) -> list[str]:
    """No FTP, no remote debugging, and TLS 1.2 or later at the deployment endpoint; Flex Consumption sets none."""
    wanted = {"ftpsState": "Disabled", "remoteDebuggingEnabled": False, "scmMinTlsVersion": "1.2"}
    return [
        f"{site.symbol} has no {name}: {value}"
        for site in web_apps(template)
        for name, value in wanted.items()
        if site.properties["siteConfig"].get(name) != value
    ]


def callers_can_be_limited(template: Template) -> list[str]:
    """With address ranges given, only they may call; the deployment endpoint has them if that is asked for."""
    wrong = []
    for site in web_apps(template):
        config = site.properties["siteConfig"]
        wrong += _rules_in(template, site.symbol, config.get("ipSecurityRestrictions"))
        choice = config.get("ipSecurityRestrictionsDefaultAction")
        if _otherwise(choice) != "Deny" or not mentions(choice, "ipRules"):
            wrong.append(f"{site.symbol} lets in the addresses that no range has")
        if config.get("scmIpSecurityRestrictionsUseMain") != "deploymentRestricted":
            wrong.append(f"{site.symbol} does not take deploymentRestricted")
    for app in template.of_type("Microsoft.App/containerApps"):
        ingress = app.properties["configuration"]["ingress"]
        wrong += _rules_in(template, app.symbol, ingress.get("ipSecurityRestrictions"))
    return wrong


def _rules_in(template: Template, symbol: str, given: Any) -> list[str]:
    """The rules allow each range of the parameter, and nothing else."""
    rules = template.variables.get("ipRules", {})
    if given != "ipRules" or rules.get("loop_type", {}).get("detail", {}).get("array_name") != "allowedRanges":
        return [f"{symbol} does not take the ranges"]
    rule = rules["config"]
    wrong = [] if rule.get("action") == "Allow" else [f"{symbol} does not allow the ranges"]
    if not any(mentions(rule.get(name), "range") for name in ("ipAddress", "ipAddressRange")):
        wrong.append(f"{symbol} has a rule without its range")
    if not mentions(_otherwise(template.variables.get("allowedRanges")), "allowedIpRanges"):
        wrong.append("the ranges are not those of the parameter")
    return wrong


def _otherwise(choice: Any) -> Any:
    return choice.get("operator", {}).get("operands", {}).get("false_value") if isinstance(choice, dict) else None


def public_address_can_be_closed(template: Template) -> list[str]:
    """Whether there is a public address is a parameter, or follows from one."""
    return [
        f"{site.symbol} has a public address that cannot be closed"
        for site in web_apps(template)
        if (given := site.properties.get("publicNetworkAccess")) != "publicNetworkAccess"
        and chosen(given) != ("isPrivate", "Disabled")
    ]


def health_is_checked(template: Template) -> list[str]:
    """The platform takes an instance out that does not answer /health, which needs no key."""
    return [
        f"{site.symbol} is not checked at {HEALTH}"
        for site in web_apps(template)
        if site.properties["siteConfig"].get("healthCheckPath") != HEALTH
    ]


def slot_is_optional_and_like_the_app(template: Template) -> list[str]:
    """A slot has the properties and the identity of its app, but for its share of the code."""
    wrong = []
    (site,) = template.of_type("Microsoft.Web/sites")
    for slot in template.of_type("Microsoft.Web/sites/slots"):
        wrong += [
            f"{slot.symbol} differs from {site.symbol} in {part}"
            for part in ("identity", "kind")
            if slot.body.get(part) != site.body.get(part)
        ]
        if _without_share(slot) != _without_share(site):
            wrong.append(f"{slot.symbol} differs from {site.symbol} in its properties")
        if template.condition(slot.symbol) is None:
            wrong.append(f"{slot.symbol} is made even where nobody asked for it")
    return wrong if template.of_type("Microsoft.Web/sites/slots") else ["there is no slot"]


def _without_share(site: Resource) -> dict[str, Any]:
    config = site.properties["siteConfig"]
    settings = [one for one in config["appSettings"] if one["name"] != "WEBSITE_CONTENTSHARE"]
    return {**site.properties, "siteConfig": {**config, "appSettings": settings}}
