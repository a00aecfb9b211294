"""What holds for the template of the Premium plan; ``test_rules.py`` shows what each rule refuses."""

from typing import Any

from tests.infra.bicep import Template, app_settings, chosen, web_apps


def az_keeps_the_build(template: Template) -> list[str]:
    """
    The code is built when it is sent, by the settings that ``az … config-zip --build-remote true`` leaves as they are.

    It sets SCM_DO_BUILD_DURING_DEPLOYMENT and removes the other two, so a template with them undoes what az did.
    """
    wrong = []
    for site in web_apps(template):
        settings = app_settings(site)
        if settings.get("SCM_DO_BUILD_DURING_DEPLOYMENT") != "true":
            wrong.append(f"{site.symbol} does not build what it is sent")
        wrong += [
            f"{site.symbol} sets {name}, which az removes"
            for name in ("ENABLE_ORYX_BUILD", "WEBSITE_RUN_FROM_PACKAGE")
            if name in settings
        ]
    return wrong


def capacity_is_given(template: Template) -> list[str]:
    """Minimum, maximum and pre-warmed instances are parameters, of the plan and of the app."""
    (plan,) = template.of_type("Microsoft.Web/serverfarms")
    places: dict[str, list[Any]] = {
        "minimumInstanceCount": [plan.body["sku"].get("capacity")],
        "maximumInstanceCount": [plan.properties.get("maximumElasticWorkerCount")],
        "preWarmedInstanceCount": [],
    }
    for site in web_apps(template):
        config = site.properties["siteConfig"]
        places["minimumInstanceCount"].append(config.get("minimumElasticInstanceCount"))
        places["maximumInstanceCount"].append(config.get("functionAppScaleLimit"))
        places["preWarmedInstanceCount"].append(config.get("preWarmedInstanceCount"))
    return [f"{name} is not taken everywhere" for name, taken in places.items() if set(map(str, taken)) != {name}]


def shares_follow_the_swap(template: Template) -> list[str]:
    """App and slot have a share each, which exists before them and changes sides with ``slotsSwapped``."""
    shares = {
        site.symbol: template.value(app_settings(site).get("WEBSITE_CONTENTSHARE")) for site in web_apps(template)
    }
    choices = {symbol: _both(template, share) for symbol, share in shares.items()}
    (app, slot) = choices.values()
    wrong = [
        f"{symbol} does not take slotsSwapped" for symbol, share in shares.items() if chosen(share)[0] != "slotsSwapped"
    ]
    if app != slot[::-1] or app[0] == app[1]:
        wrong.append(f"the shares are {choices}")
    made = [
        share.loop[1]
        for share in template.of_type("Microsoft.Storage/storageAccounts/fileServices/shares")
        if share.loop
    ]
    if [sorted(template.value(name) for name in names) for names in made] != [sorted(app)]:
        wrong.append(f"the shares that exist are {made}")
    return wrong


def _both(template: Template, choice: Any) -> tuple[Any, Any]:
    operands = choice.get("operator", {}).get("operands", {}) if isinstance(choice, dict) else {}
    return template.value(operands.get("true_value")), template.value(operands.get("false_value"))
