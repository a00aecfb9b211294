"""Where an app has to use the times file: the lines to add, found by the syntax tree of its modules."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MODULE = "functune_times"
_USES = {
    "FunctionApp": "functune_times.add_times({app})",
    "AsgiFunctionApp": "functune_times.add_times({app})",
    "WsgiFunctionApp": "functune_times.add_times({app})",
    "FastAPI": "{app}.add_middleware(functune_times.AsgiTimes)",
    "Starlette": "{app}.add_middleware(functune_times.AsgiTimes)",
    "Quart": "{app}.asgi_app = functune_times.AsgiTimes({app}.asgi_app)",
    "Litestar": "{app} = functune_times.AsgiTimes({app})",
    "get_asgi_application": "{app} = functune_times.AsgiTimes({app})",
    "Flask": "{app}.wsgi_app = functune_times.WsgiTimes({app}.wsgi_app)",
    "Bottle": "{app} = functune_times.WsgiTimes({app})",
    "get_wsgi_application": "{app} = functune_times.WsgiTimes({app})",
}
"""What makes an app, and the line that has its times reported."""
_NOT_DEPLOYED = {"tests", "test"}
_FUNCTIONS = {"FunctionApp", "AsgiFunctionApp", "WsgiFunctionApp"}


class AppPlace(NamedTuple):
    """An app that a module makes."""

    file: Path
    line: int
    made_by: str
    """What makes the app, such as ``FunctionApp``."""
    addition: str
    """The line to add below."""
    has_it: bool
    """Whether the module uses the times file already."""


def places(folder: Path) -> list[AppPlace]:
    """
    The apps that the modules of a folder and of the packages in it make.

    Only those of Azure Functions where there are any: an ASGI or WSGI app inside is measured as their function.
    """
    found = [place for file in _modules_of(folder) if file.stem != MODULE for place in _places_in(file)]
    return [place for place in found if place.made_by in _FUNCTIONS] or found


def _modules_of(folder: Path) -> list[Path]:
    """Those of the folder first. A module of a package, such as ``app.main``, imports the times file from there too."""
    packages = [each.parent for each in sorted(folder.glob("*/__init__.py")) if each.parent.name not in _NOT_DEPLOYED]
    return [file for place in (folder, *packages) for file in sorted(place.glob("*.py"))]


def _places_in(file: Path) -> Iterator[AppPlace]:
    try:
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):  # a file that Python cannot read makes no app
        return
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=function))
            ):
                made_by = ast.unparse(function).rpartition(".")[2]
                if made_by in _USES:
                    yield AppPlace(file, node.lineno, made_by, _USES[made_by].format(app=name), MODULE in text)
