"""The report computes no statistics: every figure and interval that it shows comes from the analysis."""

import ast
from pathlib import Path

import functune.report


def test_report_imports_no_library_for_statistics() -> None:
    files = sorted(Path(functune.report.__path__[0]).rglob("*.py"))
    assert len(files) > 30
    imported = {name.split(".")[0] for file in files for name in imports_of(file)}
    assert "msgspec" in imported
    assert imported.isdisjoint({"numpy", "scipy", "statistics", "random"})


def imports_of(file: Path) -> set[str]:
    """The modules that a file imports, also inside of functions."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
