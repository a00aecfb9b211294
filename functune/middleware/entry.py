"""The callable that ``module:callable`` names, loaded as Gunicorn loads it."""

import ast
import re
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from functune.environ import app_entry, in_process_root
from functune.errors import AppError, UsageError
from functune.host.app_frames import app_frames

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_MAY_BE = re.compile(r"app|application|api|create_app|make_app|wsgi|asgi", re.IGNORECASE)
"""Names that an app has by custom."""


class Entry(NamedTuple):
    """A parsed ``module:callable``."""

    module: str
    names: tuple[str, ...]
    """The name in the module, and those of attributes below it."""
    arguments: tuple[Any, ...] | None
    """The arguments of a factory such as ``create_app("test")``; None for a callable that is the app itself."""
    named: dict[str, Any]
    """The named arguments of a factory."""


def parse_entry(text: str) -> Entry:
    """
    Parse ``src.app:app``, ``src.app:container.app`` or ``src.app:create_app(debug=False)``.

    Raises UsageError for any other form.
    """
    module, colon, expression = text.partition(":")
    try:
        node = ast.parse(expression.strip(), mode="eval").body if _MODULE.fullmatch(module) and colon else None
        arguments, named = None, {}
        if isinstance(node, ast.Call):
            arguments = tuple(ast.literal_eval(each) for each in node.args)
            named = {each.arg: ast.literal_eval(each.value) for each in node.keywords if each.arg is not None}
            node = node.func
    except (SyntaxError, ValueError):
        node = None
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        hint = f"; for a file, such as {text}, that is {as_module(text)}" if ".py" in text or "/" in text else ""
        raise UsageError(
            f"--app {text}: allowed is MODULE:CALLABLE, such as src.app:app or src.app:create_app(), with the module "
            f"as Python imports it from the folder of the app{hint}"
        )
    return Entry(module, (node.id, *names), arguments, named)


def as_module(text: str) -> str:
    """An entry for a text that names a file: ``src/app.py`` is ``src.app:app``."""
    file, _, expression = text.partition(":")
    return f"{file.removesuffix('.py').strip('./').replace('/', '.')}:{expression or 'app'}"


def app_of_process() -> Any:
    """The app of this process, by its environment. Raises AppError."""
    root = in_process_root().resolve()
    # First, as Gunicorn's --chdir puts it: another module of the same name must not be found before.
    sys.path.insert(0, str(root))
    return app_at(app_entry(), root)


def app_at(text: str, root: Path) -> Any:
    """
    The app that the entry names below a folder that is on ``sys.path``.

    Raises UsageError where there is no such name, AppError with the lines of the app where loading it fails.
    """
    entry = parse_entry(text)
    try:
        found: Any = import_module(entry.module)
        for place, name in enumerate(entry.names):
            if not hasattr(found, name):
                raise UsageError(_no_such_name(entry, place, root))
            found = getattr(found, name)
        return found if entry.arguments is None else found(*entry.arguments, **entry.named)
    except UsageError:
        raise
    except BaseException as error:  # an app may also end its process when it is imported
        if isinstance(error, ModuleNotFoundError) and f"{entry.module}.".startswith(f"{error.name}."):
            raise UsageError(f"--app {text}: there is no module {error.name} in {root}") from error
        raise AppError(_load_failure(text, error, root)) from error


def _no_such_name(entry: Entry, place: int, root: Path) -> str:
    """The message about a name that the module lacks, with the names that it may have under."""
    module = sys.modules[entry.module]
    path = Path(module.__file__ or "")
    file = path.relative_to(root) if path.is_relative_to(root) else path
    holder = ".".join((entry.module, *entry.names[:place]))
    others = sorted(name for name in vars(module) if _MAY_BE.fullmatch(name) and callable(getattr(module, name)))
    has = f"; it has {', '.join(others)}" if others and place == 0 else ""
    return f"--app {entry.module}:{'.'.join(entry.names)}: {holder} ({file}) has no {entry.names[place]}{has}"


def _load_failure(text: str, error: BaseException, root: Path) -> str:
    """The message about an app whose import or factory failed, with the lines of the app that lead to it."""
    cause = "".join(traceback.format_exception_only(error)).rstrip().splitlines()[-1]
    frames = app_frames("".join(traceback.format_exception(error)), root)
    return "\n".join([f"the app {text} in {root} cannot be loaded: {cause}", *frames])
