"""What stands where in the report: no statistics in it, and its assets in the package."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import functune.report
from functune.report.assets import asset, theme_colors
from functune.report.charts.looks import RAMP

ROOT = Path(__file__).parent.parent.parent
REPORT = Path(functune.report.__file__).parent


def test_report_computes_no_statistics() -> None:
    """Spreads and intervals come from the analysis, which computes each once."""
    imported = {
        name.split(".")[0]
        for file in REPORT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    assert imported & {"numpy", "scipy", "random", "statistics"} == set()
    assert "msgspec" in imported


def test_report_and_search_load_neither_scipy_nor_the_plan() -> None:
    """Loading scipy takes longer than a search does, and as long as a report."""
    script = (
        "import sys, functune.report.files, functune.sweep.planner; "
        "print([name for name in sys.modules if name.startswith(('scipy', 'functune.capacity'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "[]\n"


def test_every_asset_is_in_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["functune.report.assets"]
    folder = REPORT / "assets"
    packaged = {path.name for pattern in patterns for path in folder.glob(pattern)}
    assert packaged == {path.name for path in folder.iterdir() if path.suffix not in {"", ".py"}}
    assert {"base.css", "report.css", "report.js"} <= packaged
    assert all(asset(name) for name in packaged)


def test_both_themes_have_the_same_colours() -> None:
    light, dark = theme_colors("light"), theme_colors("dark")
    assert light.keys() == dark.keys()
    assert light["page"] != dark["page"]
    assert sum(name.startswith("series-") for name in light) == RAMP


def test_every_colour_that_is_used_is_one_of_the_themes() -> None:
    sources = [path for path in REPORT.parent.rglob("*") if path.suffix in {".py", ".css"}]
    used = {name for path in sources for name in re.findall(r"var\(--([a-z0-9-]*[a-z0-9])\)", path.read_text())}
    assert {"ink", "part-0", "series-7"} <= used
    assert used <= set(theme_colors("light"))
