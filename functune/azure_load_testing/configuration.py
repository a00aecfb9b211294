"""
The configuration of a load test, as ``az load test create --load-test-config-file`` takes it.

The keys are those of Microsoft's reference, "Configure a load test in YAML". docs/beyond-one-machine.md lists what is
assumed about the service.
"""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from functune.analysis.search.objective import Condition, parse_objective
from functune.azure_load_testing.asked import AskedLoadTest
from functune.run.measurement import ACCEPTED_ERRORS

LONGEST_DESCRIPTION = 100
"""Characters."""
AUTO_STOP = {"errorPercentage": 90, "timeWindow": 60}
"""The service's own default, written down, so that a dead app does not cost the whole time."""
VAULT = "YOUR-VAULT"


def configuration(
    asked: AskedLoadTest,
    *,
    test_plan: str,
    files: Sequence[str],
    environ: dict[str, str],
    secrets: Sequence[str],
    objective: str,
    vault: str | None,
    has_values: bool,
) -> dict[str, Any]:
    """The configuration; ``files`` are those that the ``test_plan`` needs next to it."""
    description = f"{asked.subject}, written by functune"
    found: dict[str, Any] = {
        "version": "v0.1",
        "testId": asked.test_id,
        "displayName": f"functune {asked.experiment}",
        "description": description[:LONGEST_DESCRIPTION],
        "testType": "Locust",
        "testPlan": test_plan,
        "engineInstances": asked.engines,
        "configurationFiles": list(files),
        "splitAllCSVs": has_values,
        "failureCriteria": failure_criteria(objective),
        "autoStop": AUTO_STOP,
        "env": [
            {"name": name, "value": value}
            for name, value in {
                "LOCUST_HOST": asked.host,
                "LOCUST_USERS": str(asked.users),
                "LOCUST_SPAWN_RATE": f"{asked.spawn_rate:g}",
                "LOCUST_RUN_TIME": f"{asked.seconds}s",
                **environ,
            }.items()
        ],
    }
    if secrets:
        found["secrets"] = [
            {"name": name, "value": f"https://{vault or VAULT}.vault.azure.net/secrets/{name.replace('_', '-')}"}
            for name in secrets
        ]
    return found


def failure_criteria(objective: str) -> list[str]:
    """The conditions under which the test fails: that the objective is missed, or that more than 1 % of it fails."""
    conditions = parse_objective(objective).conditions if objective else ()
    written = [criterion(each) for each in conditions]
    if not any(each.metric == "errors" for each in conditions):
        written.append(f"percentage(error) > {ACCEPTED_ERRORS * 100:g}")
    return written


def criterion(condition: Condition) -> str:
    """
    The opposite of a condition in the words of the service.

    The service has > and < alone, and whole milliseconds: a figure that equals its limit does not fail the test.
    """
    match condition.metric:
        case "errors":
            return f"percentage(error) > {condition.limit * 100:g}"
        case "throughput":
            return f"avg(requests_per_sec) < {condition.limit:g}"
        case _:
            return f"{condition.metric}(response_time_ms) > {math.ceil(round(condition.limit * 1000, 6))}"


def yaml_text(found: dict[str, Any]) -> str:
    """The configuration as YAML. Texts are quoted as in JSON, which is YAML too."""
    return "\n".join(yaml_lines(found)) + "\n"


def yaml_lines(found: dict[str, Any], indent: str = "") -> Iterator[str]:
    """The lines of a mapping."""
    for key, value in found.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from yaml_lines(value, f"{indent}  ")
        elif isinstance(value, list) and value:
            yield f"{indent}{key}:"
            for each in value:
                yield from item_lines(each, f"{indent}  ")
        else:
            yield f"{indent}{key}: {json.dumps(value)}"


def item_lines(item: Any, indent: str) -> Iterator[str]:
    """The lines of an item of a list."""
    if not isinstance(item, dict):
        yield f"{indent}- {json.dumps(item)}"
        return
    first, *rest = yaml_lines(item, f"{indent}  ")
    yield f"{indent}- {first.strip()}"
    yield from rest
