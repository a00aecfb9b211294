"""The modules of an app: its first file, and every file of its folder that it imports, directly or through others."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

IMPORT_CALLS = ("importlib.import_module", "import_module", "__import__")
_BY_SETTINGS = ("django.core.wsgi", "django.core.asgi")
"""Modules that load what the settings of a project name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedName:
    """One ``import`` of a module by the app."""

    name: str
    """Dotted; for ``from a import b`` it is ``a.b``, which may be a module or a name in one."""
    line: int
    is_optional: bool
    """Whether the app goes on without it: within ``try``, or for the type checker alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppModule:
    """One file of the app."""

    name: str
    """Dotted, as the app imports it."""
    file: str
    """Relative to the app's folder."""
    tree: ast.Module
    is_package: bool
    imports: tuple[ImportedName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenFile:
    """A file that is not Python."""

    file: str
    line: int
    message: str


@dataclass(slots=True, kw_only=True)
class AppModules:
    """The modules of an app by their name."""

    root: Path
    """The folder that they are imported from."""
    shown_from: Path
    """The folder that the names of files are relative to."""
    by_name: dict[str, AppModule] = field(default_factory=dict)
    broken: list[BrokenFile] = field(default_factory=list)
    has_dynamic_imports: bool = False
    """Whether it imports modules whose names only a run shows."""

    def is_own(self, name: str) -> bool:
        """Whether the first part of a dotted name is a file or a folder with Python files of the app."""
        first = name.partition(".")[0]
        folder = self.root / first
        return (self.root / f"{first}.py").is_file() or (folder.is_dir() and any(folder.rglob("*.py")))


def read_modules(root: Path, entry: str, shown_from: Path | None = None) -> AppModules:
    """Read the file ``entry`` in ``root``, and all that it imports from there; nothing for an empty ``entry``."""
    found = AppModules(root=root, shown_from=shown_from or root)
    waiting = [Path(entry).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")] if entry else []
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = module_path(root, name)
        if path is None:
            continue
        module = read_module(found, name, path)
        if module is not None:
            found.by_name[name] = module
            waiting += [part for each in module.imports for part in prefixes(each.name)]
    return found


def module_path(root: Path, name: str) -> Path | None:
    """The file of a dotted name below the app's folder; None where there is none."""
    base = root.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def prefixes(name: str) -> list[str]:
    """A dotted name and the packages that it is in: ``a``, ``a.b`` and ``a.b.c``."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def read_module(found: AppModules, name: str, path: Path) -> AppModule | None:
    """Parse a file; one that is not Python is noted as broken."""
    file = path.relative_to(found.shown_from).as_posix()
    try:
        tree = ast.parse(path.read_bytes(), filename=file)
    except SyntaxError as error:
        found.broken.append(BrokenFile(file=file, line=error.lineno or 1, message=error.msg))
        return None
    except ValueError as error:
        found.broken.append(BrokenFile(file=file, line=1, message=str(error)))
        return None
    is_package = path.name == "__init__.py"
    imports = tuple(imported_names(tree, name if is_package else name.rpartition(".")[0]))
    found.has_dynamic_imports |= has_dynamic_import(tree)
    return AppModule(name=name, file=file, tree=tree, is_package=is_package, imports=imports)


def imported_names(tree: ast.Module, package: str) -> Iterator[ImportedName]:
    """The imports at any depth of a tree; ``package`` is what relative ones start from."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, is_optional = waiting.pop()
        match node:
            case ast.Import():
                for alias in node.names:
                    yield ImportedName(name=alias.name, line=node.lineno, is_optional=is_optional)
            case ast.ImportFrom():
                base = absolute_base(node, package)
                for alias in node.names:
                    name = base if alias.name == "*" else f"{base}.{alias.name}"
                    yield ImportedName(name=name.strip("."), line=node.lineno, is_optional=is_optional)
            case ast.Call() if (literal := imported_by_call(node) or named_in_call(node)) is not None:
                yield ImportedName(name=literal, line=node.lineno, is_optional=True)
            case ast.Assign(targets=[ast.Name(id="ROOT_URLCONF")], value=ast.Constant(value=str(literal))):
                yield ImportedName(name=literal, line=node.lineno, is_optional=True)
            case _:
                optional = is_optional or isinstance(node, ast.Try) or is_type_checking(node)
                waiting += [(child, optional) for child in reversed(list(ast.iter_child_nodes(node)))]


def absolute_base(node: ast.ImportFrom, package: str) -> str:
    """The module that names are imported from, with the dots of a relative import resolved."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def is_type_checking(node: ast.AST) -> bool:
    """Whether it is ``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imported_by_call(node: ast.Call) -> str | None:
    """The module of ``import_module("a.b")`` with a literal name; None for any other call."""
    called = ast.unparse(node.func)
    if called not in IMPORT_CALLS or not node.args:
        return None
    first = node.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def named_in_call(node: ast.Call) -> str | None:
    """The module that a call of Django names: that of its settings, or one with more routes; None for another call."""
    match node:
        case ast.Call(
            func=ast.Attribute(attr="setdefault"),
            args=[ast.Constant(value="DJANGO_SETTINGS_MODULE"), ast.Constant(value=str(name))],
        ):
            return name
        case ast.Call(func=ast.Name(id="include"), args=[ast.Constant(value=str(name)), *_]):
            return name
        case _:
            return None


def has_dynamic_import(tree: ast.Module) -> bool:
    """Whether a module is imported by a name that is not a literal, or by Django, whose settings name packages."""
    for node in ast.walk(tree):
        match node:
            case ast.Call() if ast.unparse(node.func) in IMPORT_CALLS and imported_by_call(node) is None:
                return True
            case ast.ImportFrom(module=str(name)) if name in _BY_SETTINGS:
                return True
            case _:
                pass
    return False
