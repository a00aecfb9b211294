"""``functune watch`` and ``functune open``."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest

from functune.report.files import write_report
from functune.run.folder import ENVIRONMENT, RunFolder
from functune.run.measuring import being_measured
from tests.cli.calling import command, functune, imported, in_process
from tests.cli.test_main import HEAVY
from tests.host.serving import wait_until
from tests.report.written import run_folder, threads


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run, and an older one without a report."""
    folder = tmp_path_factory.mktemp("written")
    experiment, measured = threads()
    finished = run_folder(folder / "runs" / "b-new", [experiment], measured[:2])
    write_report(RunFolder.open(finished))
    old = run_folder(folder / "runs" / "c-old", [experiment], measured[:2])
    for file in old.iterdir():
        os.utime(file, (1, 1))
    return folder


@pytest.fixture
def here(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, as the working directory."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_open_shows_the_newest_report_in_the_browser_that_is_chosen(here: Path) -> None:
    browser = here / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {here}/opened\n')
    browser.chmod(0o755)
    url = (here / "runs" / "b-new" / "report.html").as_uri()
    done = functune("open", BROWSER=f"{browser} %s")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{url}\n", "")
    assert (here / "opened").read_text() == url
    (here / "opened").unlink()
    assert functune("open", "--print", BROWSER=f"{browser} %s").stdout == f"{url}\n"
    assert not (here / "opened").exists()


def test_open_prints_the_place_where_there_is_no_browser(here: Path) -> None:
    nowhere = {"BROWSER": "/nonexistent/browser %s", "PATH": "/nonexistent", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    done = functune("open", PYTHONPROFILEIMPORTTIME="1", **nowhere)
    assert done.returncode == 0
    assert done.stdout.startswith("file://")
    assert "No browser could be opened: open this place yourself." in done.stderr
    assert "functune.run.folder" in imported(done)
    assert imported(done) & HEAVY == set()  # it draws nothing


def test_run_without_a_report_says_how_to_get_one(here: Path) -> None:
    done = in_process("open", "runs/c-old")
    assert done.returncode == 3
    assert "`functune watch runs/c-old` shows it while it is measured" in done.stderr


@pytest.mark.parametrize("name", ["open", "watch"])
def test_no_run_at_all_is_wrong_usage(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = in_process(name)
    assert done.returncode == 2
    assert f"there is no run in {tmp_path / 'runs'}: name the folder of a run" in done.stderr


def test_watch_ends_by_itself_once_the_run_has_ended_and_nobody_asks(here: Path) -> None:
    done = functune("watch", "--linger", "0", PYTHONPROFILEIMPORTTIME="1")
    assert (done.returncode, re.sub(r"^import time:.*\n", "", done.stderr, flags=re.MULTILINE)) == (0, "")
    assert "functune.watch.server" in imported(done)
    assert imported(done) & HEAVY == set()  # another process draws
    assert done.stdout.startswith("Live page of runs/b-new: http://127.0.0.1:")


def test_watch_follows_a_run_until_it_is_interrupted(here: Path) -> None:
    run = here / "runs" / "b-new"
    before = {file.name: file.read_bytes() for file in run.iterdir()}
    watch = subprocess.Popen(
        command("watch", run, "--linger", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A background job of a shell ignores SIGINT, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with watch, being_measured(run):
        try:
            assert watch.stdout is not None
            url = watch.stdout.readline().split()[-1]
            state = f"{url}state.json?visible=1"
            drawn = wait_until(
                lambda: httpx.get(state, trust_env=False, verify=False, timeout=60).json()["version"],
                "drawing",
                timeout=300,
            )
            assert drawn == 1
            assert "How many" in httpx.get(f"{url}report.html", trust_env=False, verify=False, timeout=60).text
            children = psutil.Process(watch.pid).children(recursive=True)
            assert [child.nice() for child in children] == [19]
            watch.send_signal(signal.SIGINT)
            _, said = watch.communicate(timeout=120)
        finally:
            watch.kill()
    assert (watch.returncode, said) == (0, "")
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert {file.name: file.read_bytes() for file in run.iterdir()} == before


def test_watch_says_that_the_run_was_removed(here: Path) -> None:
    run = here / "runs" / "b-new"
    watch = subprocess.Popen(command("watch", run), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with watch:
        try:
            assert watch.stdout is not None
            assert "Live page of" in watch.stdout.readline()
            (run / ENVIRONMENT).unlink()
            _, said = watch.communicate(timeout=120)
        finally:
            watch.kill()
    assert watch.returncode == 3
    assert said == f"functune: {run} cannot be watched any more: {run / ENVIRONMENT} is gone\n"


def test_watch_of_another_folder_is_refused(tmp_path: Path) -> None:
    done = in_process("watch", tmp_path)
    assert done.returncode == 3
    assert f"{tmp_path} is not a run folder: it has no {ENVIRONMENT}" in done.stderr
