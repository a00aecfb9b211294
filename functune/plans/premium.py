"""Premium: every knob counts; the number of requests at a time is host.json's limit."""

from collections.abc import Mapping

from functune.plans.local import LocalPlan
from functune.plans.texts import template_note
from functune.setting import DEFAULT_THREAD_COUNT, THREAD_COUNT, Setting


class PremiumPlan(LocalPlan):
    """See HostingPlan."""

    name = "premium"
    title = "Premium"
    template = "premium.bicep"

    def allows(self, setting: Setting) -> bool:
        """Every setting of the Functions host."""
        return setting.is_on_functions

    def parameters(self, setting: Setting, *, users: int | None, memory_mb: int | None) -> dict[str, int]:
        """The template takes a number of threads in any case: 1000 where the setting leaves them unset."""
        found = {"workerProcessCount": setting.process_count}
        if setting.per_instance_concurrency is not None:
            found["maxConcurrentRequests"] = setting.per_instance_concurrency
        return found | {"threadCount": setting.threads}

    def notes(self, setting: Setting, *, users: int | None) -> tuple[str, ...]:
        """The thread count of the host where none is set."""
        if setting.thread_count is not None:
            return ()
        return (f"The host uses {DEFAULT_THREAD_COUNT} threads where {THREAD_COUNT} is unset.",)

    def template_notes(self, setting: Setting) -> tuple[str, ...]:
        """Settings without a parameter."""
        return template_note(setting)

    def scale_options(self, parameters: Mapping[str, int]) -> tuple[str, ...]:
        """None: the plan scales by its own rules."""
        return ()
