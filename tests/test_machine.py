"""The cores and the memory that control groups leave a process."""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from functune.hosts.control_groups import ControlGroups
from functune.machine import cpu_quota, memory_limit_mb
from tests.hosts.limited import require_control_groups

type Files = dict[str, str]

VERSION_2: Files = {"cgroup.controllers": "cpu memory\n"}
UNLIMITED = "9223372036854771712\n"
"""Of version 1: the most pages that a long counts, in bytes."""


def found_in(folder: Path, own: str, files: Files) -> tuple[float | None, int | None]:
    """The cores and the memory for a process in these groups."""
    mount, groups = folder / "cgroup", folder / "own"
    for name, text in files.items():
        (mount / name).parent.mkdir(parents=True, exist_ok=True)
        (mount / name).write_text(text)
    groups.write_text(own)
    return cpu_quota(mount, groups), memory_limit_mb(mount, groups)


def version1(place: str, quota: str, limit: str) -> Files:
    return {
        f"cpu,cpuacct/{place}cpu.cfs_quota_us": quota,
        f"cpu,cpuacct/{place}cpu.cfs_period_us": "100000\n",
        f"memory/{place}memory.limit_in_bytes": limit,
    }


@pytest.mark.parametrize(
    ("own", "files", "found"),
    [
        pytest.param(
            "0::/\n",
            VERSION_2 | {"cpu.max": "200000 100000\n", "memory.max": "536870912\n"},
            (2.0, 512),
            id="version 2, a container with a tree of its own",
        ),
        pytest.param(
            "0::/user/scope\n",
            VERSION_2
            | {"user/cpu.max": "150000 100000\n", "user/scope/cpu.max": "max 100000\n", "user/memory.max": "max\n"},
            (1.5, None),
            id="version 2, limited by a group around its own",
        ),
        pytest.param(
            "0::/../../elsewhere\n",
            VERSION_2 | {"cpu.max": "50000 100000\n", "memory.max": "max\n"},
            (0.5, None),
            id="version 2, a group outside of what is mounted",
        ),
        pytest.param(
            "4:memory:/lab\n3:cpu,cpuacct:/lab\n0::/\n",
            version1("", "-1\n", UNLIMITED) | version1("lab/", "100000\n", "268435456\n"),
            (1.0, 256),
            id="version 1, the own group",
        ),
        pytest.param(
            "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n",
            version1("", "100000\n", "268435456\n"),
            (1.0, 256),
            id="version 1, a path of the outside of a container",
        ),
        pytest.param("4:pids:/\n", {"pids/pids.max": "max\n"}, (None, None), id="no such controller"),
    ],
)
def test_least_limit_of_the_groups_around_a_process_counts(
    own: str, files: Files, found: tuple[float | None, int | None], tmp_path: Path
) -> None:
    assert found_in(tmp_path, own, files) == found


def test_system_without_control_groups_limits_nothing(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path, tmp_path / "missing") is None


SAYS = """
import json, sys
from pathlib import Path
from functune.hosts.quota import require_quota
from functune.errors import UsageError
from functune.run.environment import collect_environment
from functune.shapes import InstanceShape
found = collect_environment(script_root=None, host="", host_kind="local", command=[])
try:
    require_quota(InstanceShape(cores=0.75, memory_mb=64))
except UsageError as error:
    refused = str(error)
print(json.dumps([found.usable_cores, found.cores_said, refused]))
"""


def test_run_in_a_quota_has_no_more_cores_than_that() -> None:
    """As in a container with half a core: the kernel's own group, and not files that look like it."""
    places = require_control_groups()
    groups: ControlGroups = places.below(f"functune-test-{os.getpid()}-{secrets.token_hex(4)}")
    for folder in groups.folders:
        folder.mkdir()
    try:
        groups.limit_cores(0.5)
        entered = " && ".join(f"echo $$ > {folder}/cgroup.procs" for folder in groups.folders)
        command = ["/bin/sh", "-c", f'{entered} && exec "$@"', "sh", sys.executable, "-c", SAYS]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        for folder in groups.folders:
            folder.rmdir()
    cores, words, refused = json.loads(said)
    assert cores == 0.5
    assert words == f"0.5 usable of {os.cpu_count()} cores"
    assert "this process may use 0.5 cores" in refused
