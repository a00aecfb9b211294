"""What stands where in the report: no statistics in it, each name once, and its assets in the package."""

import ast
import tomllib
from collections import defaultdict
from pathlib import Path

import functune.report
from functune.report.assets import asset, theme_colors

ROOT = Path(__file__).parent.parent.parent
REPORT = Path(functune.report.__file__).parent


def modules() -> dict[str, ast.Module]:
    """Every file of the report, by its path."""
    return {path.relative_to(REPORT).as_posix(): ast.parse(path.read_text()) for path in REPORT.rglob("*.py")}


def test_report_computes_no_statistics() -> None:
    """Spreads and intervals come from the analysis, which computes each once."""
    imported = {
        name.split(".")[0]
        for module in modules().values()
        for node in ast.walk(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    assert imported & {"numpy", "scipy", "random", "statistics"} == set()
    assert "msgspec" in imported


def test_each_public_name_of_the_report_is_defined_once() -> None:
    defined = defaultdict(set)
    for file, module in modules().items():
        for node in module.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined[node.name].add(file)
    several = {name for name, files in defined.items() if len(files) > 1}
    assert several <= {"write"}, several  # of the report and of the lessons: callers name the module with it
    assert len(defined) > 150


def test_every_asset_is_in_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["functune.report.assets"]
    folder = REPORT / "assets"
    packaged = {path.name for pattern in patterns for path in folder.glob(pattern)}
    assert packaged == {path.name for path in folder.iterdir() if path.suffix not in {"", ".py"}}
    assert {"report.css", "report.js"} <= packaged
    assert all(asset(name) for name in packaged)


def test_both_themes_have_the_same_colours() -> None:
    light, dark = theme_colors("light"), theme_colors("dark")
    assert light.keys() == dark.keys()
    assert light["page"] != dark["page"]
