"""Premium: every knob counts; the number of requests at a time is host.json's limit."""

from functune.plans.billing import fixed_cost
from functune.plans.local import LocalPlan
from functune.plans.plan import Chosen, ParameterValue, has_instance
from functune.plans.price_list import premium_prices
from functune.plans.texts import function_app_commands, function_app_fragment, template_note
from functune.setting import DEFAULT_THREAD_COUNT, THREAD_COUNT, Setting


class PremiumPlan(LocalPlan):
    """See HostingPlan."""

    name = "premium"
    title = "Premium"
    template = "premium.bicep"

    def allows(self, setting: Setting) -> bool:
        """Every setting of the Functions host."""
        return setting.is_on_functions and has_instance(self.name, setting)

    def parameters(self, chosen: Chosen) -> dict[str, ParameterValue] | None:
        """The template takes a number of threads in any case: 1000 where the setting leaves them unset."""
        setting = chosen.setting
        found: dict[str, ParameterValue] = {"workerProcessCount": setting.process_count}
        if setting.per_instance_concurrency is not None:
            found["maxConcurrentRequests"] = setting.per_instance_concurrency
        if chosen.asked.size is not None:
            found["planSku"] = chosen.asked.size
        return found | {"threadCount": setting.threads}

    def cost(self, chosen: Chosen) -> float | None:
        """On an always busy instance of the size that was measured; None where none was."""
        shape = chosen.setting.instance
        if not chosen.throughput or shape is None or shape.plan != self.name:
            return None
        prices = premium_prices()
        return fixed_cost(chosen.throughput, prices.hour(shape.name), prices.currency).per_million

    def notes(self, chosen: Chosen) -> tuple[str, ...]:
        """The thread count of the host where none is set."""
        if chosen.setting.thread_count is not None:
            return ()
        return (f"The host uses {DEFAULT_THREAD_COUNT} threads where {THREAD_COUNT} is unset.",)

    def template_notes(self, chosen: Chosen) -> tuple[str, ...]:
        """Settings without a parameter."""
        return template_note(chosen.setting)

    def fragment(self, chosen: Chosen) -> str | None:
        """App settings alone: the plan scales by its own rules."""
        return function_app_fragment(self.app_settings(chosen), ())

    def commands(self, chosen: Chosen) -> str | None:
        """App settings alone."""
        return function_app_commands(self.app_settings(chosen), ())
