"""A run folder is read, analysed and completed with its report; nothing is measured again."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from functune import experiments, measurements
from functune.analysis.comparison import Comparison, compare
from functune.analysis.plan_settings import PLANS
from functune.analysis.verdict import Analysis, analyse
from functune.errors import RunFolderError
from functune.experiments import Experiment
from functune.measurements import Measurement
from functune.report import document
from functune.report.contents import Contents, Elsewhere, gather
from functune.report.junit import junit
from functune.report.page import render_page
from functune.report.recommendation_file import recommendation_json
from functune.report.step_rows import measured_rows, to_csv
from functune.report.summary import summary

ENVIRONMENT = "environment.json"
REPORT = "report.html"
SUMMARY = "summary.md"
RECOMMENDATION = "recommendation.json"
DOCUMENT = "report.json"
TABLE = "measurements.csv"
JUNIT = "junit.xml"
WRITTEN = (REPORT, SUMMARY, RECOMMENDATION, DOCUMENT, TABLE, JUNIT)
"""What ``write`` writes."""


def write(folder: Path, *, beside: Sequence[Path] = ()) -> list[Analysis]:
    """
    Write the report and its files for programs into the run folder, and return the analyses.

    Reads experiment.toml, environment.json, the measurements, calibrations and failures of the folder, and of each
    run folder in ``beside`` its measurements and environment, to compare servers. The same input gives the same bytes.
    It can be drawn while the sweep runs. Raises RunFolderError or ExperimentError when a file cannot be read.
    """
    contents = read_contents(folder, beside=beside)
    written = {
        REPORT: render_page(contents),
        SUMMARY: summary(contents.analyses),
        RECOMMENDATION: recommendation_json(contents),
        DOCUMENT: document.to_json(document.report_document(contents)),
        TABLE: to_csv(measured_rows(measurements.load(folder))),
        JUNIT: junit(contents.analyses),
    }
    for name in WRITTEN:
        (folder / name).write_text(written[name], encoding="utf-8")
    return contents.analyses


def read_contents(folder: Path, *, plan: str | None = None, beside: Sequence[Path] = ()) -> Contents:
    """
    Everything a report shows, from the run folder alone. Raises as ``write`` does.

    ``plan`` is the hosting plan that the settings are for; None takes what the environment says.
    """
    environment = read_environment(folder)
    planned, measured = experiments.load(folder / experiments.FILE_NAME), measurements.load(folder)
    return gather(
        analyses(planned, measured, environment, plan=plan),
        environment,
        flex=analyses(planned, measured, environment, plan="flex"),
        calibrations=measurements.load_calibrations(folder),
        failures=measurements.load_failures(folder),
        elsewhere=[
            Elsewhere(
                host=str(read_environment(other).get("host") or other.name), measured=tuple(measurements.load(other))
            )
            for other in beside
        ],
    )


def read(folder: Path, environment: Mapping[str, object], *, plan: str | None = None) -> list[Analysis]:
    """The analyses of a run folder's experiments, in file order. Raises as ``write`` does."""
    return analyses(experiments.load(folder / experiments.FILE_NAME), measurements.load(folder), environment, plan=plan)


def analyses(
    planned: Sequence[Experiment],
    measured: Sequence[Measurement],
    environment: Mapping[str, object],
    *,
    plan: str | None = None,
) -> list[Analysis]:
    """The analyses of experiments that were read; ``plan`` None takes what the environment says."""
    chosen = plan or environment.get("plan")
    return [
        analyse(
            experiment,
            measured,
            cores=cores(environment),
            plan=chosen if isinstance(chosen, str) else None,
        )
        for experiment in planned
    ]


def compare_runs(
    before: Path, after: Path, *, margin: float
) -> tuple[Comparison, tuple[dict[str, object], dict[str, object]]]:
    """The comparison of two run folders, and their environments. Raises as ``write`` does."""
    environments = read_environment(before), read_environment(after)
    both = [read(folder, environment) for folder, environment in zip((before, after), environments, strict=True)]
    return compare(both[0], both[1], margin=margin), environments


def plan_of(contents: Contents) -> str:
    """The hosting plan in the run's environment; "local" where it has none that is known."""
    plan = contents.environment.get("plan")
    return str(plan) if plan in PLANS else "local"


def cores(environment: Mapping[str, object]) -> float | None:
    """The cores the run could use: the least of those there are, may be used and are granted; None when unknown."""
    known = (environment.get(key) for key in ("cpu_count", "cpu_affinity", "cpu_quota"))
    return min((float(value) for value in known if isinstance(value, int | float)), default=None)


def read_environment(folder: Path) -> dict[str, object]:
    """
    What the sweep recorded of the machine: only the keys of ``cores`` and ``plan`` are used, all are shown.

    Raises RunFolderError when the file is missing or no JSON object.
    """
    path = folder / ENVIRONMENT
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except OSError as error:
        raise RunFolderError(
            f"{path}: {error.strerror}; a run folder holds it next to {measurements.FILE_NAME}: "
            "`functune sweep --out DIR` writes both"
        ) from error
    except msgspec.DecodeError as error:
        raise RunFolderError(f"{path}: not a JSON object: {error}") from error
