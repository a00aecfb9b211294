"""``--install``: environments from requirements.txt, made once and never left half made."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from functune.packages.install import installed_environment
from functune.packages.interpreter import own_interpreter
from tests.cli.calling import in_process
from tests.host.serving import Serving, is_alive, wait_until
from tests.packages.places import PACKAGE_FOLDER, after_installing, copied_app

UV = """#!/bin/sh
# A stand-in for uv, which makes an environment only once it is let go.
echo "uv $1" >> "{log}"
for folder; do :; done
if [ "$1" = venv ]; then
    mkdir -p "$folder/half"
    sh -c 'echo $$ > "{log}.new"; mv "{log}.new" "{log}.pid"; while [ ! -e "{go}" ]; do sleep 0.05; done'
    rm -rf "$folder"
    "{python}" -m venv --without-pip "$folder"
    echo "uv venv made" >> "{log}"
fi
"""

UV_STEPS = ["uv venv", "uv venv made", "uv pip"]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app whose requirements.txt asks for nothing, which needs no package index."""
    app = copied_app(tmp_path / "app")
    (app / "requirements.txt").write_text("# nothing\n")
    return app


def environments(cache: Path) -> list[Path]:
    """The folders of the environments of apps, complete or not."""
    return [folder for folder in (cache / "functune" / "apps").glob("*") if folder.is_dir()]


def installing(app: Path, cache: Path, **environ: str) -> subprocess.Popen[str]:
    """A serve --install that is still installing."""
    command = [sys.executable, "-P", "-m", "functune.cli", "serve", "--script-root", str(app), "--port", "0"]
    return subprocess.Popen(
        [*command, "--install"],
        env={**os.environ, "XDG_CACHE_HOME": str(cache), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def stand_in_uv(folder: Path) -> dict[str, str]:
    """The stand-in on the PATH; the file ``go`` in the folder lets it go on."""
    (folder / "bin").mkdir()
    uv = folder / "bin" / "uv"
    uv.write_text(UV.format(log=folder / "log", go=folder / "go", python=sys.executable))
    uv.chmod(0o755)
    return {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}


def test_environment_is_made_once_for_the_content_of_the_file(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"XDG_CACHE_HOME": str(tmp_path), **stand_in_uv(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "go").touch()
    made, said, installations = [], list[str](), []
    for content in ("# nothing\n", "# nothing\n", "# nothing else\n"):
        (app / "requirements.txt").write_text(content)
        made.append(installed_environment(app, own_interpreter(), said.append).path)
        installations.append(len([line for line in said if line.startswith("Installing ")]))
    assert made[0] == made[1] != made[2]
    assert installations == [1, 1, 2]
    with Serving(app, "--install") as host:
        assert host.ready().get("/api/interpreter").json()["prefix"] == str(made[2])
        assert "Installing " not in host.text
    assert sorted(set(made)) == sorted(environments(tmp_path))
    assert (tmp_path / "log").read_text().split("\n") == [*UV_STEPS * 2, ""]


def test_failed_installation_shows_the_last_lines_of_pip_and_leaves_nothing(app: Path, tmp_path: Path) -> None:
    (app / "requirements.txt").write_text("./no-such-folder\n")
    path = os.pathsep.join(folder for folder in os.get_exec_path() if not (Path(folder) / "uv").exists())
    with Serving(app, "--install", XDG_CACHE_HOME=str(tmp_path), PATH=path) as host:
        assert after_installing(host).ended() == 1
        said = host.text.rpartition("functune: ")[2]
        assert said.startswith(f"the packages of {app} cannot be installed: ")
        assert "-m pip --python" in said
        assert "ended with 1; its last lines:" in said
        assert "no-such-folder" in said.splitlines()[-1]
        assert "Traceback" not in host.text
    assert environments(tmp_path) == []


def test_environment_that_a_killed_process_left_is_made_again(app: Path, tmp_path: Path) -> None:
    """Its installer still runs and would write into the new one, so that is waited for first."""
    uv = stand_in_uv(tmp_path)
    with installing(app, tmp_path, **uv) as first:
        wait_until((tmp_path / "log.pid").exists, "installer")
        installer = int((tmp_path / "log.pid").read_text())
        first.send_signal(signal.SIGKILL)
        first.wait(30)
    assert is_alive(installer)
    [left] = environments(tmp_path)
    assert (left / "half").exists()
    with installing(app, tmp_path, **uv) as second:
        assert second.stdout is not None
        try:
            assert second.stdout.readline() == f"Waiting for another process that makes {left}\n"
            (tmp_path / "go").touch()
            assert any("listening on" in line for line in second.stdout)
        finally:
            second.send_signal(signal.SIGTERM)
            second.stdout.read()
    assert environments(tmp_path) == [left]
    assert (tmp_path / "log").read_text().split("\n") == [*UV_STEPS[:2], *UV_STEPS, ""]
    assert not (left / "half").exists()
    assert not is_alive(installer)


def test_interrupted_installation_ends_its_installer_and_leaves_nothing(app: Path, tmp_path: Path) -> None:
    with installing(app, tmp_path, **stand_in_uv(tmp_path)) as process:
        wait_until((tmp_path / "log.pid").exists, "installer")
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        finally:
            process.kill()
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()
    assert process.returncode != 0
    installer = int((tmp_path / "log.pid").read_text())
    wait_until(lambda: not is_alive(installer), "end of the installer")  # it was killed, and ends when it gets a core
    assert environments(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda app: (app / "requirements.txt").unlink(), "has no requirements.txt; write one"),
        (lambda app: (app / PACKAGE_FOLDER).mkdir(parents=True), "exists and comes first, as on Azure; omit --install"),
    ],
)
def test_install_that_has_no_use_is_a_usage_error(app: Path, change: object, cause: str) -> None:
    change(app)  # type: ignore[operator]
    with Serving(app, "--install") as host:
        assert host.ended() == 2
        assert host.text.startswith("functune: --install: ")
        assert cause in host.text


def test_cache_folder_that_cannot_be_written_is_named_with_its_variable(app: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Serving(app, XDG_CACHE_HOME=str(tmp_path / "file")) as host:
        assert host.ended() == 1
        assert host.text.startswith(f"functune: the cache folder {tmp_path}/file/functune cannot be written: ")
        assert "XDG_CACHE_HOME" in host.text


EXPERIMENT = """
name = "one"
question = "Does it run?"
[workload]
routes = ["/api/modules"]
think_time = 0.05
[settings]
thread_count = [1]
process_count = [1]
[load]
users = [1]
warm_up = 0.2
measure = 1
repeats = 1
"""


def test_sweep_measures_with_the_installed_packages_and_resumes_with_them(app: Path, tmp_path: Path) -> None:
    uv = stand_in_uv(tmp_path)
    (tmp_path / "go").touch()
    (tmp_path / "one.toml").write_text(EXPERIMENT)

    def sweep(*arguments: object) -> subprocess.CompletedProcess[str]:
        return in_process("sweep", *arguments, XDG_CACHE_HOME=str(tmp_path), **uv)

    run = tmp_path / "run"
    done = sweep(
        tmp_path / "one.toml", "--script-root", app, "--install", "--out", run, "--no-profile", "--no-calibration"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [made] = environments(tmp_path)
    assert json.loads((run / "environment.json").read_text())["app_python"] == f"{made}/bin/python"
    refused = sweep("--resume", run, "--install")
    assert (refused.returncode, refused.stderr) == (
        2,
        "functune: --install with --resume: a run continues as it was begun; omit it, or begin another run\n",
    )
