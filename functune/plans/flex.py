"""
Flex Consumption: one worker process, and the number of requests per instance and its memory as settings of the site.

FUNCTIONS_WORKER_PROCESS_COUNT is documented as not valid on this plan, so settings with several processes are not
allowed and the variable is never given.
"""

from collections.abc import Mapping

from functune.experiments.model import PRICED_MEMORY_MB
from functune.formatting import plural
from functune.plans.billing import busy_cost
from functune.plans.local import LocalPlan
from functune.plans.plan import Chosen, ParameterValue, has_instance
from functune.plans.texts import function_app_commands, function_app_fragment, template_note
from functune.setting import MAX_PER_INSTANCE_CONCURRENCY, PROCESS_COUNT, Setting


class FlexPlan(LocalPlan):
    """See HostingPlan."""

    name = "flex"
    title = "Flex Consumption"
    template = "main.bicep"

    def allows(self, setting: Setting) -> bool:
        """One process of the Functions host."""
        return setting.process_count == 1 and setting.is_on_functions and has_instance(self.name, setting)

    def app_settings(self, chosen: Chosen) -> dict[str, str | None]:
        """Without the process count."""
        values = chosen.setting.app_setting_values()
        del values[PROCESS_COUNT]
        return values

    def parameters(self, chosen: Chosen) -> dict[str, ParameterValue] | None:
        """Those of the scale, and the threads where they are set."""
        threads = chosen.setting.thread_count
        found: dict[str, ParameterValue] = dict(scale_of(chosen))
        return found if threads is None else found | {"threadCount": threads}

    def notes(self, chosen: Chosen) -> tuple[str, ...]:
        """The origin of the concurrency, and the settings that are not given."""
        found = []
        if chosen.setting.per_instance_concurrency is None and chosen.users is not None:
            whole = chosen.setting.instance is None
            place = "the machine that measured" if whole else "the quota of cores that was measured"
            found.append(
                f"perInstanceConcurrency: {plural(chosen.users, 'user')} at a time gave 95 % of the highest throughput "
                f"on {place}; an instance has other cores, so measure there before relying on it."
            )
        found.append(f"{PROCESS_COUNT} is documented as not valid on Flex Consumption, so it is not set.")
        return tuple(found)

    def template_notes(self, chosen: Chosen) -> tuple[str, ...]:
        """The thread count that the template chooses itself, and settings without a parameter."""
        found = []
        if chosen.setting.thread_count is None:
            found.append(
                "threadCount is omitted: the template of this project then sets it to perInstanceConcurrency, so no "
                "admitted request waits for a thread."
            )
        return (*found, *template_note(chosen.setting))

    def fragment(self, chosen: Chosen) -> str | None:
        """App settings, and functionAppConfig."""
        return function_app_fragment(self.app_settings(chosen), scale_properties(scale_of(chosen)))

    def commands(self, chosen: Chosen) -> str | None:
        """App settings, and the scale."""
        return function_app_commands(self.app_settings(chosen), scale_options(scale_of(chosen)))

    def cost(self, chosen: Chosen) -> float | None:
        """By the memory of the instance, and the executions."""
        if not chosen.throughput:
            return None
        return busy_cost(chosen.throughput, chosen.memory_mb or PRICED_MEMORY_MB).per_million


def scale_of(chosen: Chosen) -> dict[str, int]:
    """
    Memory and concurrency of an instance, as the template names them.

    Without a concurrency of its own, an instance gets the fewest requests with 95 % of the most throughput.
    """
    found = {} if chosen.memory_mb is None else {"instanceMemoryMB": chosen.memory_mb}
    if (concurrency := chosen.setting.per_instance_concurrency or chosen.users) is not None:
        found["perInstanceConcurrency"] = min(concurrency, MAX_PER_INSTANCE_CONCURRENCY)
    return found


def scale_options(scale: Mapping[str, int]) -> tuple[str, ...]:
    """The options of ``az functionapp scale config set``, one entry per command."""
    found = []
    if (memory := scale.get("instanceMemoryMB")) is not None:
        found.append(f"--instance-memory {memory}")
    if (concurrency := scale.get("perInstanceConcurrency")) is not None:
        found.append(f"--trigger-type http --trigger-settings perInstanceConcurrency={concurrency}")
    return tuple(found)


def scale_properties(scale: Mapping[str, int]) -> tuple[str, ...]:
    """The part of functionAppConfig that sets memory and concurrency of an instance."""
    lines = []
    if (memory := scale.get("instanceMemoryMB")) is not None:
        lines.append(f"    instanceMemoryMB: {memory}")
    if (concurrency := scale.get("perInstanceConcurrency")) is not None:
        lines.append(f"    triggers: {{ http: {{ perInstanceConcurrency: {concurrency} }} }}")
    return ("functionAppConfig: {", "  scaleAndConcurrency: {", *lines, "  }", "}") if lines else ()
