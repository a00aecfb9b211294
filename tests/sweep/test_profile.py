"""The profile after a search: its targets, its lines, its files and its failures."""

import asyncio
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from functune.analysis.experiment import analyse
from functune.experiments.model import Experiment, Load, Matrix, Workload
from functune.experiments.subject import Subject
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.hosts.url import RemoteHost
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.run.profile import PROFILE, SPEEDSCOPE, Profile
from functune.setting import Setting
from functune.sweep.profile import ProfileTarget, profile_run, profile_targets
from functune.sweep.profile_lines import SampledRow, WorkerSamples, lines_between
from tests.analysis.simulated import planned, sweep
from tests.timing.sampled import SHOP, marked_line


def asked(*routes: str) -> Experiment:
    return Experiment(
        name="shop",
        question="Where does the time go?",
        workload=Workload(routes=routes),
        settings=Matrix(thread_count=(8,)),
        load=Load(users=(1, 8), warm_up=0.2, measure=1.0),
    )


def run_folder(path: Path, experiment: Experiment, app: Path = SHOP) -> RunFolder:
    here = collect_environment(script_root=app, host=LOCAL_HOST.name, host_kind="local", command=["functune"])
    return RunFolder.create(path, [experiment], here)


def target(experiment: Experiment, route: str, *users: int, process_count: int = 1) -> ProfileTarget:
    setting = Setting(thread_count=8, process_count=process_count)
    return ProfileTarget(experiment, Subject(route=route), setting, users)


class Profiled(NamedTuple):
    """A profile, the run folder in which it was written, and the notes about it."""

    profile: Profile
    folder: RunFolder
    said: list[str]


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Profiled:
    """One user, then more than there are threads, call a handler that works under a lock, in two processes."""
    experiment, said = asked("/api/lock"), list[str]()
    folder = run_folder(tmp_path_factory.mktemp("locked") / "run", experiment)
    wanted = [target(experiment, "/api/lock", 1, 32, process_count=2)]
    profiling = profile_run(folder, wanted, app=ServedApp(SHOP), kind=LOCAL_HOST, on_note=said.append)
    return Profiled(asyncio.run(profiling), folder, said)


def test_profile_names_the_line_and_its_seconds_per_call(locked: Profiled) -> None:
    """In each process one call has the lock, and those in its seven other threads wait. The others have no thread."""
    assert locked.said == ["Profiling /api/lock with 8 threads in 2 processes, about 5 s"]
    assert locked.folder.profile() == locked.profile
    alone, loaded = locked.profile.steps
    assert (alone.users, loaded.users) == (1, 32)
    line = loaded.lines[0]
    assert f"{line.file}:{line.line}" == marked_line(SHOP, "lock")
    assert (line.kind, line.waits_in) == ("lock", "Lock.acquire")
    assert loaded.seconds_per_call(line) == pytest.approx(2 * 7 / 32 * loaded.seconds_a_call, rel=0.15)
    assert sum(each.seconds for each in alone.lines if each.kind == "lock") < 0.1 * alone.seconds
    assert locked.folder.measurements() == []


def test_speedscope_file_has_a_sampled_profile_for_each_step(locked: Profiled) -> None:
    """https://www.speedscope.app/file-format-schema.json"""
    written = msgspec.json.decode((locked.folder.path / SPEEDSCOPE).read_bytes())
    assert written["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = [frame["name"] for frame in written["shared"]["frames"]]
    assert len(written["profiles"]) == len(locked.profile.steps) == 2
    innermost = []
    for made, step in zip(written["profiles"], locked.profile.steps, strict=True):
        assert (made["type"], made["unit"], made["startValue"]) == ("sampled", "seconds", 0)
        assert made["weights"] == [line.seconds for line in step.lines]
        assert made["endValue"] == pytest.approx(sum(made["weights"]))
        innermost.append([frames[place] for place in made["samples"][0]][-1])
    assert innermost == ["[waits: time.sleep]", "[waits: Lock.acquire]"]


async def test_failure_is_noted_and_the_next_subject_profiled(tmp_path: Path) -> None:
    """The first experiment's app cannot be loaded with its setting."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text("raise RuntimeError('not today')")
    experiment = asked("/api/lock")
    folder = run_folder(tmp_path / "run", experiment, app)
    said: list[str] = []
    wanted = [target(experiment, "/api/lock", 1), target(experiment, "/api/other", 1)]
    profile = await profile_run(folder, wanted, app=ServedApp(app), kind=LOCAL_HOST, on_note=said.append)
    assert profile.steps == ()
    assert len(profile.notes) == 2
    assert profile.notes[0].startswith("shop: /api/lock with 8 threads in 1 process could not be profiled: ")
    assert "not today" in profile.notes[0]
    assert said[1::2] == list(profile.notes)
    assert folder.profile() == profile


async def test_host_without_a_sampler_has_no_profile_and_says_so(tmp_path: Path) -> None:
    experiment = asked("/api/lock")
    folder = run_folder(tmp_path / "run", experiment)
    said: list[str] = []
    kind = RemoteHost("http://127.0.0.1:9", key=None, route="/")
    wanted = [target(experiment, "/api/lock", 1)]
    assert await profile_run(folder, wanted, app=ServedApp(SHOP), kind=kind, on_note=said.append) == Profile()
    assert said == [f"No profile by line: {kind.name} has no sampler in its workers; the local host has"]
    assert not (folder.path / PROFILE).exists()


def test_subject_whose_recommended_setting_is_the_most_crowded_is_profiled_once_alone_and_crowded() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16, 64), process_count=(1,)))
    findings = analyse(experiment, sweep(experiment))
    [subject] = findings.subjects
    assert subject.recommended is not None
    [only] = profile_targets([findings])
    assert only.setting == subject.recommended.setting == Setting(thread_count=64)
    assert only.users == (1, subject.recommended.best.users)
    assert only.load.users == only.users


def test_handler_for_which_few_threads_are_recommended_is_also_profiled_at_its_most_crowded_level() -> None:
    """Threads make no difference here, so one is recommended: its calls never meet in the handler."""
    experiment = planned(settings=Matrix(thread_count=(1, 16), process_count=(1,)))
    few = [each for each in sweep(experiment) if each.setting.thread_count == 1]
    many = [msgspec.structs.replace(each, setting=Setting(thread_count=16)) for each in few]
    findings = analyse(experiment, [*few, *many])
    first, second = profile_targets([findings])
    assert first.setting == Setting(thread_count=16)
    assert second.setting == Setting(thread_count=1)
    assert first.users == (1, max(level.users for level in findings.levels))


def row(*, kind: str = "other", waits_in: str | None, seconds: float, cpu: float, certain: bool = False) -> SampledRow:
    return SampledRow(
        file="a.py",
        line=1 if waits_in is None else 2,
        function="f",
        kind=kind,  # type: ignore[arg-type]
        waits_in=waits_in,
        is_certain=certain,
        on_loop=False,
        stack=(),
        slices={10: (seconds, cpu, 10)},
    )


def worker(*rows: SampledRow, cpu: float, clocks: bool = True) -> WorkerSamples:
    """A worker that was sampled for a second, from 10 s to 11 s."""
    process = {10: (1.0, cpu, 100)}
    return WorkerSamples(period=1, pid=7, slice=1.0, error=None, has_thread_clocks=clocks, process=process, rows=rows)


@pytest.mark.parametrize(
    ("name", "threads", "cpu", "state"),
    [
        ("hashlib.sha256", 1, 0.9, "running"),
        ("hashlib.sha256", 8, 1.9, "running"),
        ("zlib.compress", 1, 0.02, "waiting"),
        ("cursor.execute", 8, 0.1, "waiting"),
        ("cursor.execute", 1, 0.95, "running"),
    ],
)
def test_cpu_time_decides_whether_an_unknown_function_in_c_computes(
    name: str, threads: int, cpu: float, state: str
) -> None:
    """Eight threads that hash on two cores get a quarter of a core each."""
    [line] = lines_between([worker(row(waits_in=name, seconds=threads, cpu=cpu), cpu=cpu)], 10, 11)
    assert line.state == state
    assert line.kind == ("cpu" if state == "running" else "other")
    assert line.cpu_seconds == (cpu if state == "running" else 0)


@pytest.mark.parametrize(("name", "state"), [("zlib.compress", "running"), ("cursor.execute", "waiting")])
def test_name_decides_where_threads_have_no_cpu_time(name: str, state: str) -> None:
    [line] = lines_between([worker(row(waits_in=name, seconds=1, cpu=0.0), cpu=0.9, clocks=False)], 10, 11)
    assert line.state == state


def test_slice_at_the_edge_of_a_window_is_not_counted() -> None:
    """It has samples of the next step as well; the others stand for the whole window."""
    samples = worker(row(waits_in="time.sleep", kind="sleep", seconds=2.0, cpu=0.0, certain=True), cpu=0.0)
    [line] = lines_between([samples, samples], 9.75, 11.25)
    assert line.seconds == pytest.approx(2 * 2.0 * 1.5)
    assert lines_between([samples], 10.25, 12) == ()
    assert lines_between([samples], 10.25, 10.75) == ()
