"""Python interpreters: the one that runs functune, and others by their path."""

import json
import shutil
import site
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functune.errors import UsageError

OLDEST = (3, 13)
"""The version at which Microsoft's worker runtime starts."""
_ANSWER_TIMEOUT = 30.0
"""Seconds an interpreter may take to describe itself."""
_DESCRIBE = """
import json, site, sys, sysconfig
print(json.dumps({
    "executable": sys.executable,
    "version": list(sys.version_info[:3]),
    "abi": sysconfig.get_config_var("SOABI") or "",
    "prefix": sys.prefix,
    "library": sysconfig.get_path("stdlib"),
    "site_packages": site.getsitepackages(),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One Python, in a virtual environment or outside of one."""

    executable: Path
    version: tuple[int, int, int]
    abi: str
    """The ABI of its extension modules, such as ``cpython-313-x86_64-linux-gnu``."""
    prefix: Path
    """The folder of its environment, resolved."""
    library: str
    """The name of its library folder, such as ``python3.13``, which is the same in its virtual environments."""
    site_packages: tuple[Path, ...]

    @property
    def words(self) -> str:
        """Such as ``Python 3.13.0``."""
        return f"Python {'.'.join(map(str, self.version))}"

    @property
    def identity(self) -> list[str]:
        """The texts that distinguish it from others, for the key of an environment."""
        return [str(self.executable.resolve()), self.words, self.abi]


def own_interpreter() -> Interpreter:
    """The interpreter that runs functune."""
    return Interpreter(
        executable=Path(sys.executable),
        version=sys.version_info[:3],
        abi=sysconfig.get_config_var("SOABI") or "",
        prefix=Path(sys.prefix).resolve(),
        library=Path(sysconfig.get_path("stdlib")).name,
        site_packages=tuple(map(Path, site.getsitepackages())),
    )


def named_interpreter(name: str) -> Interpreter:
    """
    The interpreter that ``--python`` names: a path, or a command on the PATH.

    Raises UsageError when there is none, when it does not run, and when it is older than 3.13.
    """
    found = shutil.which(name)
    if found is None:
        raise UsageError(
            f"--python {name}: there is no such program; it takes the path of a Python interpreter, such as "
            ".venv/bin/python, or its name on the PATH"
        )
    described = _described(found, name)
    version = tuple(described["version"])
    if version < OLDEST:
        raise UsageError(
            f"--python {name}: it is Python {'.'.join(map(str, version))}; Microsoft's worker runtime needs "
            f"Python {'.'.join(map(str, OLDEST))} or later"
        )
    return Interpreter(
        # Not the path found, which can be a script that starts a Python, nor resolved: a link selects an environment.
        executable=Path(described["executable"]),
        version=version,
        abi=described["abi"],
        prefix=Path(described["prefix"]).resolve(),
        library=Path(described["library"]).name,
        site_packages=tuple(map(Path, described["site_packages"])),
    )


def _described(program: str, name: str) -> dict[str, Any]:
    """The interpreter's description of itself. Raises UsageError with the ``name`` that the user gave."""
    failure = f"--python {name}: {program} does not run as a Python interpreter"
    try:
        done = subprocess.run(
            [program, "-c", _DESCRIBE],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"{failure}: it did not answer within {_ANSWER_TIMEOUT:g} s") from error
    except OSError as error:
        raise UsageError(f"{failure}: {error}") from error
    if done.returncode:
        raise UsageError(f"{failure}: it ended with exit code {done.returncode}: {done.stderr.strip() or 'no message'}")
    try:
        # The last line, since an interpreter can be set up to greet.
        described = dict[str, Any](json.loads(done.stdout.strip().rpartition("\n")[2]))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{failure}: it answered {done.stdout.strip()[:100]!r}") from error
    return described
