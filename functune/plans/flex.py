"""
Flex Consumption: one worker process, and the number of requests per instance and its memory as settings of the site.

FUNCTIONS_WORKER_PROCESS_COUNT is documented as not valid on this plan, so settings with several processes are not
allowed and the variable is never given.
"""

from collections.abc import Mapping

from functune.formatting import plural
from functune.plans.billing import busy_cost
from functune.plans.texts import template_note
from functune.setting import MAX_PER_INSTANCE_CONCURRENCY, PROCESS_COUNT, Setting


class FlexPlan:
    """See HostingPlan."""

    name = "flex"
    title = "Flex Consumption"
    template: str | None = "main.bicep"

    def allows(self, setting: Setting) -> bool:
        """One process of the Functions host."""
        return setting.process_count == 1 and setting.is_on_functions

    def app_settings(self, setting: Setting) -> dict[str, str | None]:
        """Without the process count."""
        values = setting.app_setting_values()
        del values[PROCESS_COUNT]
        return values

    def parameters(self, setting: Setting, *, users: int | None, memory_mb: int | None) -> dict[str, int]:
        """Without a concurrency of its own, an instance gets the fewest requests with 95 % of the most throughput."""
        found = {} if memory_mb is None else {"instanceMemoryMB": memory_mb}
        if (concurrency := setting.per_instance_concurrency or users) is not None:
            found["perInstanceConcurrency"] = min(concurrency, MAX_PER_INSTANCE_CONCURRENCY)
        return found if setting.thread_count is None else found | {"threadCount": setting.thread_count}

    def notes(self, setting: Setting, *, users: int | None) -> tuple[str, ...]:
        """The origin of the concurrency, and the settings that are not given."""
        found = []
        if setting.per_instance_concurrency is None and users is not None:
            found.append(
                f"perInstanceConcurrency: {plural(users, 'user')} at a time gave 95 % of the most throughput on the "
                "machine that measured; an instance has other cores, so measure there before relying on it."
            )
        found.append(f"{PROCESS_COUNT} is documented as not valid on Flex Consumption, so it is not set.")
        return tuple(found)

    def template_notes(self, setting: Setting) -> tuple[str, ...]:
        """The thread count that the template chooses itself, and settings without a parameter."""
        found = []
        if setting.thread_count is None:
            found.append(
                "threadCount is omitted: the template of this project then uses perInstanceConcurrency, so none waits."
            )
        return (*found, *template_note(setting))

    def scale_options(self, parameters: Mapping[str, int]) -> tuple[str, ...]:
        """Memory and concurrency of an instance."""
        found = []
        if (memory := parameters.get("instanceMemoryMB")) is not None:
            found.append(f"--instance-memory {memory}")
        if (concurrency := parameters.get("perInstanceConcurrency")) is not None:
            found.append(f"--trigger-type http --trigger-settings perInstanceConcurrency={concurrency}")
        return tuple(found)

    def scale_properties(self, parameters: Mapping[str, int]) -> tuple[str, ...]:
        """The part of functionAppConfig that sets memory and concurrency of an instance."""
        lines = []
        if (memory := parameters.get("instanceMemoryMB")) is not None:
            lines.append(f"    instanceMemoryMB: {memory}")
        if (concurrency := parameters.get("perInstanceConcurrency")) is not None:
            lines.append(f"    triggers: {{ http: {{ perInstanceConcurrency: {concurrency} }} }}")
        return ("functionAppConfig: {", "  scaleAndConcurrency: {", *lines, "  }", "}") if lines else ()

    def price(self, memory_mb: int, throughput: float) -> float:
        """The cost of a million requests on an instance of that size that is always busy, US dollars."""
        return busy_cost(throughput, memory_mb).per_million
