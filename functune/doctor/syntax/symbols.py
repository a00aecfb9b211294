"""
What an expression of an app stands for, as a dotted text, as far as the syntax shows it.

A call adds ``()``. ``requests.Session().get`` is the method of a session, wherever it was made and whatever the app
calls it: names are followed through imports, assignments, ``with``, ``self``, parameters with a type, and the functions
of the app that return something. Where two values are possible, nothing is said.
"""

import ast
import builtins
from dataclasses import dataclass, field

from functune.doctor.syntax.scopes import (
    AppScopes,
    ClassScope,
    FunctionScope,
    ImportBinding,
    NameBinding,
    NameScope,
    Opaque,
    With,
    own_names,
)

type Symbol = str | FunctionScope | ClassScope | Instance
"""A dotted text for what belongs to a library; a scope, or an object of a class, for what belongs to the app."""

_CACHES = ("functools.cache", "functools.lru_cache", "cachetools.cached", "async_lru.alru_cache", "cache", "lru_cache")
_CONTEXT_MANAGERS = ("contextlib.contextmanager", "contextlib.asynccontextmanager")
_PROPERTIES = ("property", "functools.cached_property", "cached_property")
_OPTIONAL = ("typing.Optional", "typing.Annotated", "typing_extensions.Annotated")


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the app."""

    of: ClassScope


@dataclass(slots=True)
class Symbols:
    """Finds what expressions stand for."""

    scopes: AppScopes
    _known: dict[tuple[int, int], Symbol | None] = field(default_factory=dict)
    """By expression and scope."""
    _named: dict[tuple[str, int], Symbol | None] = field(default_factory=dict)
    """By name and scope."""

    def of(self, node: ast.expr, scope: NameScope) -> Symbol | None:
        """What an expression stands for in a scope; None where the syntax does not show it."""
        key = id(node), id(scope)
        if key not in self._known:
            self._known[key] = None  # meanwhile, for a name that is defined by itself
            self._known[key] = self._found(node, scope)
        return self._known[key]

    def _found(self, node: ast.expr, scope: NameScope) -> Symbol | None:
        match node:
            case ast.Name():
                return self.named(node.id, scope)
            case ast.Attribute():
                return self.attribute(self.of(node.value, scope), node.attr)
            case ast.Call():
                return self.called(self.of(node.func, scope), node, scope)
            case ast.Await():
                return self.of(node.value, scope)
            case ast.Subscript():
                base = self.of(node.value, scope)
                return f"{base}[]" if isinstance(base, str) else None
            case ast.NamedExpr():
                return self.of(node.value, scope)
            case ast.IfExp():
                return agreed([self.of(each, scope) for each in (node.body, node.orelse) if not is_none(each)])
            case ast.BoolOp():
                return agreed([self.of(each, scope) for each in node.values if not is_none(each)])
            case _:
                return None

    def named(self, name: str, scope: NameScope) -> Symbol | None:
        """What a name stands for: in its function, in those around it, in its module, or a builtin."""
        at: NameScope | None = scope
        while at is not None:
            if isinstance(at, FunctionScope) and name in own_names(at) and at.owner is not None:
                return Instance(at.owner)
            if name in at.names and not (isinstance(at, FunctionScope) and name in at.globals):
                return self._defined(name, at)
            at = at.parent if isinstance(at, FunctionScope) else None
        return name if hasattr(builtins, name) else None

    def _defined(self, name: str, scope: NameScope) -> Symbol | None:
        key = name, id(scope)
        if key not in self._named:
            self._named[key] = None  # meanwhile, for modules that import a name from each other
            self._named[key] = self._agreed_bindings(name, scope)
        return self._named[key]

    def _agreed_bindings(self, name: str, scope: NameScope) -> Symbol | None:
        typed = self._parameter(name, scope) if isinstance(scope, FunctionScope) else None
        bindings = [pair for pair in scope.names[name] if not (isinstance(pair[0], ast.expr) and is_none(pair[0]))]
        if typed is not None:
            bindings = [pair for pair in bindings if not isinstance(pair[0], Opaque)]
        found = [self._bound(binding, where) for binding, where in bindings]
        return agreed([*found, typed] if typed is not None else found)

    def _bound(self, binding: NameBinding, scope: NameScope) -> Symbol | None:
        match binding:
            case FunctionScope() | ClassScope():
                return binding
            case ImportBinding(target):
                return self.imported(target)
            case With(context):
                return self._entered(context, scope)
            case Opaque():
                return None
            case _:
                return self.of(binding, scope)

    def _entered(self, context: ast.expr, scope: NameScope) -> Symbol | None:
        """What ``with context as x`` gives: the object itself, or what a context manager of the app yields."""
        if isinstance(context, ast.Call):
            function = self.of(context.func, scope)
            if isinstance(function, FunctionScope) and self.is_decorated(function, _CONTEXT_MANAGERS):
                yielded = [node for node in body_nodes(function) if isinstance(node, ast.Yield) and node.value]
                return agreed([self.of(node.value, function) for node in yielded if node.value is not None])
            if function == "contextlib.nullcontext" and context.args:
                return self.of(context.args[0], scope)
        return self.of(context, scope)

    def _parameter(self, name: str, scope: FunctionScope) -> Symbol | None:
        """An object of the type that a parameter is declared with; None for a parameter without."""
        arguments = scope.node.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if each.arg == name:
                return None if each.annotation is None else self.instance_of(each.annotation, scope)
        return None

    def instance_of(self, annotation: ast.expr, scope: NameScope) -> Symbol | None:
        """An object of the type of an annotation; of ``X | None`` and ``Optional[X]`` that of ``X``."""
        match annotation:
            case ast.Constant(value=str(text)):
                try:
                    return self.instance_of(ast.parse(text, mode="eval").body, scope)
                except SyntaxError:
                    return None
            case ast.BinOp(op=ast.BitOr()):
                sides = [each for each in (annotation.left, annotation.right) if not is_none(each)]
                return self.instance_of(sides[0], scope) if len(sides) == 1 else None
            case ast.Subscript():
                if self.of(annotation.value, scope) not in _OPTIONAL:
                    return None
                inner = annotation.slice
                first = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
                return self.instance_of(first, scope)
            case ast.Name() | ast.Attribute():
                return instance(self.of(annotation, scope))
            case _:
                return None

    def imported(self, target: str) -> Symbol | None:
        """What an imported dotted name stands for; names of the app are followed to where they are defined."""
        module, _, name = target.rpartition(".")
        if target in self.scopes.modules:
            return target
        if module in self.scopes.modules:
            scope = self.scopes.modules[module]
            return self.named(name, scope) if name in scope.names else None
        return target

    def attribute(self, base: Symbol | None, name: str) -> Symbol | None:
        """An attribute of what a symbol stands for."""
        match base:
            case None:
                return None
            case str():
                return self.imported(f"{base}.{name}") if "()" not in base else f"{base}.{name}"
            case Instance(of):
                return self._member(of, name, seen=())
            case ClassScope():
                return base.methods.get(name)
            case FunctionScope():
                return None

    def _member(self, of: ClassScope, name: str, seen: tuple[ClassScope, ...]) -> Symbol | None:
        if name in of.methods:
            method = of.methods[name]
            return self.returned(method) if self.is_decorated(method, _PROPERTIES) else method
        if name in of.attributes:
            return agreed([self.of(value, where) for value, where in of.attributes[name] if not is_none(value)])
        for each in of.node.bases:
            base = self.of(each, of.parent)
            if isinstance(base, ClassScope) and base not in seen and base is not of:
                if (found := self._member(base, name, (*seen, of))) is not None:
                    return found
            elif isinstance(base, str):
                return f"{base}().{name}"
        return None

    def called(self, function: Symbol | None, call: ast.Call, scope: NameScope) -> Symbol | None:
        """What a call gives."""
        match function:
            case None | Instance():
                return None
            case ClassScope():
                return Instance(function)
            case FunctionScope():
                return self.returned(function)
            case str():
                if function == "typing.cast" and len(call.args) == 2:
                    return self.instance_of(call.args[0], scope)
                return f"{function}()"

    def returned(self, function: FunctionScope) -> Symbol | None:
        """What a function of the app gives: its values where they agree, else an object of its declared type."""
        returns = [node for node in body_nodes(function) if isinstance(node, ast.Return)]
        values = [node.value for node in returns if node.value is not None and not is_none(node.value)]
        if values and (found := agreed([self.of(value, function) for value in values])) is not None:
            return found
        annotation = function.node.returns
        return None if annotation is None else self.instance_of(annotation, function.parent)

    def is_decorated(self, function: FunctionScope, names: tuple[str, ...]) -> bool:
        """Whether a function has one of the decorators, with or without arguments."""
        return any(name in names for name in self.decorators(function))

    def is_cached(self, function: FunctionScope) -> bool:
        """Whether a decorator keeps what the function gave."""
        return self.is_decorated(function, _CACHES)

    def decorators(self, function: FunctionScope) -> list[str]:
        """The decorators of a function that belong to libraries, without their arguments."""
        found = []
        for each in function.node.decorator_list:
            symbol = self.of(each.func if isinstance(each, ast.Call) else each, function.parent)
            if isinstance(symbol, str):
                found.append(symbol)
        return found


def instance(symbol: Symbol | None) -> Symbol | None:
    """An object of a class; a class of a library is known by its capital letter."""
    match symbol:
        case ClassScope():
            return Instance(symbol)
        case str() if symbol.rpartition(".")[2][:1].isupper() and "." in symbol:
            return f"{symbol}()"
        case _:
            return None


def agreed(found: list[Symbol | None]) -> Symbol | None:
    """What all agree on; None where they do not, or where there is nothing."""
    return found[0] if found and all(each == found[0] for each in found) else None


def is_none(node: ast.expr) -> bool:
    """Whether it is the literal None."""
    return isinstance(node, ast.Constant) and node.value is None


def body_nodes(function: FunctionScope) -> list[ast.AST]:
    """Everything that runs in a function itself: not the functions, classes and lambdas inside of it."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = list(function.node.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        found.append(node)
        waiting += ast.iter_child_nodes(node)
    return sorted(found, key=lambda node: getattr(node, "lineno", 0))
