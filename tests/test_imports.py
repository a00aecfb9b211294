"""The import rule of docs/architecture.md: data flows one way, so imports do too."""

import ast
import functools
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.rooms import PAGE, ROOMS, Room, with_table

PACKAGE = Path(__file__).parent.parent / "functune"

ROOM_NAMES = [room.name for room in ROOMS]


def room_of(path: str) -> str:
    """The room that a module belongs to, by its path below functune without ``.py``."""
    fitting = [name for name in ROOM_NAMES if path == name or path.startswith(f"{name}/")]
    assert fitting, f"functune/{path}.py is in no room of tools/rooms.py"
    return max(fitting, key=len)


@functools.cache
def modules() -> dict[str, Path]:
    """Every module of functune by its path without ``.py``; a package by its folder."""
    paths = sorted(PACKAGE.rglob("*.py"))
    named = {path.relative_to(PACKAGE).as_posix().removesuffix(".py").removesuffix("/__init__"): path for path in paths}
    return {name: path for name, path in named.items() if name != "__init__"}


@functools.cache
def imports_of(file: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """The imports of a file, inside functions too; many tests ask for them."""
    return tuple(
        each for each in statements(ast.parse(file.read_text())) if isinstance(each, ast.Import | ast.ImportFrom)
    )


def statements(block: ast.AST) -> Iterator[ast.AST]:
    """The statements of a block and of the blocks inside it: an import is one, and no expression holds any."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        for each in getattr(block, name, ()):
            yield each
            yield from statements(each)


def imported(file: Path) -> set[str]:
    """Paths below functune that a module imports anywhere, inside functions too."""
    found: set[str] = set()
    for node in imports_of(file):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif node.module:
            # `from functune.hosts import registry` may name a module or a thing in one.
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return {name.removeprefix("functune.").replace(".", "/") for name in found if name.startswith("functune.")}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_imports_follow_the_rule(room: Room) -> None:
    wanted = {
        (name, room_of(path))
        for name, file in modules().items()
        if room_of(name) == room.name
        for path in imported(file)
    }
    assert {(name, other) for name, other in wanted if other not in room.imports | {room.name}} == set()


def test_rule_has_no_room_without_code_and_no_import_upwards() -> None:
    assert {room_of(name) for name in modules()} == set(ROOM_NAMES)
    for place, room in enumerate(ROOMS):
        assert room.imports <= set(ROOM_NAMES[:place]), room.name


def test_no_modules_import_each_other() -> None:
    """Within a room as well, and through others; graphlib names the modules of a circle."""
    known = modules()

    def module_of(path: str) -> str:
        return path if path in known else path.rpartition("/")[0]

    arrows = {name: {module_of(path) for path in imported(file)} - {name} for name, file in known.items()}
    graphlib.TopologicalSorter(arrows).prepare()


def test_architecture_shows_the_rule() -> None:
    page = (PACKAGE.parent / PAGE).read_text(encoding="utf-8")
    assert with_table(page) == page, "docs/architecture.md is out of date: run make docs"


def test_only_the_locust_files_import_locust() -> None:
    """Importing Locust patches the standard library for gevent."""
    root = PACKAGE.parent
    importing = {
        file.relative_to(root).as_posix()
        for folder in ("functune", "blueprints", "bench")
        for file in (root / folder).rglob("*.py")
        for node in imports_of(file)
        if (isinstance(node, ast.Import) and any(name.name.split(".")[0] == "locust" for name in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "locust")
    }
    assert importing == {"functune/load/locustfile.py", "functune/load/planned_load.py"}


def test_only_the_runtime_seam_imports_the_runtime() -> None:
    importing = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        if "import azure_functions_runtime" in file.read_text() or "from azure_functions_runtime" in file.read_text()
    }
    assert importing == {"host/runtime.py"}


def test_only_environ_reads_the_environment_of_the_lab() -> None:
    """The exceptions are part of another program: the Locust files are run by Locust, the times file is copied."""
    reading = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        if {"environ", "getenv"} & set(re.findall(r"\w+", text := file.read_text()))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and ast.unparse(node.value) == "os"
    }
    assert reading == {"environ.py", "instrument/functune_times.py", "load/locustfile.py", "load/planned_load.py"}


def test_tools_use_the_local_host_and_the_commands_and_nobody_uses_the_tools() -> None:
    """Except for the two that describe the types of the files for programs, which stand all over functune."""
    describing = {"key_tables.py", "schemas.py"}
    root = PACKAGE.parent
    found: dict[str, set[str]] = {}
    for folder in ("functune", "blueprints", "bench", "tools"):
        for file in (root / folder).rglob("*.py"):
            if folder == "tools" and file.name in describing:
                continue
            for node in imports_of(file):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                found.setdefault(folder, set()).update(names)
    assert {name for name in found["tools"] if name.startswith("functune")} == {
        *("functune.cli", "functune.errors", "functune.hosts.local", "functune.hosts.served_app", "functune.setting")
    }
    others = found["functune"] | found["blueprints"] | found["bench"]
    assert {name for name in others if name.split(".")[0] == "tools"} == set()


def test_imports_are_found_in_every_kind_of_block(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(
        "import a\nif a:\n import b\nelif b:\n import c\nelse:\n import d\n"
        "try:\n import e\nexcept A:\n import f\nelse:\n import g\nfinally:\n import h\n"
        "class I:\n async def i(self):\n  with a:\n   for b in c:\n    import i\n   else:\n    import j\n"
        "match a:\n case 1:\n  while a:\n   from k import l\n"
    )
    found = [name.name for node in imports_of(file) for name in node.names]
    assert found == list("abcdefghijl")
