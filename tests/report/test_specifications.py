"""The charts are plain Vega-Lite, so its published schema says whether they are right; altair ships that schema."""

import fcntl
import json
import signal
import subprocess
import sys
import termios
from importlib import resources
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
from jsonschema import Draft7Validator

from functune.report.charts import renderer
from functune.report.charts.drawing import Drawing
from functune.report.charts.figure import ChartInput
from functune.report.charts.lesson_picture import LessonBar, Panel, picture_specification
from functune.report.charts.registry import CHARTS
from functune.report.charts.renderer import render_here, render_side_by_side, render_svgs
from functune.report.document import ReportDocument
from tests.host.serving import wait_until


@pytest.fixture(scope="module")
def vega_lite() -> Draft7Validator:
    schema = resources.files("altair.vegalite.v6.schema").joinpath("vega-lite-schema.json").read_text(encoding="utf-8")
    return Draft7Validator(json.loads(schema))


@pytest.fixture(scope="module")
def drawings(document: ReportDocument) -> list[Drawing]:
    """Every chart of a run that has something to draw for each."""
    figures = [
        chart.figure(ChartInput(findings=findings, subject=subject, currency="USD"))
        for findings in document.experiments
        for subject in findings.subjects
        for chart in CHARTS
    ]
    return [each.drawing for each in figures if each is not None and each.drawing is not None]


def test_every_chart_is_vega_lite(vega_lite: Draft7Validator, drawings: list[Drawing]) -> None:
    assert len(drawings) == 6 + 4 + 4
    for drawing in drawings:
        for specification in drawing.specifications:
            assert problems(vega_lite, specification) == [], drawing.alternative


def test_the_picture_of_a_lesson_is_vega_lite(vega_lite: Draft7Validator) -> None:
    panel = Panel(title="Requests per second", bars=[LessonBar(label="1 thread", value=9.8, text="9.8/s")])
    assert problems(vega_lite, picture_specification([panel])) == []


def problems(vega_lite: Draft7Validator, specification: dict[str, Any]) -> list[str]:
    """The parts of a specification that the schema refuses."""
    plain = json.loads(json.dumps(specification))  # tuples and the like as JSON has them
    return [f"{error.json_path}: {error.message[:200]}" for error in vega_lite.iter_errors(plain)]


def test_drawing_in_several_processes_gives_the_same_bytes(drawings: list[Drawing]) -> None:
    specifications = [narrow for _, narrow in (drawing.specifications for drawing in drawings)]
    assert render_side_by_side(specifications, processes=2) == render_here(specifications)


def test_process_that_is_stopped_and_continued_writes_all_that_it_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drawing is more than a pipe takes, so the process is stopped in the middle of writing it."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    values = [{"number": number} for number in range(1000)]
    many = {"data": {"values": values}, "mark": "point", "encoding": {"x": {"field": "number", "type": "quantitative"}}}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", renderer.__name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        capacity = fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ)
        process.stdin.write(json.dumps([many]).encode())
        process.stdin.close()
        written = process.stdout
        wait_until(lambda: readable_bytes(written) == capacity, "full pipe", timeout=60)
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, "stopped process")
        process.send_signal(signal.SIGCONT)
        [drawn] = json.loads(written.read())
    assert process.returncode == 0
    assert drawn.endswith("</svg>")


def readable_bytes(pipe: IO[bytes]) -> int:
    """The bytes in a pipe that were not read yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_module_of_the_working_folder_is_not_imported_by_another_process(
    drawings: list[Drawing], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of an app may have a module of any name."""
    (tmp_path / "msgspec.py").write_text("raise RuntimeError('a module of the app')")
    monkeypatch.chdir(tmp_path)
    assert len(render_side_by_side([drawings[0].specifications[0]] * 2, processes=2)) == 2


def test_a_chart_that_another_process_cannot_draw_is_an_error(drawings: list[Drawing]) -> None:
    right = drawings[0].specifications[0]
    with pytest.raises(RuntimeError, match="drawing 1 chart failed"):
        render_side_by_side([right, {"mark": "nonsense"}], processes=2)


def plain(number: int) -> dict[str, Any]:
    """A small drawing that shows a number."""
    return {"data": {"values": [{}]}, "mark": "text", "encoding": {"text": {"value": f"<{number}>"}}}


def test_a_drawing_that_is_kept_is_that_of_its_own_specification() -> None:
    """Also where one stands twice, and where some were drawn before."""
    wanted = [plain(1), plain(2), plain(1)]
    drawn = render_here(wanted)
    assert drawn[0] != drawn[1]
    assert render_svgs(wanted[1:]) == drawn[1:]
    assert render_svgs(wanted) == drawn
