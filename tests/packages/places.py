"""Apps in folders of their own, with packages made by hand or environments made by venv."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.host.serving import APPS, Serving, wait_until

PACKAGE_FOLDER = ".python_packages/lib/site-packages"
LIBRARY = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def copied_app(folder: Path) -> Path:
    """The app that says where its modules come from, in a folder of its own."""
    shutil.copytree(APPS / "imports", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def write_packages(folder: Path, *names: str) -> Path:
    """A package with nothing in it for each name."""
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
    return folder


def make_environment(folder: Path, *packages: str) -> Path:
    """A virtual environment without pip, with empty packages of these names."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    write_packages(folder / LIBRARY, *packages)
    return folder


def after_installing(host: Serving) -> Serving:
    """The host once it serves or has ended: it installs packages first, for which a busy machine may need a minute."""
    wait_until(
        lambda: "Host started" in host.text or host.process.poll() is not None, "end of the installation", timeout=300
    )
    return host
