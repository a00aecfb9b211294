"""The option --allowed-skips fails a run in which a test was skipped for any other reason."""

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


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Pytest on FILES with the conftest.py of this project; it goes on after a file that cannot be collected."""
    shutil.copy(CONFTEST, folder)
    for name, code in FILES.items():
        (folder / name).write_text(code)
    command = [sys.executable, "-m", "pytest", "--rootdir", folder, "-c", "/dev/null", "-rA"]
    return subprocess.run(
        [*command, "--continue-on-collection-errors", folder, *options],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("allowed", ["Bicep CLI|Core Tools", ""], ids=["another reason", "no reason"])
def test_skip_that_is_not_allowed_fails_the_run(allowed: str, tmp_path: Path) -> None:
    outcome = run(tmp_path, f"--allowed-skips={allowed}")
    assert outcome.returncode != 0
    assert sorted(re.findall(r"^(?:FAILED|ERROR) (\S+)", outcome.stdout, re.MULTILINE)) == SKIPPED
    assert f"browser is missing\n--allowed-skips='{allowed}' does not allow" in outcome.stdout
    assert "1 passed, 1 xfailed" in outcome.stdout


@pytest.mark.parametrize("options", [[], ["--allowed-skips=brows.r is"]], ids=["no option", "this reason"])
def test_skip_is_fine_without_the_option_and_for_an_allowed_reason(options: list[str], tmp_path: Path) -> None:
    outcome = run(tmp_path, *options)
    assert outcome.returncode == 0, outcome.stdout
    assert "1 passed, 4 skipped, 1 xfailed" in outcome.stdout
