"""The calls that a function of an app makes itself, and how it uses what they give."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from functune.doctor.syntax.scopes import FunctionScope, ImportBinding, blocks_of, own_names, own_nodes
from functune.doctor.syntax.symbols import Symbol, Symbols

_MADE_IN = ("__init__", "__post_init__")
"""Methods whose attributes live as long as their object, which may be made for each call."""
_STORING = ("setdefault", "append", "add", "put", "register", "callback", "enter_context", "enter_async_context")
"""Methods that keep what they get."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SyntaxCall:
    """One call in a function of the app."""

    node: ast.Call
    function: FunctionScope
    target: Symbol | None
    """What is called."""
    is_awaited: bool
    is_once: bool
    """Whether it runs only while something is missing that is then kept."""
    is_kept: bool
    """Whether what it gives outlives the call of the function."""

    @property
    def line(self) -> int:
        """Its line: that of the name that is called, where an expression has several."""
        return self.node.func.end_lineno or self.node.lineno

    @property
    def written(self) -> str:
        """The called expression as it stands in the code, on one line."""
        return ast.unparse(self.node.func)


def call_sites(function: FunctionScope, symbols: Symbols) -> list[SyntaxCall]:
    """Every call that runs when the function runs."""
    found: list[SyntaxCall] = []
    keeping, targets = kept_names(function), kept_targets(function.node, function)
    waiting = [(function.node.body, symbols.is_cached(function))]
    while waiting:
        body, once = waiting.pop()
        for statement in body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            kept = keeps(statement, function) or gives(statement, keeping)
            found.extend(sites_in(statement, function, symbols, once=once, kept=kept))
            is_test = isinstance(statement, ast.If) and not names_in(statement.test).isdisjoint(targets)
            is_guard = is_test and is_first_time(statement, function)
            waiting += [(block, once or is_guard) for block in blocks_of(statement)]
            once = once or (is_test and can_return(statement))
    return found


def sites_in(
    statement: ast.stmt, function: FunctionScope, symbols: Symbols, *, once: bool, kept: bool
) -> Iterator[SyntaxCall]:
    """The calls of one statement, without those of its blocks."""
    nodes = list(own_nodes(statement))
    awaited = {id(node.value) for node in nodes if isinstance(node, ast.Await)}
    stored = {id(inner) for node in nodes if is_storing(node) for inner in own_nodes(node)}
    for node in nodes:
        if isinstance(node, ast.Call):
            yield SyntaxCall(
                node=node,
                function=function,
                target=symbols.of(node.func, function),
                is_awaited=id(node) in awaited,
                is_once=once,
                is_kept=kept or id(node) in stored,
            )


def is_storing(node: ast.AST) -> bool:
    """Whether it is a call that keeps its arguments, such as ``clients.setdefault(…)``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _STORING


def assigned(statement: ast.stmt) -> tuple[list[ast.expr], ast.expr | None]:
    """The targets and the value of an assignment; nothing for any other statement."""
    match statement:
        case ast.Assign():
            return statement.targets, statement.value
        case ast.AnnAssign():
            return [statement.target], statement.value
        case _:
            return [], None


def keeps(statement: ast.stmt, function: FunctionScope) -> bool:
    """Whether a statement assigns to something that outlives the function."""
    return any(outlives(target, function) for target in assigned(statement)[0])


def outlives(target: ast.expr, function: FunctionScope) -> bool:
    """Whether a target of an assignment lives on: a global name, an entry, or an attribute of an older object."""
    match target:
        case ast.Name(id=name):
            return name in function.globals
        case ast.Attribute(value=ast.Name(id=name)) if name in own_names(function):
            return function.node.name not in _MADE_IN
        case ast.Attribute(value=ast.Name(id=name)) if is_of_request(name, function):
            return False
        case ast.Attribute() | ast.Subscript():
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return any(outlives(part, function) for part in parts)
        case _:
            return False


def is_of_request(name: str, function: FunctionScope) -> bool:
    """Whether a name is ``g`` of Flask, which lives as long as a request."""
    bindings = function.module.names.get(name, ())
    return any(isinstance(each, ImportBinding) and each.target == "flask.g" for each, _ in bindings)


def kept_names(function: FunctionScope) -> set[str]:
    """Local names whose value ends in something that outlives the function."""
    found: set[str] = set()
    for statement in ast.walk(function.node):
        if isinstance(statement, ast.stmt) and keeps(statement, function):
            value = assigned(statement)[1]
            found |= {node.id for node in ast.walk(value or statement) if isinstance(node, ast.Name)}
        elif is_storing(statement):
            assert isinstance(statement, ast.Call)
            found |= {node.id for each in statement.args for node in ast.walk(each) if isinstance(node, ast.Name)}
    return found


def gives(statement: ast.stmt, names: set[str]) -> bool:
    """Whether a statement assigns to one of the local names."""
    return any(isinstance(target, ast.Name) and target.id in names for target in assigned(statement)[0])


def is_first_time(statement: ast.stmt, function: FunctionScope) -> bool:
    """Whether the block runs only while something is missing, and then stores what was missing."""
    match statement:
        case ast.If(test=ast.Compare(ops=[ast.Is() | ast.NotIn() | ast.Eq()]) | ast.UnaryOp(op=ast.Not()) as test):
            return not names_in(test).isdisjoint(kept_targets(statement, function))
        case _:
            return False


def can_return(statement: ast.stmt) -> bool:
    """Whether the function can end in the first block of a statement."""
    body = next(blocks_of(statement), [])
    return any(isinstance(node, ast.Return) for each in body for node in ast.walk(each))


def kept_targets(node: ast.AST, function: FunctionScope) -> set[str]:
    """What the statements of a tree assign that outlives the function, as written; for an entry also its holder."""
    found: set[str] = set()
    for statement in ast.walk(node):
        if isinstance(statement, ast.stmt):
            for target in assigned(statement)[0]:
                if outlives(target, function):
                    found.add(ast.unparse(target))
                    found |= {ast.unparse(target.value)} if isinstance(target, ast.Subscript) else set()
    return found


def names_in(test: ast.expr) -> set[str]:
    """The names, attributes and entries of an expression, as written."""
    return {ast.unparse(node) for node in ast.walk(test) if isinstance(node, ast.Name | ast.Attribute | ast.Subscript)}
