"""Where the time goes, by line: on the page, in summary.md and in report.json."""

import json
from pathlib import Path

import msgspec
import pytest

from functune.analysis.numbers.hot_lines import profiled_subjects
from functune.errors import RunFolderError
from functune.experiments.subject import Subject
from functune.report.files import write_report
from functune.report.sections.hot_lines import TITLE
from functune.run.folder import RunFolder
from functune.run.profile import PROFILE, Profile, ProfileLine, StepProfile
from functune.setting import Setting
from functune.timing.sampler import INTERVAL
from tests.report.written import run_folder, threads


def line(number: int, seconds: float, *, waits_in: str | None = "time.sleep", on_loop: bool = False) -> ProfileLine:
    return ProfileLine(
        file="shop/<stock>.py",
        line=number,
        function="Stock.reserve",
        state="running" if waits_in is None else "waiting",
        waits_in=waits_in,
        kind="cpu" if waits_in is None else "lock" if "acquire" in waits_in else "sleep",
        on_loop=on_loop,
        seconds=seconds,
        cpu_seconds=seconds if waits_in is None else 0.0,
        stack=("reserve (function_app.py:3)",),
    )


def step(users: int, calls: int, *lines: ProfileLine, thread_count: int = 16) -> StepProfile:
    """One second under the sampler."""
    name = threads()[0].name
    return StepProfile(
        experiment=name,
        subject=threads_subject(),
        setting=Setting(thread_count=thread_count),
        users=users,
        seconds=1.0,
        calls=calls,
        samples=100,
        lines=lines,
    )


def threads_subject() -> Subject:
    return Subject(route=threads()[0].workload.routes[0])


ALONE = step(1, 10, line(2, 0.9), line(9, 0.1, waits_in=None))
LOADED = step(16, 10, line(2, 0.9), line(1, 15.0, waits_in="Lock.acquire"), line(9, 0.1, waits_in=None))


def written(folder: Path, profile: Profile | None) -> Path:
    """The folder of a run with this profile, and its report."""
    experiment, measured = threads()
    run_folder(folder, [experiment], measured)
    if profile is not None:
        (folder / PROFILE).write_bytes(msgspec.json.encode(profile))
    write_report(RunFolder.open(folder))
    return folder


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("run"), Profile(steps=(ALONE, LOADED)))


def test_line_that_grows_most_comes_first() -> None:
    [found] = profiled_subjects(Profile(steps=(ALONE, LOADED)))
    assert [each.line for each in found.lines] == [1, 2, 9]
    first, second, _ = found.lines
    assert (first.seconds_alone, first.seconds_loaded, first.growth) == (0.0, 1.5, 1.5)
    assert first.share_loaded == pytest.approx(15 / 16)
    assert (second.seconds_alone, second.growth) == (pytest.approx(0.09), pytest.approx(0.0))
    assert second.share_alone == pytest.approx(0.9)


def test_share_of_a_call_is_no_more_than_all_of_it() -> None:
    """Ten calls of 100 ms, of which the samples say 1.03 s."""
    [found] = profiled_subjects(Profile(steps=(step(1, 10, line(2, 1.03)),)))
    assert found.lines[0].share_alone == 1.0
    assert found.lines[0].seconds_alone == pytest.approx(0.103)


def test_line_that_takes_longest_comes_first_where_none_grows() -> None:
    alike = step(16, 160, line(9, 1.7, waits_in=None), line(2, 14.4))
    [found] = profiled_subjects(Profile(steps=(ALONE, alike)))
    assert [each.line for each in found.lines] == [2, 9]


def test_load_is_the_step_with_the_most_calls_in_the_handlers() -> None:
    few = step(16, 10, line(2, 0.9), thread_count=1)
    [found] = profiled_subjects(Profile(steps=(ALONE, few, LOADED)))
    assert found.setting == LOADED.setting
    assert found.lines[0].line == 1


def test_growth_is_not_known_without_a_step_of_one_user() -> None:
    [found] = profiled_subjects(Profile(steps=(LOADED,)))
    assert [(each.seconds_alone, each.growth) for each in found.lines] == [(None, None)] * 2
    assert [each.line for each in found.lines] == [1, 2]  # below 1 % of a call, line 9 is not listed


def test_subject_whose_calls_never_ended_has_no_lines() -> None:
    assert profiled_subjects(Profile(steps=(step(1, 0, line(2, 1.0)),))) == ()


def test_page_summary_and_document_show_the_lines(profiled: Path) -> None:
    page = (profiled / "report.html").read_text()
    assert page.count(f"<h3>{TITLE}</h3>") == 1
    assert "<code>shop/&lt;stock&gt;.py:1</code>" in page
    assert "waits in Lock.acquire" in page
    assert "+1.50 s" in page
    [document] = json.loads((profiled / "report.json").read_text())["profile"]
    assert [each["line"] for each in document["lines"]] == [1, 2, 9]
    assert (
        "At 16 users, a call of /api/sync/sleep?ms=100 waits in Lock.acquire for 1.50 s (93.8 %) "
        r"at shop/\<stock\>.py:1 in Stock.reserve." in (profiled / "summary.md").read_text()
    )


def test_page_says_how_often_the_sampler_looked(profiled: Path) -> None:
    assert f"Sampled every {INTERVAL * 1e3:g} ms" in (profiled / "report.html").read_text()


def test_line_that_holds_the_event_loop_is_said(tmp_path: Path) -> None:
    held = step(1, 10, line(2, 0.9, on_loop=True))
    folder = written(tmp_path, Profile(steps=(held,)))
    assert "and holds the event loop" in (folder / "report.html").read_text()
    assert "waits in time.sleep and holds the event loop for 90.0 ms" in (folder / "summary.md").read_text()


def test_report_without_a_profile_has_no_such_section(tmp_path: Path) -> None:
    folder = written(tmp_path, None)
    assert TITLE not in (folder / "report.html").read_text()
    assert "a call of" not in (folder / "summary.md").read_text()
    assert json.loads((folder / "report.json").read_text())["profile"] == []


def test_torn_profile_is_named(tmp_path: Path) -> None:
    experiment, measured = threads()
    run = RunFolder.open(run_folder(tmp_path, [experiment], measured[:1]))
    (run.path / PROFILE).write_text('{"steps": [')
    with pytest.raises(RunFolderError, match=r"profile\.json: cannot be read as a profile: .*; remove it"):
        run.profile()
