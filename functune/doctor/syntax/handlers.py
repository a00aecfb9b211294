"""The handlers of an app: the functions that a trigger, or a route of a web framework inside of it, calls."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from functune.doctor.syntax.scopes import AppScopes, FunctionScope
from functune.doctor.syntax.symbols import Symbols

type HandlerKind = Literal["call", "timer", "orchestrator"]

_TIMERS = ("timer_trigger", "schedule")
_ORCHESTRATORS = ("orchestration_trigger", "entity_trigger")
_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "api_route", "websocket", "middleware"})
"""Decorators of FastAPI, Starlette, Flask and Quart."""
_DEPENDS = ("fastapi.Depends", "fastapi.Security", "fastapi.params.Depends")
_WITHOUT_BUNDLE = frozenset({"timer_trigger", "warm_up_trigger", "warmup_trigger", "generic_trigger"})
"""Triggers that the host itself has."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AppHandler:
    """One handler."""

    function: FunctionScope
    kind: HandlerKind
    is_function: bool
    """Whether it is a function of Azure, and not a route or dependency of a framework inside of one."""

    @property
    def words(self) -> str:
        """Such as ``async def orders``."""
        return f"{'async def' if self.function.is_async else 'def'} {self.function.name}"


def find_handlers(scopes: AppScopes, symbols: Symbols) -> list[AppHandler]:
    """Every handler, in the order of the modules, and the dependencies that FastAPI calls for them."""
    found = [each for function in scopes.functions() if (each := as_handler(function)) is not None]
    known = {id(each.function) for each in found}
    needed = {id(each): each for each in dependencies(scopes, symbols) if id(each) not in known}
    return found + [AppHandler(function=each, kind="call", is_function=False) for each in needed.values()]


def as_handler(function: FunctionScope) -> AppHandler | None:
    """The function as a handler; None where no decorator registers it."""
    for decorator in function.node.decorator_list:
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            continue
        name = decorator.func.attr
        if name in _ORCHESTRATORS:
            return AppHandler(function=function, kind="orchestrator", is_function=True)
        if name in _TIMERS:
            return AppHandler(function=function, kind="timer", is_function=True)
        if name == "route" or name.endswith("_trigger"):
            return AppHandler(function=function, kind="call", is_function=True)
        if name in _VERBS and first_text(decorator):
            return AppHandler(function=function, kind="call", is_function=False)
    return None


def first_text(call: ast.Call) -> str:
    """The first argument of a call, where it is a text; empty otherwise."""
    values = [*call.args[:1], *(each.value for each in call.keywords if each.arg == "path")]
    return next((each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)), "")


def dependencies(scopes: AppScopes, symbols: Symbols) -> Iterator[FunctionScope]:
    """The functions of the app that FastAPI calls for each request, by ``Depends`` anywhere in a module."""
    for scope in scopes.modules.values():
        for node in ast.walk(scope.module.tree):
            if isinstance(node, ast.Call) and node.args and symbols.of(node.func, scope) in _DEPENDS:
                target = symbols.of(node.args[0], scope)
                if isinstance(target, FunctionScope):
                    yield target


def bindings_of_extensions(handlers: list[AppHandler]) -> Iterator[tuple[AppHandler, str, int]]:
    """The triggers, inputs and outputs that come from an extension of the host: handler, decorator and line."""
    for handler in handlers:
        for decorator in handler.function.node.decorator_list:
            if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
                continue
            name = decorator.func.attr
            if name.endswith(("_trigger", "_input", "_output")) and name not in _WITHOUT_BUNDLE:
                yield handler, name, decorator.lineno
