"""docs/lessons.md and its pictures, from a run folder; and that the one in the repository was written by this code."""

import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from functune.experiments.file import read_experiments
from functune.experiments.model import Experiment
from functune.experiments.planned import planned_steps
from functune.report.lessons import write_lessons
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement
from tests.analysis.simulated import step
from tests.report.written import run_folder, threads

ROOT = Path(__file__).parents[2]
SHIPPED = [read_experiments(path)[0] for path in sorted((ROOT / "experiments").glob("*.toml"))]


def simulated(experiment: Experiment) -> list[Measurement]:
    """Every closed-loop step, and every rate of arrivals at exactly its share of what was served."""
    steps = [
        step(
            setting=each.setting,
            users=each.users,
            route=each.subject.route,
            background=each.subject.background,
            background_users=each.subject.background_users,
            experiment=experiment.name,
            jitter=0.1,
        )
        for each in planned_steps(experiment)
    ]
    capacity = max(one.throughput for one in steps)
    arrivals = [
        msgspec.structs.replace(
            step(
                setting=steps[0].setting, users=1, route=steps[0].subject.route, experiment=experiment.name, duration=20
            ),
            arrival_rate=share * capacity,
            share=share,
            phase="arrivals",
        )
        for share in experiment.load.arrivals
    ]
    return [*steps, *arrivals]


def structure(document: str) -> list[str]:
    """What stays the same whatever was measured: headings, questions, pictures, labels of steps, claims, commands."""
    lines = document.splitlines()
    kept = [line for line in lines if re.match(r"#|\*\*|!\[|functune sweep", line)]
    rows = re.findall(r"^\| (?:[✅❌❔][^|]* \| )?([^|]*) \|", document, re.MULTILINE)
    return [*kept, *rows]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document of a simulated run of every experiment."""
    folder = tmp_path_factory.mktemp("lessons")
    run_folder(folder, SHIPPED, [one for experiment in SHIPPED for one in simulated(experiment)])
    return write_lessons(RunFolder.open(folder), folder / "docs")


def test_the_document_has_every_experiment_and_was_written_by_this_code(shipped: Path) -> None:
    """Run `make lessons` when this fails."""
    written = (ROOT / "docs" / "lessons.md").read_text()
    names = re.findall(r"^## (\S+)$", written, re.MULTILINE)
    assert names == [experiment.name for experiment in SHIPPED]
    assert structure(written) == structure(shipped.read_text())


def test_every_experiment_has_its_picture_and_no_other_is_kept(shipped: Path) -> None:
    names = {f"{experiment.name}.svg" for experiment in SHIPPED}
    assert {path.name for path in (shipped.parent / "images" / "lessons").iterdir()} == names
    assert {path.name for path in (ROOT / "docs" / "images" / "lessons").iterdir()} == names


@pytest.mark.parametrize("experiment", SHIPPED, ids=lambda experiment: experiment.name)
def test_every_shipped_experiment_teaches_and_checks(experiment: Experiment) -> None:
    assert experiment.lesson
    assert experiment.expect


def test_the_picture_of_an_experiment_that_is_gone_is_removed(tmp_path: Path) -> None:
    one(tmp_path)
    pictures = tmp_path / "docs" / "images" / "lessons"
    (pictures / "threads.svg").rename(pictures / "renamed.svg")
    one(tmp_path)
    assert [path.name for path in pictures.iterdir()] == ["threads.svg"]


def one(tmp_path: Path) -> tuple[str, str]:
    """The document and the picture of one simulated experiment, an expectation of which fails."""
    experiment, measured = threads()
    document = write_lessons(RunFolder.open(run_folder(tmp_path, [experiment], measured)), tmp_path / "docs")
    return document.read_text(), (document.parent / "images" / "lessons" / "threads.svg").read_text()


def test_a_lesson_shows_the_steps_its_expectations_look_at(tmp_path: Path) -> None:
    document, picture = one(tmp_path)
    rows = dict(re.findall(r"^\| ([^|]*) \| ([^|]*) \|.*\|.*\|$", document, re.MULTILINE))
    assert (float(rows["1 thread"]), float(rows["16 threads"])) == (pytest.approx(10, rel=0.1), pytest.approx(159, 0.1))
    assert "2 processes" not in document.partition("## threads")[2].partition("| | Expected")[0].split("![")[1]
    bars = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
    assert [text for text in bars if not text.endswith("/s")] == [*("1 thread", "16 threads"), "Requests per second"]


def test_a_lesson_says_which_expectation_failed(tmp_path: Path) -> None:
    document, _ = one(tmp_path)
    assert re.search(r"^\| ✅ holds \| 16 threads serve 160 \| 1\d\d\S* requests/s \| 152 to 163 \|$", document, re.M)
    assert re.search(r"^\| ❌ fails \| 1 thread is as fast \| 0.06\S* times \| at least 0.9 \|$", document, re.M)


def test_a_picture_is_an_image_for_light_and_dark(tmp_path: Path) -> None:
    """Every colour drawn has a rule for dark pages, and the file needs nothing from elsewhere."""
    _, picture = one(tmp_path)
    root = ElementTree.fromstring(picture)
    assert root.get("role") == "img"
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert "16 threads" in str(title.text)
    drawing, dark = picture.partition("</style>")[2], picture.partition("</style>")[0]
    colored = set(re.findall(r'((?:fill|stroke)="#[0-9a-f]{6}")', drawing))
    assert {each.partition("=")[0] for each in colored} == {"fill", "stroke"}
    assert len(colored) == 5
    assert [each for each in colored if f"[{each}]{{" not in dark] == []
    assert "var(" not in picture
    assert not re.search(r'(?:href|src)="', picture)


def test_a_step_that_was_not_measured_leaves_a_gap(tmp_path: Path) -> None:
    experiment, measured = threads()
    left = [each for each in measured if each.setting.thread_count != 1]
    document = write_lessons(RunFolder.open(run_folder(tmp_path, [experiment], left)), tmp_path / "docs").read_text()
    assert "| 1 thread | - | - | - |" in document
    assert "not measured" in document
