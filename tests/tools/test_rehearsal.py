"""The rehearsal of the remote build serves every route, and sees what would fail on Azure."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tools.package import ROOT, build
from tools.rehearsal import RehearsalError, check_imports, rehearse, serve_and_call, unpack


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The zip of this repository's app."""
    build(ROOT, tmp_path / "app.zip")
    return tmp_path / "app.zip"


@pytest.fixture
def tree(package: Path, tmp_path: Path) -> Path:
    """The same, unpacked; its packages are not installed."""
    unpack(package, tmp_path / "tree")
    return tmp_path / "tree"


@pytest.mark.network
@pytest.mark.usefixtures("index")
def test_package_serves_every_route_from_its_own_tree(package: Path, tmp_path: Path) -> None:
    lines = rehearse(package, tmp_path / "built")
    assert sum(line.startswith("200") for line in lines) >= 14
    installed = tmp_path / "built" / ".python_packages" / "lib" / "site-packages"
    assert {"azure", "httpx"} <= {folder.name for folder in installed.iterdir()}


def test_package_that_requirements_forget_is_seen(tree: Path) -> None:
    """Nothing is installed in the tree, and what this environment has does not count."""
    with pytest.raises(RehearsalError, match="No module named 'azure'"):
        check_imports(tree)


def test_module_imported_inside_a_function_is_looked_for_too(tree: Path) -> None:
    (tree / "function_app.py").write_text("def late():\n    import not_there\n")
    for file in tree.glob("blueprints/*.py"):
        file.unlink()
    with pytest.raises(RehearsalError, match="No module named 'not_there'"):
        check_imports(tree)


def test_route_the_rehearsal_does_not_know_is_seen(tree: Path) -> None:
    added = "\n\n@app.route('extra')\ndef extra(req: func.HttpRequest) -> str:\n    return ''\n"
    (tree / "function_app.py").write_text((tree / "function_app.py").read_text() + added)
    with pytest.raises(RehearsalError, match="extra"):
        asyncio.run(serve_and_call(tree))


def test_route_that_fails_is_seen(tree: Path) -> None:
    health = tree / "blueprints" / "health.py"
    health.write_text(health.read_text().replace('"status": "healthy",', '"status": 1 / 0,'))
    with pytest.raises(RehearsalError, match="GET /api/health answered 500, not 200"):
        asyncio.run(serve_and_call(tree))


def test_command_says_what_is_no_package_and_how_to_build_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.rehearsal", str(tmp_path / "none.zip")]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 1
    assert "build it with python -m tools.package" in outcome.stderr
    assert "Traceback" not in outcome.stderr
