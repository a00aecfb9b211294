"""Every file of a report recommends the same settings: for each subject, and for each hosting plan."""

import csv
import io
import json
import re
import shlex
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from functune.experiments.model import Experiment, Matrix
from functune.plans.registry import PLANS
from functune.report.document import ReportDocument
from functune.report.files import write_report
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import planned, sweep
from tests.report.written import computes, run_folder, threads, waits


def admitted() -> tuple[Experiment, list[Measurement]]:
    """Limits on the requests that an instance admits, one of which is recommended."""
    experiment = planned(
        name="admitted", question="How many at a time?", settings=Matrix(per_instance_concurrency=(4, 16))
    )
    return experiment, sweep(experiment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = [threads(), waits(), computes(), admitted()]
    measured = [step for _, steps in runs for step in steps if step.repeat == 0]
    return run_folder(tmp_path_factory.mktemp("run"), [experiment for experiment, _ in runs], measured)


@pytest.fixture(scope="module")
def document(folder: Path) -> ReportDocument:
    return write_report(RunFolder.open(folder))


def experiments_of(folder: Path, file: str) -> dict[str, dict[str, Any]]:
    """The experiments of a JSON file by name."""
    found = json.loads((folder / file).read_text(encoding="utf-8"))["experiments"]
    return {each["name"]: each for each in found}


def page_part(folder: Path, opening: str, closing: str) -> str:
    """The page from one text to the next that closes it."""
    html = (folder / "report.html").read_text(encoding="utf-8")
    start = html.index(opening)
    return html[start : html.index(closing, start)]


def summary_part(folder: Path, question: str) -> str:
    """The section of summary.md under a question."""
    sections = (folder / "summary.md").read_text(encoding="utf-8").split("## ")
    [part] = [part for part in sections if part.startswith(question)]
    return part


def test_every_file_recommends_the_same_setting_for_a_subject(document: ReportDocument, folder: Path) -> None:
    recommended = experiments_of(folder, "recommendation.json")
    html = (folder / "report.html").read_text(encoding="utf-8")
    offered = re.search(r'data-csv="([^"]*)"', html)
    assert offered is not None
    rows = list(csv.DictReader(io.StringIO(unescape(offered[1]))))
    for name, experiment in experiments_of(folder, "report.json").items():
        summary = summary_part(folder, experiment["experiment"]["question"])
        cards = re.findall(
            r"<dt><b>Recommended[^<]*</b><br>([^<]*)</dt>", page_part(folder, f'id="{name}"', "</section>")
        )
        words = []
        for subject, viewed in zip(experiment["subjects"], recommended[name]["recommendations"], strict=True):
            best = subject["recommended"]["evidence"][0]
            setting = subject["recommended"]["setting"]
            assert setting == viewed["setting"] == best["setting"] == viewed["evidence"][0]["setting"]
            assert (subject["standings"][0]["setting"], subject["standings"][0]["names"][0]) == (setting, "recommended")
            read = Setting(**{**setting, "app_settings": tuple(map(tuple, setting["app_settings"]))})
            words.append(read.in_words)
            assert f"| {read.in_words} (recommended) | {best['users']} |" in summary
            [row] = [
                row
                for row in rows
                if (row["experiment"], row["route"], row["users"], row["arrivals_per_s"])
                == (name, viewed["route"], str(best["users"]), "")
                and (row["process_count"], row["thread_count"] or None, row["per_instance_concurrency"] or None)
                == tuple(
                    None if value is None else str(value)
                    for value in (read.process_count, read.thread_count, read.per_instance_concurrency)
                )
            ]
            assert float(row["throughput_per_s"]) == best["throughput"] == viewed["evidence"][0]["throughput"]
        assert cards == words
    assert len(document.experiments) == 4


def test_every_file_has_the_same_settings_for_a_plan(document: ReportDocument, folder: Path) -> None:
    recommended = experiments_of(folder, "recommendation.json")
    for findings in document.experiments:
        several = document.advice_for(findings.name)
        assert [each.plan for each in several] == [name for name, plan in PLANS.items() if plan.allows(Setting())]
        article = page_part(folder, f'<a href="#{findings.name}">', "</article>")
        shown = [unescape(text) for text in re.findall(r"<pre>(.*?)</pre>", article, re.DOTALL)]
        texts = []
        for advice, viewed in zip(several, recommended[findings.name]["apply"], strict=True):
            assert (viewed["plan"], viewed["app_settings"]) == (advice.plan, advice.app_settings)
            assert (viewed["parameters"], viewed["commands"]) == (advice.parameters, advice.commands)
            assert Setting(**{**viewed["setting"], "app_settings": advice.setting.app_settings}) == advice.setting
            values = {name: value for name, value in advice.app_settings.items() if value is not None}
            assert json.loads(viewed["local_settings"]) == {"Values": values}
            if advice.plan == "local":
                texts.append(",\n".join(f'"{name}": "{value}"' for name, value in values.items()))
                assert listed_in_summary(folder, findings.experiment.question) == advice.app_settings
            else:
                assert advice.commands is not None
                assert advice.bicepparam is not None
                texts += [str(advice.fragment).strip(), advice.bicepparam.strip(), advice.commands.strip()]
                assert settings_of_commands(advice.commands) == advice.app_settings
                assert parameters_of(advice.bicepparam) == advice.parameters
        assert shown == texts


def listed_in_summary(folder: Path, question: str) -> dict[str, str | None]:
    """The settings to set that the summary lists."""
    part = summary_part(folder, question)
    listed = re.findall(r"^- (?:`(\w+)=(.*)`|leave `(\w+)` unset)$", part, re.MULTILINE)
    return {name or unset: None if unset else value for name, value, unset in listed}


def settings_of_commands(commands: str) -> dict[str, str | None]:
    """The app settings that commands set or delete."""
    found: dict[str, str | None] = {}
    for line in commands.splitlines():
        words = shlex.split(line)
        if "--settings" in words:
            found |= dict(word.split("=", 1) for word in words[words.index("--settings") + 1 :])
        if "--setting-names" in words:
            found |= dict.fromkeys(words[words.index("--setting-names") + 1 :])
    return found


def parameters_of(bicepparam: str) -> dict[str, int]:
    """The numbers of a parameters file."""
    return {name: int(value) for name, value in re.findall(r"^param (\w+) = (\d+)$", bicepparam, re.MULTILINE)}
