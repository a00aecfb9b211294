"""
App Service on Linux: a web server by a start-up command, on instances of a fixed price.

Sources: docs/app-service.md; the options of ``az webapp config`` are those of azure-cli 2.91.
"""

import shlex

from functune.plans.billing import Cost, fixed_cost
from functune.plans.conflicts import FrontEnd
from functune.plans.plan import Chosen, ParameterValue, has_instance
from functune.plans.price_list import app_service_prices
from functune.plans.texts import APP, app_setting_commands, bicep_value, site_fragment
from functune.plans.web_plan import WebPlan, other_variables
from functune.setting import Setting
from functune.shapes import APP_SERVICE_SIZES, DEFAULT_APP_SERVICE_SIZE
from functune.web_servers import is_app_service

_FRONT = FrontEnd("App Service", timeout=230)
_GENERATED = (
    "The platform generates the start-up command that was measured, so none of your own may be set: an empty one "
    f"removes it. It has time-outs of 600 s, and the front end ends a request after {_FRONT.timeout} s."
)


class AppServicePlan(WebPlan):
    """See HostingPlan."""

    name = "app-service"
    title = "App Service"
    template = "app-service.bicep"
    sizes = APP_SERVICE_SIZES
    default_size = DEFAULT_APP_SERVICE_SIZE
    port = "$PORT"
    front = _FRONT
    instance = "an instance"
    prices_of = f"prices of {app_service_prices().as_of} from {app_service_prices().source}"

    def allows(self, setting: Setting) -> bool:
        """The command that the platform generates, too."""
        return super().allows(setting) or (is_app_service(setting.host) and has_instance(self.name, setting))

    def start_command(self, chosen: Chosen) -> str | None:
        """None where the platform generates it."""
        return None if is_app_service(chosen.setting.host) else super().start_command(chosen)

    def app_settings(self, chosen: Chosen) -> dict[str, str | None]:
        """Those that the start-up command does not set, or that the generated command is made from."""
        if is_app_service(chosen.setting.host):
            return chosen.setting.app_setting_values()
        return other_variables(chosen.setting)

    def parameters(self, chosen: Chosen) -> dict[str, ParameterValue] | None:
        """The size too, where the reader asked for one."""
        found = super().parameters(chosen)
        return found if found is None or chosen.asked.size is None else {"planSku": chosen.asked.size, **found}

    def notes(self, chosen: Chosen) -> tuple[str, ...]:
        """The quotes of a command, too: the platform puts the whole command between single quotes."""
        if is_app_service(chosen.setting.host):
            return (*self.cost_notes(chosen), *self.core_notes(chosen), _GENERATED)
        if not set(self.start_command(chosen) or "") & set("'\""):
            return super().notes(chosen)
        return (
            *super().notes(chosen),
            "The start-up command has quotes, and App Service puts the command between quotes of its own: move what is "
            "between them, an option or the app, to a configuration file of Gunicorn, and name that with --config.",
        )

    def template_gap(self, chosen: Chosen) -> str:
        """Also that the template has a command of its own."""
        if is_app_service(chosen.setting.host):
            return "it sets a start-up command, and the platform generates the one that was measured"
        return super().template_gap(chosen)

    def fragment(self, chosen: Chosen) -> str | None:
        """The start-up command in siteConfig, the size of the plan where the reader asked for one, and app settings."""
        command = bicep_value(self.start_command(chosen) or "")
        size = chosen.asked.size
        places = {
            "In the properties of the app (Microsoft.Web/sites):": [
                "siteConfig: {",
                f"  appCommandLine: {command}",
                "}",
            ],
            "In the App Service plan (Microsoft.Web/serverfarms):": [f"sku: {{ name: '{size}' }}"] if size else [],
        }
        return site_fragment(self.app_settings(chosen), places)

    def commands(self, chosen: Chosen) -> str | None:
        """The start-up command, and the app settings. The size belongs to the plan, which other apps may share."""
        command = self.start_command(chosen) or ""
        lines = [f"az webapp config set {APP} --startup-file {shlex.quote(command)}"]
        return "\n".join([*lines, *app_setting_commands("webapp", self.app_settings(chosen))]) + "\n"

    def busy_cost(self, chosen: Chosen) -> Cost:
        """The price of an instance, whatever it serves."""
        prices = app_service_prices()
        return fixed_cost(chosen.throughput or 0.0, prices.hour(self.size(chosen.asked).name), prices.currency)
