"""The modules of a folder that make a WSGI or ASGI app, and the one whose code is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from functune.doctor.reading.app_service import AppServiceReading

APP_NAME = "app"
"""The name that an application has by custom."""


class WebModule(NamedTuple):
    """The module of a web app."""

    file: Path
    folder: Path
    """The folder that it is imported from."""

    @property
    def name(self) -> str:
        """Dotted, as it is imported from that folder."""
        return dotted_name(self.file, self.folder)


def web_module(root: Path, hosting: AppServiceReading | None) -> WebModule | None:
    """
    The module that a web server imports; None where the folder has none.

    Where the platform finds no app, it is the first module that makes one, so that its code is read nevertheless.
    """
    if hosting is None:
        return None
    found = hosting.module_file()
    return WebModule(*found) if found is not None else next(app_modules(root), None)


def app_modules(root: Path) -> Iterator[WebModule]:
    """The modules in the folder and one level below it that make an application with the name app."""
    for file in sorted([*root.glob("*.py"), *root.glob("*/*.py")]):
        is_hidden = file.relative_to(root).parts[0].startswith((".", "_"))
        if not is_hidden and f"\n{APP_NAME} = " in f"\n{file.read_text('utf-8', 'replace')}":
            is_package = (file.parent / "__init__.py").is_file()
            yield WebModule(file, root if is_package else file.parent)


def dotted_name(file: Path, folder: Path) -> str:
    """The name of the module in a file, as it is imported from a folder."""
    return ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
