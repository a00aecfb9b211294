"""
Where the packages of an app come from.

In this order: the folder that a remote build or ``pip install --target`` makes; the environment of the interpreter that
``--python`` names; the activated environment; ``.venv`` and ``venv`` of the app. The first that is there is used alone.
"""

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from functune.environ import activated_environment
from functune.packages.interpreter import Interpreter, named_interpreter, own_interpreter
from functune.packages.virtual_environment import VirtualEnvironment

PACKAGE_FOLDER = Path(".python_packages") / "lib" / "site-packages"
"""The folder that Azure's remote build makes in the script root."""
OWN_ENVIRONMENTS = (".venv", "venv")
"""Folders of the script root that hold an environment of the app by custom."""


class PackageSource(Enum):
    """The kind of place that an app's packages come from."""

    FOLDER = auto()
    """``.python_packages`` of the app."""
    ENVIRONMENT = auto()
    """An environment of the app."""
    SHARED = auto()
    """
    The environment in which functune runs, chosen as the app's own.

    Only the packages that requirements.txt names count as the app's, with all that these require.
    """
    NONE = auto()
    """There is no place with packages of the app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPackages:
    """The place that an app's packages come from, and the interpreter for its workers."""

    script_root: Path
    source: PackageSource
    interpreter: Interpreter
    """The interpreter that runs functune, or the one that ``--python`` names."""
    python: Path | None = None
    """The interpreter of the app's environment, with which the workers run; None for that of a worker environment."""
    folders: tuple[Path, ...] = ()
    """The package folders of the place, in the order of sys.path."""
    looked: tuple[str, ...] = ()
    """The places that come before it, each with the reason why it is not used."""


def find_app_packages(script_root: Path, *, python: str | None = None, within: Path | None = None) -> AppPackages:
    """
    Find the packages of the app in ``script_root``; ``python`` is the value of ``--python``.

    An app without an environment of its own has that of the folders around it, up to the folder ``within``.

    Raises UsageError for a ``python`` that is not an interpreter of 3.13 or later.
    """
    interpreter = own_interpreter() if python is None else named_interpreter(python)
    folder = script_root / PACKAGE_FOLDER
    if folder.is_dir():
        return AppPackages(
            script_root=script_root, source=PackageSource.FOLDER, interpreter=interpreter, folders=(folder,)
        )
    looked = [f"{folder}: no such folder"]
    if python is not None:
        is_own = interpreter.prefix == own_interpreter().prefix
        return AppPackages(
            script_root=script_root,
            source=PackageSource.SHARED if is_own else PackageSource.ENVIRONMENT,
            interpreter=interpreter,
            python=None if is_own else interpreter.executable,
            folders=() if is_own else interpreter.site_packages,
            looked=tuple(looked),
        )
    return _discovered(script_root, interpreter, looked, around=folders_up_to(script_root, within))


def folders_up_to(folder: Path, within: Path | None) -> list[Path]:
    """The folder, and those around it up to ``within`` where that is one of them."""
    if within is None or within not in folder.parents:
        return [folder]
    return [folder, *(parent for parent in folder.parents if parent.is_relative_to(within))]


def _discovered(script_root: Path, interpreter: Interpreter, looked: list[str], *, around: list[Path]) -> AppPackages:
    """The packages of the activated environment or the app's own one."""
    own_prefix = own_interpreter().prefix
    activated = activated_environment()
    if activated is None:
        looked.append("VIRTUAL_ENV: not set, so no environment is activated")
    elif Path(activated).resolve() == own_prefix:
        looked.append(f"VIRTUAL_ENV, {activated}: the environment of functune, whose packages are not the app's")
        activated = None
    places = {f"VIRTUAL_ENV, {activated}": Path(activated)} if activated else {}
    own = {str(folder / name): folder / name for folder in around for name in OWN_ENVIRONMENTS}
    for place, path in (places | own).items():
        if path.resolve() == own_prefix:
            return AppPackages(
                script_root=script_root, source=PackageSource.SHARED, interpreter=interpreter, looked=tuple(looked)
            )
        environment = VirtualEnvironment(path)
        if (reason := _unfit(environment, interpreter)) is None:
            return AppPackages(
                script_root=script_root,
                source=PackageSource.ENVIRONMENT,
                interpreter=interpreter,
                python=environment.python,
                folders=(environment.site_packages(interpreter.library),),
                looked=tuple(looked),
            )
        looked.append(f"{place}: {reason}")
    return AppPackages(
        script_root=script_root, source=PackageSource.NONE, interpreter=interpreter, looked=tuple(looked)
    )


def _unfit(environment: VirtualEnvironment, interpreter: Interpreter) -> str | None:
    """Why the environment cannot be used by workers of ``interpreter``; None when it can."""
    if not environment.path.is_dir():
        return "no such folder"
    if environment.site_packages(interpreter.library).is_dir():
        if environment.python.exists():
            return None
        return f"its interpreter {environment.python} is missing; make the environment again"
    libraries = environment.libraries()
    if not libraries:
        return "not a virtual environment"
    return (
        f"it is for {', '.join(libraries)}, the workers run {interpreter.library}; "
        f"--python {environment.python} runs them with it, from Python 3.13 on"
    )
