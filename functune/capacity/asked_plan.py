"""The plan of a run, from the texts of ``functune plan``: its traffic, objective and present configuration."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from functune.analysis.experiment import ExperimentFindings
from functune.analysis.search.objective import Objective, parse_objective
from functune.capacity.assumptions import LONGEST_START, SHORTEST_START, assumptions
from functune.capacity.capacity_plan import CapacityPlan, make_plan
from functune.capacity.configuration import PYTHON_DEFAULT, parse_configuration
from functune.capacity.day import Conditions
from functune.capacity.measured_app import measured_apps, subject_to_plan
from functune.capacity.traffic import Traffic
from functune.capacity.traffic_spec import parse_traffic, traffic_of_csv
from functune.errors import UsageError
from functune.plans.price_list import changed_prices, shipped_prices
from functune.run.measurement import Measurement


def planned_capacity(
    found: Sequence[ExperimentFindings],
    measured: Sequence[Measurement],
    given: Conditions,
    *,
    objective: str | None = None,
    now: str | None = None,
    experiment: str | None = None,
    route: str | None = None,
    progress: Callable[[int, int], None] = lambda done, whole: None,
) -> CapacityPlan:
    """
    The plan of the subject that is named, or of the only one.

    ``objective`` is that of the experiment where it is None, and ``now``, the present configuration, Azure's default.
    Raises UsageError for a text that cannot be read, and for a run of several subjects of which none is named.
    """
    present = PYTHON_DEFAULT if now is None else parse_configuration(now)
    findings, subject = subject_to_plan(found, experiment=experiment, route=route)
    apps, left_out = measured_apps(findings, subject, measured)
    aim = objective_of(objective if objective is not None else findings.experiment.objective)
    return make_plan(findings, subject, apps, left_out, given, objective=aim, present=present, progress=progress)


def conditions(
    traffic: str,
    *,
    cold_start: tuple[float, float] | None = None,
    assume: Iterable[tuple[str, float]] = (),
    prices: Path | None = None,
) -> Conditions:
    """
    The conditions that all forecasts share.

    ``cold_start`` are the least and the most seconds of a start, ``assume`` other numbers for rules of a platform, and
    ``prices`` a file with prices in place of the project's. Raises UsageError.
    """
    if cold_start is not None and not all(0 < seconds < math.inf for seconds in cold_start):
        raise UsageError(
            f"--cold-start {cold_start[0]:g} {cold_start[1]:g}: allowed are two numbers of seconds above 0"
        )
    starts = () if cold_start is None else zip((SHORTEST_START, LONGEST_START), cold_start, strict=True)
    return Conditions(
        traffic=traffic_of(traffic),
        assumptions=assumptions([*starts, *assume]),
        prices=shipped_prices() if prices is None else changed_prices(file_text(prices, "--prices"), name=str(prices)),
    )


def objective_of(text: str) -> Objective | None:
    """The objective of a text; None for an empty one."""
    return parse_objective(text) if text else None


def traffic_of(spec: str) -> Traffic:
    """The traffic of a pattern, or of a CSV file. Raises UsageError for another text."""
    if spec.lower().endswith(".csv"):
        return traffic_of_csv(file_text(Path(spec), "--traffic"), name=spec)
    return parse_traffic(spec)


def file_text(path: Path, flag: str) -> str:
    """The text of a file. Raises UsageError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{flag} {path}: {reason}; name a text file that can be read") from error
