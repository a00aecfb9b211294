"""The help for an app that imports a package which is not there."""

import shlex
from pathlib import Path

from functune.environ import cache_folder
from functune.packages.app_packages import PACKAGE_FOLDER, AppPackages, PackageSource
from functune.packages.interpreter import own_interpreter
from functune.packages.requirements import REQUIREMENTS


def missing_package_help(app: AppPackages) -> list[str]:
    """Where the packages of the app were looked for, and the command that installs what is missing, as lines."""
    return ["Packages were looked for in:", *(f"  {line}" for line in (*app.looked, _used(app))), _remedy(app)]


def _used(app: AppPackages) -> str:
    match app.source:
        case PackageSource.NONE:
            return "the packages of the worker, such as azure-functions"
        case PackageSource.SHARED:
            file = app.script_root / REQUIREMENTS
            named = f"only those that {file} names count as the app's" if file.is_file() else f"there is no {file}"
            return f"{own_interpreter().prefix}: the environment of functune, of whose packages {named}"
        case PackageSource.FOLDER | PackageSource.ENVIRONMENT:
            return f"{', '.join(map(str, app.folders))}: used"


def _remedy(app: AppPackages) -> str:
    file = app.script_root / REQUIREMENTS
    command = shlex.join(_install_command(app, file))
    if not file.is_file():
        return f"Azure installs from {file}, which does not exist: name the package there, then run: {command}"
    if _is_installed(app.python):
        return (
            f"The packages that {file} names are installed, and the missing one is not among them, so it is missing on "
            f"Azure as well: add it to that file, then run: {command}"
        )
    other = ", or name an interpreter that has them with --python PATH" if app.source is PackageSource.NONE else ""
    return (
        f"To install the packages that {file} names, run: {command}{other}. "
        "A package that it does not name is missing on Azure as well"
    )


def _install_command(app: AppPackages, file: Path) -> list[str]:
    if app.source is PackageSource.FOLDER:
        target = str(app.script_root / PACKAGE_FOLDER)
        return [str(app.interpreter.executable), "-m", "pip", "install", "--target", target, "-r", str(file)]
    if app.source is PackageSource.NONE or _is_installed(app.python):
        return ["functune", "serve", "--script-root", str(app.script_root), "--install"]
    python = str(app.python or app.interpreter.executable)
    folders = app.folders or app.interpreter.site_packages
    if not any((folder / "pip").is_dir() for folder in folders):  # as uv makes environments
        return ["uv", "pip", "install", "--python", python, "-r", str(file)]
    return [python, "-m", "pip", "install", "-r", str(file)]


def _is_installed(python: Path | None) -> bool:
    """Whether ``--install`` has made the environment of the interpreter."""
    return python is not None and python.is_relative_to(cache_folder())
