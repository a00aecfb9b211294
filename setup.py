"""
Adds the showcase to the wheel, as functune/showcase/app/. Everything else about the package is in pyproject.toml.

Each file of the showcase stands in the repository once, where Azure's tools expect it, which is outside of functune/.
"""

import runpy
from pathlib import Path

from setuptools import Command, setup
from setuptools.command.build import build

ROOT = Path(__file__).parent
# Not an import: where a wheel is built, neither this folder is on the path nor is any dependency installed.
SHOWCASE_FILES = runpy.run_path(str(ROOT / "functune" / "showcase" / "parts.py"))["showcase_files"]


class BuildShowcase(Command):
    """A step of the build, by the protocol of setuptools.command.build.SubCommand."""

    description = "copy the showcase into the package"
    user_options = ()

    def initialize_options(self) -> None:
        """Set the options that the build sets later."""
        self.build_lib: str | None = None  # the value that means not set
        self.editable_mode = False  # an editable installation finds the files in the checkout

    def finalize_options(self) -> None:
        """Take the folder that the other steps write to."""
        self.set_undefined_options("build_py", ("build_lib", "build_lib"))

    def run(self) -> None:
        """Copy the files."""
        for target, source in self.get_output_mapping().items():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target)

    def get_output_mapping(self) -> dict[str, str]:
        """The source of each file that is written."""
        assert self.build_lib is not None
        folder = Path(self.build_lib, "functune", "showcase", "app")
        return {} if self.editable_mode else {str(folder / file): file for file in self.get_source_files()}

    def get_outputs(self) -> list[str]:
        """The files that are written."""
        return list(self.get_output_mapping())

    def get_source_files(self) -> list[str]:
        """The files that a source distribution needs, relative to the folder of the project."""
        return list(map(str, SHOWCASE_FILES(ROOT)))


class BuildWithShowcase(build):
    """The build with its additional step."""

    sub_commands = (*build.sub_commands, ("build_showcase", None))


setup(cmdclass={"build": BuildWithShowcase, "build_showcase": BuildShowcase})
