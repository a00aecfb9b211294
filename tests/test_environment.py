"""What environment.json tells, and what it must not."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from functune import environment
from functune.errors import UsageError


def test_environment_names_machine_software_and_command(tmp_path: Path) -> None:
    found = environment.collect(
        script_root=tmp_path, host="functune local host", command=["/opt/bin/functune", "sweep"]
    )
    assert found.cpu_count is not None
    assert found.cpu_count >= 1
    assert found.command == "functune sweep"
    assert set(found.versions) == set(environment.PACKAGES)
    assert all(found.versions.values())
    assert found.git_commit is None  # tmp_path is no repository


def test_command_hides_the_home_directory() -> None:
    words = [f"{Path.home()}/.venv/bin/functune", "sweep", "a b.toml", "--out", f"{Path.home()}/runs/1"]
    assert environment.printable(words) == "functune sweep 'a b.toml' --out ~/runs/1"


@pytest.mark.parametrize(("text", "cores"), [("200000 100000\n", 2.0), ("50000 100000\n", 0.5), ("max 100000\n", None)])
def test_cpu_quota_is_in_cores(text: str, cores: float | None, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert environment.cpu_quota(tmp_path / "cpu.max") == cores


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


def test_run_on_another_machine_or_software_is_told_apart(tmp_path: Path) -> None:
    now = environment.collect(script_root=tmp_path, host="a host", command=["functune"])
    environment.write(tmp_path, now)
    before = environment.read(tmp_path)
    assert before == now
    later = msgspec.structs.replace(now, started_at="later", load_average=(9.0, 9.0, 9.0), command="another")
    assert environment.differences(before, later) == []
    other = msgspec.structs.replace(now, git_commit="abc", cpu_count=99)
    assert [name for name, _, _ in environment.differences(before, other)] == ["cpu_count", "git_commit"]


def test_folder_without_an_environment_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"environment\.json: .*--resume needs the folder of a run"):
        environment.read(tmp_path)
