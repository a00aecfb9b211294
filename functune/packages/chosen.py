"""The interpreter whose packages an app gets: one that is named, or that of an environment made for the app."""

from pathlib import Path

from functune.errors import UsageError
from functune.packages.app_packages import PACKAGE_FOLDER
from functune.packages.interpreter import named_interpreter, own_interpreter
from functune.packages.virtual_environment import ReportProgress


def app_python(script_root: Path, *, python: str | None, install: bool, report: ReportProgress) -> str | None:
    """
    The interpreter whose packages the app gets; None for the packages that the app comes with.

    With ``install`` the packages of requirements.txt are put into a cached environment, and ``report`` is given each
    line of the installer. Raises UsageError for choices that do not fit, InstallError when the packages cannot be
    installed.
    """
    named = None if python is None else named_interpreter(python)
    if not install:
        return None if named is None else str(named.executable)
    if (script_root / PACKAGE_FOLDER).is_dir():
        raise UsageError(
            f"--install: {script_root / PACKAGE_FOLDER} exists and comes first, as on Azure; "
            "omit --install, or delete that folder"
        )
    # Imported here, since few hosts are started with --install.
    from functune.packages.install import installed_environment

    return str(installed_environment(script_root.resolve(), named or own_interpreter(), report).python)
