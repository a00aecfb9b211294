"""The error of an app that cannot be loaded."""

import re

from functune.errors import AppError
from functune.host.app_frames import app_frames
from functune.host.messages import RpcException
from functune.packages.app_packages import AppPackages
from functune.packages.missing_package import missing_package_help

_RUNTIME_ADVICE = re.compile(r"\. Cannot find module\. .*", re.DOTALL)
"""What the runtime adds to an ImportError. Its sys.path is that of the worker before it has shown the app."""
_MISSING = "ModuleNotFoundError: "


def load_error(exception: RpcException, app: AppPackages) -> AppError:
    """The error with the cause, the lines of the app that lead to it, and help where a package is missing."""
    cause = _RUNTIME_ADVICE.sub("", exception.message)
    lines = [cause, *app_frames(exception.stack_trace, app.script_root)]
    if cause.startswith(_MISSING):
        lines += missing_package_help(app)
    return AppError(f"the app in {app.script_root} cannot be loaded: {'\n'.join(lines)}")
