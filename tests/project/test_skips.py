"""The option --allowed-skips fails a run in which a test was skipped for any other reason."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"
FILES = {
    "test_skipping.py": """
import pytest

@pytest.fixture
def browser():
    pytest.skip("browser is missing")

def test_with_fixture(browser):
    pass

def test_itself():
    pytest.skip("browser is missing")

@pytest.mark.skipif(True, reason="browser is missing")
def test_with_mark():
    pass

def test_passes():
    pass

@pytest.mark.xfail(reason="browser is missing", strict=True)
def test_is_expected_to_fail():
    assert False
""",
    "test_skipped_file.py": """
import pytest

pytest.skip("browser is missing", allow_module_level=True)
""",
}
SKIPPED = [
    "test_skipped_file.py",
    *(f"test_skipping.py::test_{name}" for name in ("itself", "with_fixture", "with_mark")),
]


RUNS = {
    "another reason": ["--allowed-skips=Bicep CLI|Core Tools"],
    "no reason": ["--allowed-skips="],
    "no option": [],
    "this reason": ["--allowed-skips=brows.r is"],
}
# One process imports pytest, and forks one for each run: its exit status, and a file with what it says.
FORKS = """
import json, os, sys
import hypothesis, pytest
codes = {}
for name, arguments in json.loads(sys.argv[1]).items():
    if not (pid := os.fork()):
        os.dup2(os.open(f"{name}.log", os.O_CREAT | os.O_WRONLY), 1)
        sys.exit(pytest.main(arguments))
    codes[name] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps(codes))
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Pytest on FILES with the conftest.py of this project: status and output of each run."""
    folder = tmp_path_factory.mktemp("skips")
    shutil.copy(CONFTEST, folder)
    for name, code in FILES.items():
        (folder / name).write_text(code)
    # It goes on after a file that cannot be collected.
    shared = ["--rootdir", str(folder), "-c", "/dev/null", "-rA", "--continue-on-collection-errors", str(folder)]
    runs = {name: [*shared, *options] for name, options in RUNS.items()}
    outcome = subprocess.run(
        [sys.executable, "-c", FORKS, json.dumps(runs)],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return {name: (code, (folder / f"{name}.log").read_text()) for name, code in json.loads(outcome.stdout).items()}


@pytest.mark.parametrize("name", ["another reason", "no reason"])
def test_skip_that_is_not_allowed_fails_the_run(name: str, ended: dict[str, tuple[int, str]]) -> None:
    code, said = ended[name]
    allowed = RUNS[name][0].removeprefix("--allowed-skips=")
    assert code != 0
    assert sorted(re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)) == SKIPPED
    assert f"browser is missing\n--allowed-skips='{allowed}' does not allow" in said
    assert "1 passed, 1 xfailed" in said


@pytest.mark.parametrize("name", ["no option", "this reason"])
def test_skip_is_fine_without_the_option_and_for_an_allowed_reason(
    name: str, ended: dict[str, tuple[int, str]]
) -> None:
    code, said = ended[name]
    assert code == 0, said
    assert "1 passed, 4 skipped, 1 xfailed" in said
