"""
The file that Locust's master hands to load processes which the reader starts: the plan of the load and its data.

Such a process asks the master for its files (``locust -f - --worker``), as Locust's own distributed mode has it. The
file that it gets needs functune for the rest, so the same version has to be installed there.
"""

import atexit
import base64
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

from functune.environ import process_environ, set_missing
from functune.experiments.inputs import read_input
from functune.load.plan_file import plan_variables
from functune.load.records import LoadPlan, read_plan

LOAD_FILE = "functune_load.py"
TEMPLATE = '''"""Written by functune for one load, and handed to its load processes by Locust."""

import os

if "FUNCTUNE_LOAD_PLAN" not in os.environ:  # in the master it is
    from functune.load.worker_files import receive_plan

    receive_plan(version={version!r}, plan={plan!r}, files={files!r})

from functune.load.planned_load import *  # noqa: E402, F403
'''


def write_load_file(plan: LoadPlan, folder: Path) -> Path:
    """Write the file into a folder. Raises ExperimentError for a file of the plan that cannot be read."""
    names = {name for each in plan.requests for name in (each.body_file, each.values) if name is not None}
    files = {name: base64.b64encode(read_input(Path(plan.folder), name)).decode() for name in sorted(names)}
    path = folder / LOAD_FILE
    text = TEMPLATE.format(
        version=version("functune"), plan=msgspec.json.encode(plan.for_any_machine).decode(), files=files
    )
    path.write_text(text, encoding="utf-8")
    return path


def receive_plan(*, version: str, plan: str, files: Mapping[str, str]) -> None:
    """
    Put the plan and its data into a folder of this process, and the variables of the plan into its environment.

    Ends the process, with the reason, where another version of functune is installed or a secret is not set.
    """
    from importlib.metadata import version as installed_version

    if (installed := installed_version("functune")) != version:
        raise SystemExit(f"functune {version} leads this load, and {installed} is installed here: install {version}")
    wanted = read_plan(plan)
    if missing := sorted(name for name in wanted.secrets if name not in process_environ()):
        raise SystemExit(f"set {', '.join(missing)} in the environment of this machine: the requests need it")
    folder = Path(tempfile.mkdtemp(prefix="functune-load-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(base64.b64decode(content))
    set_missing(plan_variables(msgspec.structs.replace(wanted, folder=str(folder)), folder))
