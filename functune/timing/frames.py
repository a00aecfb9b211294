"""Whose code a frame runs: the reader's own, the standard library's, a package's, or functune's."""

import functools
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

_PACKAGES = frozenset({"site-packages", "dist-packages", ".python_packages", "__pypackages__"})
_FUNCTUNE = str(Path(__file__).parents[1]) + "/"
_STDLIB = tuple(
    f"{path}/" for path in {str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib")}
)
MAX_DEPTH = 200
"""Frames of a stack that are looked at, from the innermost one."""


class ReaderCode:
    """
    Distinguishes the reader's code from all other code, and remembers the answer for each code object.

    The reader's code lies outside the standard library, the installed packages, any virtual environment and functune.
    """

    def __init__(self, script_root: Path) -> None:
        self._root = script_root.resolve()
        self._files: dict[int, tuple[CodeType, str]] = {}
        """By the id of the code, which is kept so that the id stays its own: hashing a code object is slow."""

    def file(self, code: CodeType) -> str:
        """The file of the reader's code, relative to the script root where it lies below it; empty for other code."""
        known = self._files.get(id(code))
        if known is None:
            known = self._files[id(code)] = code, self._file(code.co_filename)
        return known[1]

    def _file(self, name: str) -> str:
        if name.startswith(("<", _FUNCTUNE)) or not name:
            return ""
        path = Path(name).resolve()
        inside = path.is_relative_to(self._root)
        parts = path.relative_to(self._root).parts if inside else path.parts
        if not _PACKAGES.isdisjoint(parts) or str(path).startswith((*_STDLIB, _FUNCTUNE)) or in_venv(path.parent):
            return ""
        return "/".join(parts) if inside else str(path)


@functools.cache
def in_venv(folder: Path) -> bool:
    """Whether a folder lies in a virtual environment."""
    return any((each / "pyvenv.cfg").is_file() for each in (folder, *folder.parents))


@functools.cache
def library_path(name: str) -> str:
    """The path of a library's file below its root, such as ``asyncio/locks.py``."""
    for root in _STDLIB:
        if name.startswith(root) and "site-packages" not in name:
            return name.removeprefix(root)
    for root in ("/site-packages/", "/dist-packages/"):
        if root in name:
            return name.rpartition(root)[2]
    return name.rpartition("/")[2]


def is_functune(code: CodeType) -> bool:
    """Whether the code is functune's own."""
    return code.co_filename.startswith(_FUNCTUNE)


def outward(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of a stack, the innermost one first."""
    for _ in range(MAX_DEPTH):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def label(code: CodeType, line: int, file: str) -> str:
    """A frame as text: ``Orders.take (orders.py:12)``."""
    return f"{code.co_qualname} ({file or library_path(code.co_filename)}:{line})"


def stdlib_code(function: object) -> CodeType:
    """The code object of a function of the standard library, by which its frames are known."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        raise TypeError(f"{function!r} is not written in Python in {sys.version.split()[0]}")
    return code
