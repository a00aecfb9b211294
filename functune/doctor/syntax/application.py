"""The application object of a web app: where it is made, and whether it is an ASGI or a WSGI app."""

import ast
from typing import NamedTuple

from functune.app_service.server_programs import Interface
from functune.doctor.syntax.reach import AppSyntax
from functune.doctor.syntax.scopes import ClassScope, FunctionScope, ImportBinding, NameBinding
from functune.doctor.syntax.symbols import Instance, Symbol

_MADE: dict[Interface, tuple[str, ...]] = {
    "asgi": (
        "fastapi.FastAPI()",
        "fastapi.applications.FastAPI()",
        "starlette.applications.Starlette()",
        "quart.Quart()",
        "litestar.Litestar()",
        "sanic.Sanic()",
        "blacksheep.Application()",
        "falcon.asgi.App()",
        "django.core.asgi.get_asgi_application()",
        "channels.routing.ProtocolTypeRouter()",
        "a2wsgi.WSGIMiddleware()",
        "asgiref.wsgi.WsgiToAsgi()",
        "functune.asgi.app",
    ),
    "wsgi": (
        "flask.Flask()",
        "flask.app.Flask()",
        "falcon.App()",
        "bottle.Bottle()",
        "bottle.default_app()",
        "dash.Dash().server",
        "django.core.wsgi.get_wsgi_application()",
        "a2wsgi.ASGIMiddleware()",
        "functune.wsgi.app",
    ),
}
"""What makes an application of each interface."""
_FUNCTION_APPS = (
    "azure.functions.FunctionApp()",
    "azure.functions.AsgiFunctionApp()",
    "azure.functions.WsgiFunctionApp()",
    "azure.durable_functions.DFApp()",
)
"""What makes an app for the Functions host, which no web server can call."""
_FOLLOWED = 5
"""Modules through which an imported application is followed."""


class WebApplication(NamedTuple):
    """An application as a module defines it."""

    file: str
    line: int | None
    interface: Interface | None
    """None where the syntax does not show it."""
    made_by: str
    """The class or function of a library that makes it, without its package; empty where it is not known."""
    is_for_functions: bool = False
    """Whether only the Functions host can run it."""


def find_application(syntax: AppSyntax, module: str, name: str, *, is_factory: bool) -> WebApplication | None:
    """The application of a module; None where the module does not define the name, or was not read."""
    scope = syntax.scopes.modules.get(module)
    if scope is None or name not in scope.names:
        return None
    symbol = syntax.symbols.named(name, scope)
    if is_factory and isinstance(symbol, FunctionScope):
        symbol = syntax.symbols.returned(symbol)
        file, line = scope.module.file, None
    else:
        file, line = place_of_name(syntax, module, name)
    if symbol in _FUNCTION_APPS:
        return WebApplication(file, line, None, made_by_of(str(symbol)), is_for_functions=True)
    interface, made_by = shown_interface(syntax, symbol, is_factory=is_factory)
    return WebApplication(file, line, interface, made_by)


def place_of_name(syntax: AppSyntax, module: str, name: str, depth: int = 0) -> tuple[str, int | None]:
    """File and line where a name gets its value, through imports of modules of the app."""
    scope = syntax.scopes.modules[module]
    binding = scope.names[name][-1][0]
    if isinstance(binding, ImportBinding):
        origin, _, original = binding.target.rpartition(".")
        found = syntax.scopes.modules.get(origin)
        if found is not None and original in found.names and depth < _FOLLOWED:
            return place_of_name(syntax, origin, original, depth + 1)
    return scope.module.file, line_of_binding(binding)


def line_of_binding(binding: NameBinding) -> int | None:
    """The line of a definition; None where it has none."""
    match binding:
        case FunctionScope() | ClassScope():
            return binding.node.lineno
        case ast.expr():
            return binding.lineno
        case _:
            return None


def shown_interface(syntax: AppSyntax, symbol: Symbol | None, *, is_factory: bool) -> tuple[Interface | None, str]:
    """The interface of what a name stands for, and what made it."""
    match symbol:
        case Instance(of):
            bases = [syntax.symbols.of(each, of.parent) for each in of.node.bases]
            made = [f"{base}()" for base in bases if isinstance(base, str)]
        case FunctionScope() if not is_factory:
            parameters = len(symbol.node.args.args)
            if symbol.is_async and parameters == 3:
                return "asgi", f"async def {symbol.name}"
            return ("wsgi", f"def {symbol.name}") if not symbol.is_async and parameters == 2 else (None, "")
        case str():
            made = [symbol]
        case _:
            made = []
    for interface, names in _MADE.items():
        if (found := next((each for each in made if each in names), None)) is not None:
            return interface, made_by_of(found)
    return None, ""


def made_by_of(symbol: str) -> str:
    """The class or function that a symbol calls, without its package."""
    return symbol.removesuffix("()").rpartition(".")[2]


def has_star_import(syntax: AppSyntax, module: str) -> bool:
    """Whether a module may have names that its text does not show."""
    scope = syntax.scopes.modules.get(module)
    if scope is None:
        return True
    nodes = list(ast.walk(scope.module.tree))
    return any(
        (isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names))
        or (isinstance(node, ast.FunctionDef) and node.name == "__getattr__")
        for node in nodes
    )
