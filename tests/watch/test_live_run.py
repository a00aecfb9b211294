"""How a run is followed: its progress, when its report is drawn, and the server of its page."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import httpx
import msgspec
import pytest

from functune.errors import UsageError
from functune.report.files import write_report
from functune.report.links import PAGE
from functune.run.folder import MEASUREMENTS, RunFolder
from functune.run.measuring import being_measured
from functune.watch.drawer import Drawer
from functune.watch.drawing import Drawn, read_drawn
from functune.watch.live_run import LEAST_PAUSE, LOOKED_AT, LiveRun
from functune.watch.run_progress import RunReader
from functune.watch.server import served
from tests.report.written import run_folder, threads


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def append(run: Path, *lines: bytes) -> None:
    """What a sweep does when a step is over."""
    with (run / MEASUREMENTS).open("ab") as file:
        file.write(b"".join(lines))


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The lines of a run."""
    experiment, measured = threads()
    run = run_folder(tmp_path_factory.mktemp("whole") / "run", [experiment], measured)
    return (run / MEASUREMENTS).read_bytes().splitlines(keepends=True)


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawer]:
    """One for all tests, whose runs have the same path, with the priority of the tests: they wait for its drawings."""
    with closing(Drawer(tmp_path_factory.mktemp("watched") / "run", niceness=0)) as drawer:
        yield drawer


@pytest.fixture
def run(drawer: Drawer) -> Iterator[Path]:
    """A run that has measured nothing yet."""
    yield run_folder(drawer.run, [threads()[0]], [])
    shutil.rmtree(drawer.run)


def test_progress_counts_whole_steps_and_knows_how_the_run_ended(run: Path, steps: list[bytes]) -> None:
    reader = RunReader(run)
    with being_measured(run):
        assert (reader.read().state, reader.read().steps, reader.read().latest) == ("measured", 0, "")
        append(run, steps[0], steps[1], steps[2][:40])
        assert reader.read().steps == 2
        append(run, steps[2][40:])
        found = reader.read()
        assert (found.state, found.steps) == ("measured", 3)
        last = RunFolder.open(run).measurements()[-1]
        assert found.latest.startswith(f"threads: {last.subject}, {last.setting.in_words}, {last.users} user")
    assert reader.read().state == "interrupted"
    write_report(RunFolder.open(run))
    assert reader.read().state == "finished"
    append(run, steps[3])
    later = (run / PAGE).stat().st_mtime_ns + 1  # a file system whose clock is coarse may give both the same time
    os.utime(run / MEASUREMENTS, ns=(later, later))
    assert (reader.read().state, reader.read().steps) == ("interrupted", 4)
    (run / MEASUREMENTS).write_bytes(steps[0])
    assert reader.read().steps == 1


def test_report_is_drawn_while_somebody_looks_and_not_too_often(run: Path, steps: list[bytes], drawer: Drawer) -> None:
    clock = Clock()
    live = LiveRun(run, drawer, clock=clock)
    with being_measured(run):
        live.follow()
        assert live.ask(is_visible=True).headline == "Measuring: no step has ended yet"
        append(run, *steps[:6])
        clock.now += LOOKED_AT
        live.follow()
        assert live.version == 0  # nobody looks any more
        live.ask(is_visible=False)
        live.follow()
        assert live.version == 0  # a page in the background
        live.ask(is_visible=True)
        live.follow()
        assert live.version == 1
        first = live.page
        append(run, steps[6])
        clock.now += LEAST_PAUSE - 0.1
        live.ask(is_visible=True)
        live.follow()
        assert live.version == 1  # too soon
        assert "The report below has 6 steps." in live.ask(is_visible=True).detail
        clock.now += 0.1
        live.follow()
        assert live.version == 2
        assert live.page != first
        clock.now += LEAST_PAUSE
        live.ask(is_visible=True)
        live.follow()
        assert live.version == 2  # nothing new
    live.follow()
    state = live.ask(is_visible=False)
    assert (state.headline, state.has_ended) == ("The run was interrupted after 7 steps", True)
    assert f"To continue it: functune sweep --resume {run}" in state.detail
    write_report(RunFolder.open(run))
    live.follow()
    assert live.ask(is_visible=False).headline == "The run has ended: 7 steps"
    assert live.page == (run / "report.html").read_bytes()
    assert not live.is_left(60)
    clock.now += 60
    assert live.is_left(60)


def test_last_report_stays_when_the_next_cannot_be_drawn(run: Path, steps: list[bytes], drawer: Drawer) -> None:
    clock = Clock()
    append(run, *steps[:6])
    with being_measured(run):
        live = LiveRun(run, drawer, clock=clock)
        live.ask(is_visible=True)
        live.follow()
        assert drawer.process is not None
        drawer.process.kill()
        drawer.process.wait()
        append(run, steps[6])
        clock.now += LEAST_PAUSE
        live.ask(is_visible=True)
        live.follow()
        assert live.version == 2  # by another process
        page = live.page
        append(run, b"{}\n")
        clock.now += LEAST_PAUSE
        live.ask(is_visible=True)
        live.follow()
        assert (live.version, live.page) == (2, page)
        assert f"{run / MEASUREMENTS}, line 8: not a measurement" in live.ask(is_visible=True).detail


def test_answer_that_was_not_written_to_its_end_is_no_page() -> None:
    page = b"<p>report</p>"
    whole = msgspec.json.encode(Drawn(size=len(page))) + b"\n" + page
    assert read_drawn(BytesIO(whole + b"next")) == (Drawn(size=len(page)), page)
    assert [read_drawn(BytesIO(whole[:end])) for end in range(len(whole))] == [None] * len(whole)


def test_server_answers_this_machine_with_page_state_and_report(run: Path, steps: list[bytes], drawer: Drawer) -> None:
    append(run, *steps[:6])
    write_report(RunFolder.open(run))
    live = LiveRun(run, drawer)
    with served(live, 0) as url, httpx.Client(base_url=url, trust_env=False, verify=False, timeout=60) as client:
        assert client.get("/report.html").status_code == 404
        live.follow()
        assert client.get("/report.html").content == (run / "report.html").read_bytes()
        page = client.get("/")
        assert page.headers["cache-control"] == "no-store"
        assert str(run) in page.text
        assert client.get("/state.json").json() == {
            "headline": "The run has ended: 6 steps",
            "detail": "This is its report.",
            "version": 1,
            "has_ended": True,
        }
        assert client.get("/environment.json").status_code == 404
        assert client.get("/", headers={"Host": "attacker.example"}).status_code == 403
        assert client.get("/", headers={"Host": "localhost:8000"}).status_code == 200
        port = httpx.URL(url).port
        assert port is not None
        with pytest.raises(UsageError, match=f"--port {port}: Address already in use"), served(live, port):
            pass
