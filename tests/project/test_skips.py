"""The option --allowed-skips fails a run in which a test was skipped for any other reason."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"
SKIPPED_TEST = """
import pytest

def test_passes():
    pass

def test_needs_a_browser():
    pytest.skip("browser is missing")

@pytest.mark.xfail(reason="browser is missing", strict=True)
def test_is_expected_to_fail():
    assert False
"""
SKIPPED_FIXTURE = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("browser is missing")

def test_needs_a_browser(browser):
    pass
"""
SKIPPED_FILE = """
import pytest

pytest.skip("browser is missing", allow_module_level=True)
"""


def run(folder: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Pytest on one file, with the conftest.py of this project."""
    shutil.copy(CONFTEST, folder)
    (folder / "test_it.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "--rootdir", folder, "-c", "/dev/null", "-p", "no:cacheprovider"]
    return subprocess.run([*command, folder, *options], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("code", [SKIPPED_TEST, SKIPPED_FIXTURE, SKIPPED_FILE], ids=["test", "fixture", "file"])
@pytest.mark.parametrize("allowed", ["Bicep CLI|Core Tools", ""])
def test_skip_for_another_reason_fails_the_run(code: str, allowed: str, tmp_path: Path) -> None:
    outcome = run(tmp_path, code, f"--allowed-skips={allowed}")
    assert outcome.returncode != 0
    assert "browser is missing" in outcome.stdout
    assert f"--allowed-skips='{allowed}' does not allow" in outcome.stdout


@pytest.mark.parametrize("code", [SKIPPED_TEST, SKIPPED_FIXTURE], ids=["test", "fixture"])
@pytest.mark.parametrize("options", [[], ["--allowed-skips=brows.r is"]], ids=["no option", "allowed reason"])
def test_skip_is_fine_without_the_option_and_for_an_allowed_reason(
    code: str, options: list[str], tmp_path: Path
) -> None:
    outcome = run(tmp_path, code, *options)
    assert outcome.returncode == 0, outcome.stdout
    assert "1 skipped" in outcome.stdout
