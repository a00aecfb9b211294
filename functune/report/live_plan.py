"""The hosting plan of an app on Azure that was measured there: its settings come first in what a report says to set."""

from functune.analysis.experiment import ExperimentFindings
from functune.plans.plan import HostingPlan
from functune.plans.registry import FLEX, PLANS
from functune.run.environment import Environment


def live_plan(findings: ExperimentFindings, environment: Environment) -> HostingPlan | None:
    """
    The plan; None for an app that does not run on Azure, or is called by its URL.

    A sweep notes the instances of an app on Flex Consumption. Every other plan takes the app settings of Premium.
    """
    if not environment.is_on_azure:
        return None
    shapes = {level.setting.instance for level in findings.levels}
    return FLEX if any(shape is not None and shape.plan == FLEX.name for shape in shapes) else PLANS["premium"]
