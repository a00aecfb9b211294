"""The functions, classes and names of an app: what a name stands for, where it is used."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from functune.doctor.syntax.modules import AppModule, AppModules, absolute_base

type FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
type NameBinding = ast.expr | FunctionScope | ClassScope | ImportBinding | With | Opaque


@dataclass(frozen=True, slots=True)
class ImportBinding:
    """A name that an import gives."""

    target: str
    """Dotted."""


@dataclass(frozen=True, slots=True)
class With:
    """A name that ``with … as`` gives."""

    context: ast.expr


@dataclass(frozen=True, slots=True)
class Opaque:
    """A name whose value the syntax does not show, such as a loop variable."""


@dataclass(slots=True, kw_only=True, eq=False)
class ModuleScope:
    """The names of a module."""

    module: AppModule
    names: dict[str, list[tuple[NameBinding, "NameScope"]]] = field(default_factory=dict)
    """Every binding of a name, with the scope that its expression is in."""


@dataclass(slots=True, kw_only=True, eq=False)
class ClassScope:
    """A class of the app."""

    node: ast.ClassDef
    module: ModuleScope
    parent: "NameScope"
    methods: dict[str, "FunctionScope"] = field(default_factory=dict)
    attributes: dict[str, list[tuple[ast.expr, "NameScope"]]] = field(default_factory=dict)
    """Values of ``self.x = …`` and of names in its body."""


@dataclass(slots=True, kw_only=True, eq=False)
class FunctionScope:
    """A function or method of the app."""

    node: FunctionNode
    module: ModuleScope
    parent: "NameScope"
    owner: ClassScope | None = None
    """The class that it is a method of."""
    names: dict[str, list[tuple[NameBinding, "NameScope"]]] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    functions: list["FunctionScope"] = field(default_factory=list)
    """Those defined inside."""

    @property
    def name(self) -> str:
        """``Class.method`` or the plain name."""
        return f"{self.owner.node.name}.{self.node.name}" if self.owner else self.node.name

    @property
    def is_async(self) -> bool:
        """Whether calling it makes a coroutine."""
        return isinstance(self.node, ast.AsyncFunctionDef)


type NameScope = ModuleScope | FunctionScope


@dataclass(slots=True, kw_only=True)
class AppScopes:
    """All scopes of an app."""

    modules: dict[str, ModuleScope]

    def functions(self) -> Iterator[FunctionScope]:
        """Every function of the app, those inside others included."""
        for module in self.modules.values():
            for bindings in list(module.names.values()):
                for binding, _ in bindings:
                    yield from functions_of(binding)


def functions_of(binding: NameBinding) -> Iterator[FunctionScope]:
    """The functions that a binding defines, with those inside of them."""
    match binding:
        case FunctionScope():
            yield binding
            for inner in binding.functions:
                yield from functions_of(inner)
        case ClassScope():
            for method in binding.methods.values():
                yield from functions_of(method)
        case _:
            return


def read_scopes(modules: AppModules) -> AppScopes:
    """The scopes of all modules."""
    scopes = {name: ModuleScope(module=module) for name, module in modules.by_name.items()}
    for scope in scopes.values():
        bind_statements(scope.module.tree.body, scope, scope)
    return AppScopes(modules=scopes)


def bind(scope: NameScope, name: str, binding: NameBinding, where: NameScope) -> None:
    """Add a binding of a name; one that is declared global belongs to the module."""
    holder = where.module if isinstance(where, FunctionScope) and name in where.globals else scope
    holder.names.setdefault(name, []).append((binding, where))


def bind_statements(body: list[ast.stmt], scope: NameScope, module: ModuleScope) -> None:
    """Bind every name that the statements give, also inside of their blocks."""
    waiting = list(reversed(body))
    while waiting:
        statement = waiting.pop()
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                bind(scope, statement.name, bind_function(statement, scope, module, owner=None), scope)
            case ast.ClassDef():
                bind(scope, statement.name, bind_class(statement, scope, module), scope)
            case ast.Import() | ast.ImportFrom():
                for name, target in import_bindings(statement, module.module):
                    bind(scope, name, ImportBinding(target), scope)
            case _:
                bind_values(statement, scope)
                waiting += [inner for block in blocks_of(statement) for inner in reversed(block)]


def import_bindings(statement: ast.Import | ast.ImportFrom, module: AppModule) -> Iterator[tuple[str, str]]:
    """The names that an import gives, each with what it stands for."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            target = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or target, target
    else:
        base = absolute_base(statement, module.name if module.is_package else module.name.rpartition(".")[0])
        for alias in statement.names:
            yield alias.asname or alias.name, f"{base}.{alias.name}"


def blocks_of(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        if block := getattr(statement, name, None):
            yield block
    for handler in getattr(statement, "handlers", []):
        yield handler.body
    for case in getattr(statement, "cases", []):
        yield case.body


def bind_values(statement: ast.stmt, scope: NameScope) -> None:
    """Bind the names that a statement assigns."""
    match statement:
        case ast.Assign():
            for target in statement.targets:
                bind_target(target, statement.value, scope)
        case ast.AnnAssign():
            value = statement.value
            is_none = value is None or (isinstance(value, ast.Constant) and value.value is None)
            bind_target(statement.target, None if is_none else value, scope)
        case ast.AugAssign():
            bind_target(statement.target, None, scope)
        case ast.For() | ast.AsyncFor():
            bind_target(statement.target, None, scope)
        case ast.With() | ast.AsyncWith():
            for item in statement.items:
                if isinstance(item.optional_vars, ast.Name):
                    bind(scope, item.optional_vars.id, With(item.context_expr), scope)
                elif item.optional_vars is not None:
                    bind_target(item.optional_vars, None, scope)
        case _:
            pass
    for node in own_nodes(statement):
        if isinstance(node, ast.NamedExpr):
            bind_target(node.target, node.value, scope)


def bind_target(target: ast.expr, value: ast.expr | None, scope: NameScope) -> None:
    """Bind one target of an assignment; a ``self.x`` becomes an attribute of the class."""
    match target:
        case ast.Name():
            bind(scope, target.id, Opaque() if value is None else value, scope)
        case ast.Attribute(value=ast.Name(id=name)):
            if value is not None and isinstance(scope, FunctionScope) and name in own_names(scope):
                assert scope.owner is not None
                scope.owner.attributes.setdefault(target.attr, []).append((value, scope))
        case ast.Tuple() | ast.List():
            for each in target.elts:
                bind_target(each, None, scope)
        case ast.Starred():
            bind_target(target.value, None, scope)
        case _:
            pass


def own_names(scope: FunctionScope) -> tuple[str, ...]:
    """The name of the first parameter of a method, by which it reaches its object; nothing for a function."""
    arguments = [*scope.node.args.posonlyargs, *scope.node.args.args]
    return (arguments[0].arg,) if scope.owner is not None and arguments and not is_static(scope.node) else ()


def is_static(node: FunctionNode) -> bool:
    """Whether a method has no object."""
    return any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list)


def bind_function(
    node: FunctionNode, parent: NameScope, module: ModuleScope, owner: ClassScope | None
) -> FunctionScope:
    """The scope of a function, with its parameters and everything it binds."""
    scope = FunctionScope(node=node, module=module, parent=parent, owner=owner)
    for each in ast.walk(node):
        if isinstance(each, ast.Global):
            scope.globals |= set(each.names)
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for argument in [*every, *(each for each in (arguments.vararg, arguments.kwarg) if each is not None)]:
        scope.names.setdefault(argument.arg, []).append((Opaque(), scope))
    bind_statements(node.body, scope, module)
    scope.functions += [
        binding for found in scope.names.values() for binding, _ in found if isinstance(binding, FunctionScope)
    ]
    return scope


def bind_class(node: ast.ClassDef, parent: NameScope, module: ModuleScope) -> ClassScope:
    """The scope of a class, with its methods and the values of its attributes."""
    scope = ClassScope(node=node, module=module, parent=parent)
    for statement in node.body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                scope.methods[statement.name] = bind_function(statement, parent, module, owner=scope)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                scope.attributes.setdefault(name, []).append((value, parent))
            case _:
                pass
    return scope


def own_nodes(statement: ast.AST) -> Iterator[ast.AST]:
    """The expressions that run with a statement: not those of its blocks, of functions and of lambdas."""
    waiting = [statement]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if not isinstance(child, ast.stmt | ast.Lambda | ast.ExceptHandler | ast.match_case):
                yield child
                waiting.append(child)
