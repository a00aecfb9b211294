"""The run folder read, analysed and completed: what ``functune report`` does, without measuring anything again."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from functune import experiments, measurements
from functune.analysis.verdict import Analysis, analyse
from functune.errors import RunFolderError
from functune.report.page import render
from functune.report.recommendation_file import recommendation_json
from functune.report.summary import summary

ENVIRONMENT = "environment.json"
REPORT = "report.html"
SUMMARY = "summary.md"
RECOMMENDATION = "recommendation.json"


def write(folder: Path) -> list[Analysis]:
    """
    Write report.html, summary.md and recommendation.json beside what was measured, and return the analyses.

    Reads experiment.toml, environment.json and measurements.jsonl of the folder and nothing else. The same input
    gives the same bytes. Raises RunFolderError or ExperimentError when one of them is missing or cannot be read.
    """
    environment = read_environment(folder)
    analyses = read(folder, environment)
    (folder / REPORT).write_text(render(analyses, environment), encoding="utf-8")
    (folder / SUMMARY).write_text(summary(analyses), encoding="utf-8")
    (folder / RECOMMENDATION).write_text(recommendation_json(analyses), encoding="utf-8")
    return analyses


def read(folder: Path, environment: Mapping[str, object]) -> list[Analysis]:
    """The analyses of a run folder's experiments, in file order. Raises as ``write`` does."""
    planned = experiments.load(folder / experiments.FILE_NAME)
    measured = measurements.load(folder)
    plan = environment.get("plan")
    return [
        analyse(
            experiment,
            measured,
            cores=cores(environment),
            plan=plan if isinstance(plan, str) else None,
        )
        for experiment in planned
    ]


def cores(environment: Mapping[str, object]) -> float | None:
    """The cores the run could use: the least of those there are, may be used and are granted; None when unknown."""
    known = (environment.get(key) for key in ("cpu_count", "cpu_affinity", "cpu_quota"))
    return min((float(value) for value in known if isinstance(value, int | float)), default=None)


def read_environment(folder: Path) -> dict[str, object]:
    """
    What the sweep noted about the machine: the keys of ``cores`` and ``plan`` are used, everything is shown.

    Raises RunFolderError when the file is missing or no JSON object.
    """
    path = folder / ENVIRONMENT
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except OSError as error:
        raise RunFolderError(
            f"{path}: {error.strerror}; a run folder holds it beside {measurements.FILE_NAME}: "
            "`functune sweep --out DIR` writes both"
        ) from error
    except msgspec.DecodeError as error:
        raise RunFolderError(f"{path}: not a JSON object: {error}") from error
