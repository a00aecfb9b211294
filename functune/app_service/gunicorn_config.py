"""
The settings of a Gunicorn configuration file that its text shows, such as ``workers = 4``.

The file is Python, and functune does not run it. Where a setting is computed, or assigned twice, its value is unknown.
"""

import ast
from collections import Counter
from pathlib import Path
from typing import NamedTuple

FLAG_OF_SETTING = {
    "bind": "--bind",
    "workers": "--workers",
    "worker_class": "--worker-class",
    "threads": "--threads",
    "timeout": "--timeout",
    "keepalive": "--keep-alive",
    "chdir": "--chdir",
    "pythonpath": "--pythonpath",
}
"""The flag that each setting of the file stands for, of those that are read here."""


class ConfigFlags(NamedTuple):
    """What a file gives."""

    values: dict[str, str]
    """Values by the name of the flag; empty for one that is not shown."""
    lines: dict[str, int]


def shown_flags(file: Path) -> ConfigFlags | None:
    """The flags that a file gives; None where its text does not even show which."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):  # Gunicorn does not start with such a file either
        return None
    nodes = list(ast.walk(tree))
    if is_computed(nodes):
        return None
    bound = bound_names(nodes)
    found = ConfigFlags({FLAG_OF_SETTING[name]: "" for name in bound if name in FLAG_OF_SETTING}, {})
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str() | int() as value)):
                if name in FLAG_OF_SETTING and bound[name] == 1 and not isinstance(value, bool):
                    found.values[FLAG_OF_SETTING[name]] = str(value)
                    found.lines[FLAG_OF_SETTING[name]] = statement.lineno
            case _:
                pass
    return found


def bound_names(nodes: list[ast.AST]) -> Counter[str]:
    """How often each name gets a value, anywhere in the file."""
    bound = Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    bound.update(alias.asname or alias.name for node in imports for alias in node.names)
    return bound


def is_computed(nodes: list[ast.AST]) -> bool:
    """Whether code may set names that no assignment shows."""
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    has_star = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in nodes)
    return has_star or not called.isdisjoint({"exec", "globals", "locals", "vars", "setattr"})
