"""One name, one meaning: a public name is defined in one module."""

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "functune"
DECLARED = {"STARTED", "CHART", "app"}
"""Names that modules share, so that a registry or a web server finds what they declare."""


def modules() -> list[Path]:
    """The modules whose names are to be unique."""
    return sorted(PACKAGE.rglob("*.py"))


def defined(module: Path) -> set[str]:
    """The public functions, classes, constants and types that a module defines at its top level."""
    names: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.TypeAlias(name=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case _:
                pass
    return {name for name in names if not name.startswith("_")}


def test_public_names_are_defined_in_one_module() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for module in modules():
        for name in defined(module):
            places[name].append(module.relative_to(PACKAGE).as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1 and name not in DECLARED} == {}


def test_names_are_found_in_every_kind_of_definition(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "import os\nA = 1\nB: int = 2\ntype C = int\ndef d(): e = 1\nasync def f(): ...\nclass G: h = 1\n_i = 3\n"
    )
    assert defined(tmp_path / "a.py") == {"A", "B", "C", "d", "f", "G"}
