"""Completion, as shells ask for it: for some words the script is sourced in Bash, which calls the installed command."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from functune.cli import main
from functune.cli.bash_words import WholeWordBash
from functune.cli.completion import COMPLETED_PROGRAM, COMPLETION_VARIABLE
from functune.hosts.registry import STARTED_KINDS
from tests.analysis.simulated import planned
from tests.analysis.simulated import sweep as simulated_sweep
from tests.cli.calling import functune, in_process
from tests.cli.test_runs import run_folder

PROGRAMS = Path(sys.executable).parent
"""The folder of the command ``functune``."""
ASK = """
source "$1"; shift
IFS=$' \\n'
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
compopt() { printf 'compopt %s %s\n' "$@"; }  # a builtin that Bash allows inside of a completion alone
eval "$(complete -p functune | sed -E 's/.* -F ([^ ]+) .*/\\1/') functune"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of Bash."""
    path = tmp_path_factory.mktemp("completion") / "functune.bash"
    path.write_text(functune("completion", "bash").stdout)
    return path


def completed(script: Path, folder: Path, *words: str) -> list[str]:
    """What Bash offers for the last of the words, in a folder."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", script, "functune", *words],
        cwd=folder,
        # Bash warns on stderr of a locale that the machine lacks; this one is always there.
        env={**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n")[:-1]


def offered(folder: Path, *words: str) -> list[str]:
    """The values that the command answers Bash with for the last of the words, in a folder; asked in this process."""
    asked = {"COMP_WORDS": " ".join(["functune", *words]), "COMP_CWORD": str(len(words))}
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
        for name, value in asked.items():
            patch.setenv(name, value)
        answer = WholeWordBash(main, {}, COMPLETED_PROGRAM, COMPLETION_VARIABLE).complete()
    return [line.partition(",")[2] for line in answer.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with experiments and with two runs, the one that is called older being the older one."""
    here = tmp_path_factory.mktemp("here")
    experiment = planned(name="orders", users=(1, 4))
    for name, moment in (("a-newer", 2_000_000_000), ("b-older", 1_900_000_000)):
        made = run_folder(here / "runs" / name, experiment, simulated_sweep(experiment))
        for file in made.iterdir():
            os.utime(file, (moment, moment))
    (here / "runs" / "no-run").mkdir()
    (here / "experiments").mkdir()
    (here / "experiments" / "orders.toml").write_text("")
    return here


def test_commands_and_options(script: Path, folder: Path) -> None:
    assert set(completed(script, folder, "re")) == {"report", "recommend"}
    assert set(offered(folder, "")) == set(main.commands)
    assert "--traffic" in offered(folder, "plan", "--")


def test_runs_are_offered_newest_first_and_other_folders_where_none_fits(script: Path, folder: Path) -> None:
    assert completed(script, folder, "report", "") == ["runs/a-newer", "runs/b-older"]
    assert offered(folder, "sweep", "--resume", "runs/b") == ["runs/b-older"]
    assert completed(script, folder, "report", "elsewhere/") == ["compopt -o dirnames", ""]


def test_experiments(folder: Path) -> None:
    assert offered(folder, "sweep", "") == ["experiments/orders.toml"]
    assert offered(folder, "recommend", "runs/a-newer", "--experiment", "") == ["orders"]
    assert offered(folder, "recommend", "runs/no-run", "--experiment", "") == []


def test_values_of_options(folder: Path) -> None:
    assert offered(folder, "recommend", "x", "--plan", "app") == ["app-service"]
    assert offered(folder, "recommend", "x", "--plan", "container-apps", "--size", "0.2") == ["0.25"]
    assert set(STARTED_KINDS) <= set(offered(folder, "sweep", "--host", ""))
    assert offered(folder, "completion", "z") == ["zsh"]


def test_host_with_a_colon_at_which_bash_ends_a_word(script: Path, folder: Path) -> None:
    assert completed(script, folder, "sweep", "--host", "gunicorn", ":", "gt") == ["gthread"]
    assert "gthread" in offered(folder, "sweep", "--host", "gunicorn", ":")
    assert offered(folder, "tune", "/a", "--host", "=", "uvi") == ["uvicorn"]


@pytest.mark.parametrize(("shell", "words"), [("zsh", "functune rec"), ("fish", "functune rec")])
def test_scripts_of_the_other_shells_ask_in_the_way_that_is_answered(shell: str, words: str, folder: Path) -> None:
    """The variables that the script sets are those with which the command completes."""
    text = functune("completion", shell).stdout
    assert f"_FUNCTUNE_COMPLETE={shell}_complete" in text
    asked = {"_FUNCTUNE_COMPLETE": f"{shell}_complete", "COMP_WORDS": words}
    asked["COMP_CWORD"] = "rec" if shell == "fish" else "1"
    program = shutil.which("functune", path=PROGRAMS)
    assert program is not None
    done = subprocess.run(
        [program], env={**os.environ, **asked}, capture_output=True, text=True, timeout=60, check=True
    )
    assert "recommend" in done.stdout
    assert "report" not in done.stdout


def test_unknown_shell_is_refused_with_those_that_are_known() -> None:
    done = in_process("completion", "tcsh")
    assert done.returncode == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in done.stderr
