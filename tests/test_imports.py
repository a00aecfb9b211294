"""The import rule of docs/architecture.md: data flows one way, so imports do too."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "functune"

# What each part may import of functune; anything may import itself.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "environ": set(),
    "formatting": set(),
    "setting": {"formatting"},
    "measurements": {"errors", "setting"},
    "environment": {"errors"},
    "experiments": {"errors", "measurements"},
    "host": {"environ", "errors", "setting"},
    "hosts": {"environ", "errors", "host", "setting"},
    "probe": {"errors"},
    "load": {"environ", "errors", "measurements", "experiments"},
    "analysis": {"errors", "measurements", "experiments"},
    "report": {"errors", "environment", "measurements", "experiments", "analysis"},
    "trials": {"experiments", "measurements", "load"},
    "sweep": {"errors", "environment", "experiments", "measurements", "setting", "hosts", "load", "trials"},
    "planning": {"analysis", "experiments", "measurements", "trials"},
    "progress": {"measurements", "sweep"},
    "cli": {
        "analysis",
        "planning",
        "errors",
        "environ",
        "environment",
        "experiments",
        "host",
        "hosts",
        "probe",
        "sweep",
        "progress",
        "report",
    },
}


def parts() -> list[str]:
    """The modules and folders directly below functune."""
    return sorted(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def imported(part: str) -> set[str]:
    """Parts of functune that ``part`` imports anywhere, inside functions too."""
    path = PACKAGE / part
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("functune.")}
            elif isinstance(node, ast.ImportFrom) and node.module == "functune":
                found |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("functune."):
                found.add(str(node.module).split(".")[1])
    return found - {part}


def test_import_rule_knows_every_part() -> None:
    """A new module of functune is placed in the rule on purpose."""
    assert set(parts()) - {"__init__"} == set(ALLOWED)


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_imports_go_one_way(part: str) -> None:
    assert imported(part) <= ALLOWED[part]


def test_only_the_locustfile_imports_locust() -> None:
    """Importing Locust patches the standard library for gevent."""
    root = PACKAGE.parent
    importing = {
        file.relative_to(root).as_posix()
        for folder in ("functune", "blueprints", "bench")
        for file in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.Import) and any(name.name.split(".")[0] == "locust" for name in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "locust")
    }
    assert importing == {"functune/load/locustfile.py"}


def test_only_the_runtime_seam_imports_the_runtime() -> None:
    importing = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        if "import azure_functions_runtime" in file.read_text() or "from azure_functions_runtime" in file.read_text()
    }
    assert importing == {"host/runtime.py"}


def test_only_environ_reads_the_environment_of_the_lab() -> None:
    """The locustfile is the exception: it is a program of its own, and variables are how it gets its plan."""
    reading = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and ast.unparse(node.value) == "os"
    }
    assert reading == {"environ.py", "load/locustfile.py"}


def test_tools_use_the_local_host_alone_and_nobody_uses_the_tools() -> None:
    root = PACKAGE.parent
    found: dict[str, set[str]] = {}
    for folder in ("functune", "blueprints", "bench", "tools"):
        for file in (root / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                found.setdefault(folder, set()).update(names)
    assert {name for name in found["tools"] if name.startswith("functune")} == {
        *("functune.errors", "functune.hosts.local", "functune.setting")
    }
    others = found["functune"] | found["blueprints"] | found["bench"]
    assert {name for name in others if name.split(".")[0] == "tools"} == set()
