"""What holds for the template of Container Apps; ``test_rules.py`` shows what each rule refuses."""

from typing import Any

from tests.infra.bicep import Template, mentions
from tests.infra.site_rules import HEALTH

# The largest that the platform documents for a probe.
_MOST_FAILURES = 10


def containers(template: Template) -> list[dict[str, Any]]:
    """The containers of the app, as written."""
    apps = template.of_type("Microsoft.App/containerApps")
    return [container for app in apps for container in app.properties["template"]["containers"]]


def variables_of(container: dict[str, Any]) -> dict[str, Any]:
    """Variables of a container: expressions by name."""
    return {variable["name"]: variable["value"] for variable in container["env"]}


def image_is_pulled_by_the_identity(template: Template) -> list[str]:
    """The registry has no password, and the app pulls with its user-assigned identity once that has the role."""
    wrong = []
    for registry in template.of_type("Microsoft.ContainerRegistry/registries"):
        if registry.properties.get("adminUserEnabled") is not False or registry.properties.get("anonymousPullEnabled"):
            wrong.append(f"{registry.symbol} lets others pull than identities")
    for app in template.of_type("Microsoft.App/containerApps"):
        for registry in app.properties["configuration"].get("registries", [{}]):
            if set(registry) != {"server", "identity"}:
                wrong.append(f"{app.symbol} pulls with {sorted(registry)}")
        if app.body["identity"]["type"] != "UserAssigned" or app.body.get("dependsOn") != ["pull"]:
            wrong.append(f"{app.symbol} may start before its identity has the role")
    return wrong


def probes_are_written(template: Template) -> list[str]:
    """Startup, readiness and liveness ask for /health: the platform adds no probes to a template."""
    wrong = []
    for container in containers(template):
        probes = {probe["type"]: probe for probe in container.get("probes", [])}
        if set(probes) != {"Startup", "Readiness", "Liveness"}:
            wrong.append(f"the probes are {sorted(probes)}")
        for kind, probe in probes.items():
            if template.value(probe.get("httpGet", {})).get("path") != HEALTH:
                wrong.append(f"{kind} does not ask for {HEALTH}")
            if probe.get("failureThreshold", 0) > _MOST_FAILURES or probe["timeoutSeconds"] >= probe["periodSeconds"]:
                wrong.append(f"{kind} has numbers that the platform refuses, or overlaps with itself")
    return wrong


def ingress_is_encrypted_and_finds_the_port(template: Template) -> list[str]:
    """No plain HTTP from outside; ingress, probes and Gunicorn use one port."""
    wrong = []
    for app in template.of_type("Microsoft.App/containerApps"):
        ingress = app.properties["configuration"]["ingress"]
        if ingress.get("allowInsecure") is not False:
            wrong.append(f"{app.symbol} takes plain HTTP")
        if ingress.get("targetPort") != "port":
            wrong.append(f"{app.symbol} sends requests to {ingress.get('targetPort')}")
    for container in containers(template):
        if not mentions(variables_of(container).get("PORT"), "port"):
            wrong.append("Gunicorn does not listen on the port of the ingress")
    return wrong if template.variables.get("port") == 8000 else [*wrong, "the port is not the image's"]


def replica_ends_before_it_is_killed(template: Template) -> list[str]:
    """The platform waits longer for a replica than Gunicorn waits for its requests."""
    wrong = []
    for app in template.of_type("Microsoft.App/containerApps"):
        grace = app.properties["template"].get("terminationGracePeriodSeconds")
        operator = grace.get("operator", {}) if isinstance(grace, dict) else {}
        if operator.get("type") != "add" or not mentions(operator, "gracefulTimeoutSeconds"):
            wrong.append(f"{app.symbol} is killed after {grace}, whatever Gunicorn's time-out is")
    return wrong


def memory_fits_the_cores(template: Template) -> list[str]:
    """Every size that can be chosen has 2 Gi for each core, the only ratio of the plan."""
    sizes = template.variables.get("memoryOf", {})
    allowed = next(one["argument"] for one in template.parameters["cpuCores"]["decorators"] if one["type"] == "allowed")
    # The parser keeps the quotes of a quoted key.
    by_cores = {str(cores).strip("'"): memory for cores, memory in sizes.items()}
    wrong = [f"{cores} has {memory}" for cores, memory in by_cores.items() if memory != f"{2 * float(cores):g}Gi"]
    return wrong if set(by_cores) == set(allowed) else [*wrong, f"sizes {sorted(by_cores)} for {sorted(allowed)}"]


def scale_is_bounded_by_parameters(template: Template) -> list[str]:
    """The replicas have both bounds and an HTTP rule of one's own; left out, the platform takes 10 for each."""
    wrong = []
    for app in template.of_type("Microsoft.App/containerApps"):
        scale = app.properties["template"].get("scale", {})
        for name in ("minimumReplicaCount", "maximumReplicaCount", "concurrentRequests"):
            if not mentions(scale, name):
                wrong.append(f"{app.symbol} does not take {name}")
    return wrong
