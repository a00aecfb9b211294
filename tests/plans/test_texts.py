"""The advice for a plan as text: local.settings.json, Bicep parameters and commands of the Azure CLI."""

import json
import re
from pathlib import Path

import pytest

from functune.errors import UsageError
from functune.plans.advice import PlanAdvice, advice_for_plans, advice_text, single_advice
from tests.analysis.simulated import findings
from tests.report.written import computes, waits

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def apply() -> tuple[PlanAdvice, ...]:
    """The advice for a run of two experiments."""
    return tuple(each for run in (waits(), computes()) for each in advice_for_plans(findings(*run)))


def test_bicepparam_names_parameters_of_the_templates(apply: tuple[PlanAdvice, ...]) -> None:
    for plan, template in (("flex", "main.bicep"), ("premium", "premium.bicep")):
        declared = set(re.findall(r"^param (\w+)", (ROOT / "infra" / template).read_text(), re.MULTILINE))
        for name in ("waits", "computes"):
            text = advice_text(single_advice(apply, plan=plan, experiment=name), "bicep")
            assert text.startswith(f"using '{template}'\n")
            given = re.findall(
                r"^param (\w+) = (?:\d+|readEnvironmentVariable\('AZURE_ENV_NAME'\))$", text, re.MULTILINE
            )
            assert len(given) == text.count("\nparam ")
            assert set(given) <= declared
            assert "environmentName" in given


def test_commands_set_and_unset_what_was_recommended(apply: tuple[PlanAdvice, ...]) -> None:
    waits_flex = advice_text(single_advice(apply, plan="flex", experiment="waits"), "commands")
    assert "appsettings delete" in waits_flex
    assert "--setting-names PYTHON_THREADPOOL_THREAD_COUNT" in waits_flex
    assert "--trigger-type http --trigger-settings perInstanceConcurrency=" in waits_flex
    premium = advice_text(single_advice(apply, plan="premium", experiment="computes"), "commands")
    assert "--settings FUNCTIONS_WORKER_PROCESS_COUNT=2 PYTHON_THREADPOOL_THREAD_COUNT=1" in premium
    assert "scale config" not in premium


def test_local_settings_are_values_alone(apply: tuple[PlanAdvice, ...]) -> None:
    found = json.loads(advice_text(single_advice(apply, plan="local", experiment="waits"), "local-settings"))
    assert found == {"Values": {"FUNCTIONS_WORKER_PROCESS_COUNT": "1"}}


def test_advice_that_is_not_the_only_one_is_refused(apply: tuple[PlanAdvice, ...]) -> None:
    with pytest.raises(UsageError, match="choose one with --experiment waits or computes"):
        single_advice(apply, plan="flex", experiment=None)
    with pytest.raises(UsageError, match="--experiment nonsense: the run has no advice for it; it has waits, computes"):
        single_advice(apply, plan="flex", experiment="nonsense")
    with pytest.raises(UsageError, match=r"allowed with --plan flex or premium or .*, the plan is local"):
        advice_text(single_advice(apply, plan="local", experiment="waits"), "bicep")
    with pytest.raises(UsageError, match="recommends no setting"):
        single_advice((), plan="local", experiment=None)
