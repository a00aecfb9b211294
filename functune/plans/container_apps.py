"""
Container Apps: a web server in a container, on replicas that are billed by their cores and memory while they serve.

The options of the server are variables: ``az containerapp update --args`` takes no value that begins with a dash, since
its command line is read by argparse. Sources: docs/container-apps.md; containerapp/_params.py and custom.py of
azure-cli 2.91.
"""

import math
import shlex

from functune.formatting import plural, rate
from functune.plans.billing import Cost, replica_cost
from functune.plans.conflicts import FrontEnd
from functune.plans.plan import Asked, Chosen, ParameterValue
from functune.plans.price_list import container_apps_prices
from functune.plans.start_command import command_target, program_of, setting_flags, start_variables
from functune.plans.texts import APP, OWN_TEMPLATE, assignments, bicep_value, unset_names
from functune.plans.web_plan import WebPlan, other_variables
from functune.shapes import CONTAINER_APPS_SIZES, DEFAULT_CONTAINER_APPS_SIZE, MB_PER_GIB

TEMPLATE_CONCURRENCY = 1000
"""The most that the template takes as concurrentRequests."""
TEMPLATE_CORES = 2.0
"""The largest replica that the template takes."""


class ContainerAppsPlan(WebPlan):
    """See HostingPlan."""

    name = "container-apps"
    title = "Container Apps"
    template = "container-apps.bicep"
    sizes = CONTAINER_APPS_SIZES
    default_size = DEFAULT_CONTAINER_APPS_SIZE
    port = "8000"
    front = FrontEnd("Container Apps", timeout=240, killed_after=30)
    instance = "a replica"
    prices_of = f"prices of {container_apps_prices().as_of} from {container_apps_prices().source}"

    def app_settings(self, chosen: Chosen) -> dict[str, str | None]:
        """The variables of the container: those of the server, and the others."""
        return start_variables(chosen.setting, port=self.port, entry=chosen.entry) | other_variables(chosen.setting)

    def parameters(self, chosen: Chosen) -> dict[str, ParameterValue] | None:
        """The size and the replicas too, where the reader asked for them, and the scale rule."""
        found = super().parameters(chosen)
        if found is None:
            return None
        if chosen.asked.size is not None:
            found["cpuCores"] = chosen.asked.size
        if chosen.asked.replicas is not None:
            found["minimumReplicaCount"], found["maximumReplicaCount"] = chosen.asked.replicas
        if (graceful := setting_flags(chosen.setting).known.get("--graceful-timeout")) is not None:
            found["gracefulTimeoutSeconds"] = int(graceful)
        if (concurrency := scale_rule_of(chosen)) is not None:
            found["concurrentRequests"] = min(concurrency, TEMPLATE_CONCURRENCY)
        return found

    def template_gap(self, chosen: Chosen) -> str:
        """Also a replica that is too large for it."""
        size = self.size(chosen.asked)
        too_large = f"its largest replica has {TEMPLATE_CORES:g} cores" if size.cores > TEMPLATE_CORES else ""
        return super().template_gap(chosen) or too_large

    def notes(self, chosen: Chosen) -> tuple[str, ...]:
        """The origin of concurrentRequests, and the port."""
        return (*scale_rule_notes(chosen), *super().notes(chosen), PORT_NOTE)

    def fragment(self, chosen: Chosen) -> str | None:
        """The container and the scale of a template of the reader's own."""
        variables = self.app_settings(chosen)
        values = [(name, value) for name, value in variables.items() if value is not None]
        return "\n".join(
            [
                OWN_TEMPLATE,
                "// In the container of the app (Microsoft.App/containerApps, properties.template.containers):",
                f"command: ['{program_of(chosen.setting)}']",
                f"args: [{bicep_value(command_target(chosen.setting, chosen.entry))}]",
                *self.resource_lines(chosen.asked),
                "env: [",
                *(f"  {{ name: '{name}', value: {bicep_value(value)} }}" for name, value in values),
                *(f"  // {name}: remove it" for name in unset_names(variables)),
                "]",
                *scale_lines(chosen),
                "",
            ]
        )

    def resource_lines(self, asked: Asked) -> list[str]:
        """Cores and memory, where the reader asked for a size."""
        if asked.size is None:
            return []
        size = self.size(asked)
        return [f"resources: {{ cpu: json('{size.name}'), memory: '{gibibytes(size.memory_mb)}' }}"]

    def commands(self, chosen: Chosen) -> str | None:
        """One command, since each makes a new revision."""
        variables, asked = self.app_settings(chosen), chosen.asked
        size = self.size(asked)
        words = [f"az containerapp update {APP} --command {program_of(chosen.setting)}"]
        words.append(f"--args {shlex.quote(command_target(chosen.setting, chosen.entry))}")
        words.append(f"--set-env-vars {shlex.join(assignments(variables))}")
        if unset := unset_names(variables):
            words.append(f"--remove-env-vars {shlex.join(unset)}")
        if asked.size is not None:
            words.append(f"--cpu {size.name} --memory {gibibytes(size.memory_mb)}")
        if asked.replicas is not None:
            words.append(f"--min-replicas {asked.replicas[0]} --max-replicas {asked.replicas[1]}")
        if (concurrency := scale_rule_of(chosen)) is not None:
            words.append(f"--scale-rule-name http --scale-rule-type http --scale-rule-http-concurrency {concurrency}")
        return " ".join(words) + "\n"

    def busy_cost(self, chosen: Chosen) -> Cost:
        """The cores, the memory and the requests."""
        size = self.size(chosen.asked)
        return replica_cost(chosen.throughput or 0.0, size.cores, size.memory_mb)


PORT_NOTE = f"The server listens on port {ContainerAppsPlan.port}: the ingress needs it as its target port."


def gibibytes(memory_mb: int) -> str:
    """``1Gi``."""
    return f"{memory_mb / MB_PER_GIB:g}Gi"


def scale_rule_of(chosen: Chosen) -> int | None:
    """concurrentRequests of the HTTP scale rule: the measured throughput of one replica; None when it is unknown."""
    if not chosen.throughput:
        return None
    return max(math.floor(chosen.throughput), 1)


def scale_rule_notes(chosen: Chosen) -> tuple[str, ...]:
    """How the scale rule was derived, and that it is unproven."""
    concurrency = scale_rule_of(chosen)
    if concurrency is None or chosen.throughput is None:
        return ()
    other = (
        f" If it counted requests in flight, {chosen.users} would fit: with {plural(chosen.users, 'user')} at a time "
        "the server had 95 % of its highest throughput."
        if chosen.users is not None
        else ""
    )
    return (
        f"concurrentRequests {concurrency} is unproven: it is the {rate(chosen.throughput)} that one server reached on "
        "the machine that measured, rounded down. The rule is documented as the requests of the last 15 s divided by "
        f"15, but observations disagree. A replica has other cores: measure there and correct it.{other} Setting the "
        "rule replaces the scale rules of the app.",
    )


def scale_lines(chosen: Chosen) -> list[str]:
    """The scale of a template: the rule, and the replicas where the reader asked for them."""
    concurrency, replicas = scale_rule_of(chosen), chosen.asked.replicas
    if concurrency is None and replicas is None:
        return []
    lines = ["// In properties.template.scale:"]
    if replicas is not None:
        lines += [f"minReplicas: {replicas[0]}", f"maxReplicas: {replicas[1]}"]
    if concurrency is not None:
        lines.append(f"rules: [{{ name: 'http', http: {{ metadata: {{ concurrentRequests: '{concurrency}' }} }} }}]")
    return lines
