"""The plan of a load as a file, and the environment variables by which the Locust file finds it."""

from pathlib import Path

import msgspec

from functune.load.records import LoadPlan


def plan_variables(plan: LoadPlan, folder: Path) -> dict[str, str]:
    """
    Write the plan into a folder; the environment variables that the locustfile reads.

    The plan itself is none of them: Linux allows 128 KiB for a variable, and bodies of requests are part of the plan.
    """
    file = folder / "plan.json"
    file.write_bytes(msgspec.json.encode(plan))
    return {
        "FUNCTUNE_ROUTE": plan.route,
        "FUNCTUNE_TIMEOUT": str(plan.timeout),
        "FUNCTUNE_LOAD_PLAN": str(file),
    }
