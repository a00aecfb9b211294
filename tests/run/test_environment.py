"""What environment.json holds, and what it must not."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from functune.azure.site_id import PREFIX
from functune.run import environment
from functune.run.environment import Environment, collect_environment, differences


def collected(script_root: Path | None, *, command: Sequence[str] = ("functune",)) -> Environment:
    return collect_environment(script_root=script_root, host="functune local host", host_kind="local", command=command)


def test_environment_names_machine_software_and_command(tmp_path: Path) -> None:
    found = collected(tmp_path, command=["/opt/bin/functune", "sweep"])
    assert found.cpu_count is not None
    assert found.cpu_count >= 1
    assert found.command == "functune sweep"
    assert set(found.versions) == set(environment.PACKAGES)
    assert all(found.versions.values())
    assert found.git_commit is None  # tmp_path is no repository


def test_command_hides_the_home_directory() -> None:
    words = [f"{Path.home()}/.venv/bin/functune", "sweep", "a b.toml", "--out", f"{Path.home()}/runs/1"]
    assert environment.shown_command(words) == "functune sweep 'a b.toml' --out ~/runs/1"


def test_home_directory_is_hidden_only_where_a_path_begins_with_it() -> None:
    home = str(Path.home())
    assert environment.without_home(f"--out={home}/a {home} '{home}/b'") == "--out=~/a ~ '~/b'"
    assert environment.without_home(f"/mnt{home}/a {home}2/b") == f"/mnt{home}/a {home}2/b"


def test_git_commit_marks_uncommitted_changes(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(["git", *identity, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "--quiet", "--message", "one")
    commit = git("rev-parse", "HEAD")
    assert environment.git_commit(tmp_path) == commit
    (tmp_path / "file").write_text("2")
    assert environment.git_commit(tmp_path) == f"{commit}-dirty"


def test_run_on_another_machine_or_software_differs(tmp_path: Path) -> None:
    now = collected(tmp_path)
    later = msgspec.structs.replace(now, started_at="later", load_average=(9.0, 9.0, 9.0), command="another")
    assert differences(now, later) == []
    other = msgspec.structs.replace(now, git_commit="abc", cpu_count=99)
    assert [name for name, _, _ in differences(now, other)] == ["cpu_count", "git_commit"]


def test_another_app_differs_and_its_caches_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("a = 1")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / ".venv").mkdir()
    now = collected(tmp_path)
    (tmp_path / "__pycache__" / "x.py").write_text("")
    (tmp_path / ".venv" / "x.py").write_text("")
    (tmp_path / "notes.txt").write_text("")
    assert differences(now, collected(tmp_path)) == []
    (tmp_path / "function_app.py").write_text("a = 2")
    assert [name for name, _, _ in differences(now, collected(tmp_path))] == ["app_digest"]
    assert collected(None).app_digest is None


def test_mark_of_an_editor_is_no_file_of_the_app(tmp_path: Path) -> None:
    """Emacs marks an open file by a link whose target does not exist."""
    (tmp_path / "function_app.py").write_text("a = 1")
    before = environment.app_digest(tmp_path)
    (tmp_path / ".#function_app.py").symlink_to("user@host.4121:1764158400")
    assert environment.app_digest(tmp_path) == before


@pytest.mark.parametrize(
    ("host", "is_there", "is_elsewhere"),
    [
        ("local", False, False),
        ("https://app.example.org", False, True),
        (f"{PREFIX}/subscriptions/1/resourceGroups/g/providers/Microsoft.Web/sites/a", True, True),
    ],
)
def test_app_on_azure_is_known_by_its_host(host: str, is_there: bool, is_elsewhere: bool) -> None:
    assert Environment(host_kind=host).is_on_azure is is_there
    assert environment.is_elsewhere(host) is is_elsewhere


@pytest.mark.parametrize(
    ("known", "cores"),
    [
        ({"cpu_count": 8, "cpu_affinity": 4, "cpu_quota": 1.5}, 1.5),
        ({"cpu_count": 8, "cpu_affinity": 4, "cpu_quota": None}, 4),
        ({}, None),
    ],
)
def test_usable_cores_are_those_the_run_could_use(known: dict[str, float | None], cores: float | None) -> None:
    found = msgspec.convert(known, Environment)
    assert found.usable_cores == cores
    assert found.machine_cores == cores
    assert msgspec.structs.replace(found, host_kind="https://app.example.org").machine_cores is None


def test_cores_that_a_quota_takes_away_are_said() -> None:
    machine = Environment(cpu_count=2, cpu_affinity=2)
    assert machine.cores_said == "2 cores"
    assert msgspec.structs.replace(machine, cpu_quota=1.0).cores_said == "1 usable of 2 cores"
    assert msgspec.structs.replace(machine, cpu_quota=0.5).cores_said == "0.5 usable of 2 cores"
    assert Environment().cores_said is None
