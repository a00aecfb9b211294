"""The handlers of an app: the functions that a trigger, or a route of a web framework inside of it, calls."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from functune.doctor.syntax.scopes import AppScopes, ClassScope, FunctionScope, ModuleScope
from functune.doctor.syntax.symbols import Instance, Symbol, Symbols

type ModuleCall = tuple[ast.Call, ModuleScope]
type HandlerKind = Literal["call", "timer", "orchestrator"]

_TIMERS = ("timer_trigger", "schedule")
_ORCHESTRATORS = ("orchestration_trigger", "entity_trigger")
_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "api_route", "websocket", "middleware"})
"""Decorators of FastAPI, Starlette, Flask and Quart, whose first argument is a text."""
_FLASK = frozenset({"flask", "apiflask", "flask_openapi3"})
"""Packages whose apps run each ``async def`` on an event loop of its own, in the thread of the request."""
_FRAMEWORKS = _FLASK | {"fastapi", "starlette", "quart"}
_DEPENDS = ("fastapi.Depends", "fastapi.Security", "fastapi.params.Depends")
_DJANGO_ROUTES = ("django.urls.path", "django.urls.re_path")
_BASE_MIDDLEWARE = "starlette.middleware.base.BaseHTTPMiddleware"
_WITHOUT_BUNDLE = frozenset({"timer_trigger", "warm_up_trigger", "warmup_trigger", "generic_trigger"})
"""Triggers that the host itself has."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AppHandler:
    """One handler."""

    function: FunctionScope
    kind: HandlerKind
    is_function: bool
    """Whether it is a function of Azure, and not a route or dependency of a framework inside of one."""
    shares_loop: bool = True
    """Whether an ``async def`` runs on the event loop of the worker process, with the other calls."""

    @property
    def words(self) -> str:
        """Such as ``async def orders``."""
        return f"{'async def' if self.function.is_async else 'def'} {self.function.name}"


def find_handlers(scopes: AppScopes, symbols: Symbols) -> list[AppHandler]:
    """Every handler once, in the order of the modules, and the functions that a framework calls for its requests."""
    found = [each for function in scopes.functions() if (each := as_handler(function, symbols)) is not None]
    calls = list(calls_of_modules(scopes))
    on_loop = [*dependencies(calls, symbols), *background_tasks(calls, symbols), *middlewares(scopes, symbols)]
    found += [AppHandler(function=each, kind="call", is_function=False) for each in on_loop]
    found += [
        AppHandler(function=each, kind="call", is_function=False, shares_loop=False)
        for each in django_views(calls, symbols)
    ]
    return list({id(each.function): each for each in reversed(found)}.values())[::-1]


def as_handler(function: FunctionScope, symbols: Symbols) -> AppHandler | None:
    """The function as a handler; None where no decorator registers it."""
    for decorator in function.node.decorator_list:
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            continue
        name = decorator.func.attr
        if name in _ORCHESTRATORS:
            return AppHandler(function=function, kind="orchestrator", is_function=True)
        if name in _TIMERS:
            return AppHandler(function=function, kind="timer", is_function=True)
        framework = router_package(symbols.of(decorator.func.value, function.parent), symbols)
        is_verb = name in _VERBS and (framework in _FRAMEWORKS or has_text_first(decorator))
        if name == "route" or name.endswith("_trigger") or is_verb:
            is_function = not is_verb and framework not in _FRAMEWORKS
            shares_loop = framework not in _FLASK
            return AppHandler(function=function, kind="call", is_function=is_function, shares_loop=shares_loop)
    return None


def router_package(router: Symbol | None, symbols: Symbols, seen: tuple[ClassScope, ...] = ()) -> str:
    """The package that the app or router of a decorator comes from; empty where the syntax does not show it."""
    match router:
        case str():
            return router.partition(".")[0]
        case Instance(of) | (ClassScope() as of) if of not in seen:
            bases = (symbols.of(each, of.parent) for each in of.node.bases)
            return next(filter(None, (router_package(each, symbols, (*seen, of)) for each in bases)), "")
        case _:
            return ""


def has_text_first(call: ast.Call) -> bool:
    """Whether the first argument of a call, or the one named path, is a text; it may be empty, as below a prefix."""
    values = [*call.args[:1], *(each.value for each in call.keywords if each.arg == "path")]
    return any(
        isinstance(each, ast.JoinedStr) or (isinstance(each, ast.Constant) and isinstance(each.value, str))
        for each in values
    )


def dependencies(calls: Iterable[ModuleCall], symbols: Symbols) -> Iterator[FunctionScope]:
    """The functions of the app that FastAPI calls for each request, by ``Depends`` anywhere in a module."""
    for call, scope in calls:
        if call.args and symbols.of(call.func, scope) in _DEPENDS:
            target = symbols.of(call.args[0], scope)
            if isinstance(target, FunctionScope):
                yield target


def background_tasks(calls: Iterable[ModuleCall], symbols: Symbols) -> Iterator[FunctionScope]:
    """The functions that ``BackgroundTasks.add_task`` runs after an answer: an ``async def`` on the event loop."""
    for call, scope in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add_task" and call.args:
            target = symbols.of(call.args[0], scope)
            if isinstance(target, FunctionScope):
                yield target


def middlewares(scopes: AppScopes, symbols: Symbols) -> Iterator[FunctionScope]:
    """The methods that Starlette's BaseHTTPMiddleware calls around each request."""
    for function in scopes.functions():
        owner = function.owner
        if owner is not None and function.node.name == "dispatch":
            bases = [symbols.of(each, owner.parent) for each in owner.node.bases]
            if _BASE_MIDDLEWARE in bases:
                yield function


def django_views(calls: Iterable[ModuleCall], symbols: Symbols) -> Iterator[FunctionScope]:
    """
    The functions to which Django routes requests.

    On a WSGI server an ``async def`` among them has an event loop of its own, so nothing is said about its loop.
    """
    for call, scope in calls:
        if len(call.args) > 1 and symbols.of(call.func, scope) in _DJANGO_ROUTES:
            target = symbols.of(call.args[1], scope)
            if isinstance(target, FunctionScope):
                yield target


def calls_of_modules(scopes: AppScopes) -> Iterator[ModuleCall]:
    """Every call in the modules of the app."""
    for scope in scopes.modules.values():
        for node in ast.walk(scope.module.tree):
            if isinstance(node, ast.Call):
                yield node, scope


def bindings_of_extensions(handlers: list[AppHandler]) -> Iterator[tuple[AppHandler, str, int]]:
    """The triggers, inputs and outputs that come from an extension of the host: handler, decorator and line."""
    for handler in handlers:
        for decorator in handler.function.node.decorator_list:
            if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
                continue
            name = decorator.func.attr
            if name.endswith(("_trigger", "_input", "_output")) and name not in _WITHOUT_BUNDLE:
                yield handler, name, decorator.lineno
