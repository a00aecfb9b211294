"""
The lab for Azure Functions and other web apps in Python: it load-tests an app's settings and says which to set.

    import functune as ft

    run = ft.tune_route("/api/items", script_root="my-app")
    run.rows()

docs/python.md describes the functions. Each is imported when it is first used, so that this import takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functune.api.measuring import run_sweep as run_sweep
    from functune.api.measuring import tune_route as tune_route
    from functune.api.runs import MeasuredRun as MeasuredRun
    from functune.api.runs import compare_runs as compare_runs
    from functune.api.runs import plan_run as plan_run
    from functune.api.runs import read_run as read_run

_MODULES = {
    "run_sweep": "measuring",
    "tune_route": "measuring",
    "MeasuredRun": "runs",
    "compare_runs": "runs",
    "plan_run": "runs",
    "read_run": "runs",
}
"""The module of functune.api that has a name."""


def __getattr__(name: str) -> Any:
    """A name of the API, imported with all that it needs."""
    if name not in _MODULES:
        raise AttributeError(f"module 'functune' has no attribute {name!r}: the API has {', '.join(_MODULES)}")
    return getattr(import_module(f"functune.api.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """The names of the API, for completion."""
    return sorted({*globals(), *_MODULES})
