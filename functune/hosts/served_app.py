"""The app that a host runs: a folder, and for a web server also the callable in it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServedApp:
    """
    The app in a folder: a function app, or the WSGI or ASGI app that ``entry`` names.

        ServedApp(Path("orders"), entry="src.app:app")
    """

    folder: Path
    entry: str | None = None
    """``module:callable``, as Gunicorn takes it; None for a function app."""
    root: Path | None = None
    """The folder around it whose packages it has where it comes without; None for no other."""

    @property
    def resolved(self) -> Path:
        """The folder as an absolute path."""
        return self.folder.resolve()

    def __str__(self) -> str:
        return str(self.folder) if self.entry is None else f"{self.entry} in {self.folder}"
