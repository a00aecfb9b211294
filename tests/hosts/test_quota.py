"""The quota of an instance: where groups can be made, who is in them, and what is left of them."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from functune.errors import HostError, UnfitError, UsageError
from functune.hosts.control_groups import LAB, ControlGroups, GroupPlaces, find_places
from functune.hosts.kinds import HostKind
from functune.hosts.local import LOCAL_HOST
from functune.hosts.quota import Quota, remedy, require_quota
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.machine import lab_cores
from functune.setting import Setting
from functune.shapes import InstanceShape, shape_of
from tests.host.serving import is_alive, wait_until
from tests.hosts.func_on_path import install_stand_in
from tests.hosts.limited import group_names, groups_left, require_control_groups

SIZED = ServedApp(Path(__file__).parents[1] / "sweep" / "apps" / "sized")
QUARTER = shape_of("flex-512")
TINY = InstanceShape(cores=0.5, memory_mb=24)
"""Too little memory for any host of Python."""
WITHIN = 30.0
"""Seconds."""


@pytest.mark.parametrize("name", ["local", "gunicorn:gthread", "uvicorn"])
async def test_front_and_workers_of_a_host_have_the_quota_together(name: str) -> None:
    places = require_control_groups()
    kind: HostKind = host_kind(name)
    setting = Setting(process_count=2, instance=QUARTER)
    kind.require_settable([setting], with_target=[])
    async with kind.running(SIZED, setting=setting) as host:
        assert host.pid is not None
        assert host.quota is not None
        processes = [host.pid, *(child.pid for child in psutil.Process(host.pid).children(recursive=True))]
        assert len(processes) > 2
        groups = host.quota.groups
        assert {found for pid in processes for found in group_names(pid)} >= {groups.cpu.name}
        assert all(groups.hold(pid) for pid in processes)
        assert not groups.hold(os.getpid())
        assert groups_left(places)
    assert groups_left(places) == []


async def test_host_that_does_not_fit_while_it_starts_says_so() -> None:
    places = require_control_groups()
    ended = "(1 process|[2-9] processes) of the host"  # the kernel may end more than the first before it is noticed
    with pytest.raises(UnfitError, match=rf"^does not fit 24 MB: while the host started, the kernel ended {ended}"):
        async with LOCAL_HOST.running(SIZED, setting=Setting(instance=TINY)):
            pass
    assert groups_left(places) == []


LAB_PROGRAM = f"""
import asyncio, sys
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.setting import Setting
from functune.shapes import shape_of
from pathlib import Path

async def main():
    async with host_kind(sys.argv[1]).running(ServedApp(Path({str(SIZED.folder)!r})),
                                              setting=Setting(instance=shape_of("flex-512"))) as host:
        print(host.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.fault
@pytest.mark.parametrize("name", ["local", "gunicorn:gthread"])
def test_nothing_is_left_of_the_quota_of_a_lab_that_is_killed(name: str) -> None:
    places = require_control_groups()
    lab = subprocess.Popen([sys.executable, "-c", LAB_PROGRAM, name], stdout=subprocess.PIPE, text=True)
    assert lab.stdout is not None
    host = int(lab.stdout.readline())
    assert groups_left(places, lab.pid)
    lab.send_signal(signal.SIGKILL)
    lab.wait()
    wait_until(lambda: groups_left(places, lab.pid) == [], "end of the groups")
    wait_until(lambda: not is_alive(host), "end of the host")
    lab.stdout.close()


async def test_guard_kills_what_the_host_leaves_behind() -> None:
    places = require_control_groups()
    quota = await Quota.make(QUARTER)
    left = await asyncio.create_subprocess_exec(*quota.confined(["sleep", "600"]))
    wait_until(lambda: quota.groups.hold(left.pid), "process in the groups")
    await quota.remove()
    assert await asyncio.wait_for(left.wait(), WITHIN) == -signal.SIGKILL
    assert groups_left(places) == []


async def test_quota_of_a_process_outside_of_its_groups_is_refused() -> None:
    require_control_groups()
    quota = await Quota.make(QUARTER)
    try:
        with pytest.raises(HostError, match=f"process {os.getpid()} of the host is not in its control group"):
            quota.limit_cores(os.getpid())
    finally:
        await quota.remove()


def test_shape_larger_than_the_machine_is_refused() -> None:
    cores = lab_cores()
    with pytest.raises(
        UsageError, match=rf"has {cores + 1:g} cores and 512 MB, and this process may use {cores:g} core.*allowed"
    ):
        require_quota(InstanceShape(cores=cores + 1, memory_mb=512))
    with pytest.raises(UsageError, match=r"allowed is a shape that is not larger"):
        require_quota(InstanceShape(cores=0.5, memory_mb=2**30))


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("func", 'instance is flex-512, which this host cannot limit: allowed is "unset"'),
        ("http://127.0.0.1:1", 'on the instance it has: instance is flex-512, allowed is "unset"'),
    ],
)
def test_host_that_cannot_be_limited_refuses_an_instance(
    host: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_stand_in(tmp_path, monkeypatch)
    with pytest.raises(UsageError) as raised:
        host_kind(host).require_settable([Setting(instance=QUARTER)], with_target=[])
    assert said in str(raised.value)


def tree(mount: Path, files: dict[str, str]) -> Path:
    """Files as the kernel has them."""
    for name, text in files.items():
        (mount / name).parent.mkdir(parents=True, exist_ok=True)
        (mount / name).write_text(text)
    return mount


def scope(*pids: int) -> dict[str, str]:
    """The files of a scope that the controllers reach, with some processes."""
    names = ("cgroup.controllers", "scope/cgroup.controllers")
    return dict.fromkeys(names, "cpu memory\n") | {"scope/cgroup.procs": "".join(f"{pid}\n" for pid in pids)}


def own_groups(folder: Path, text: str) -> Path:
    path = folder / "own"
    path.write_text(text)
    return path


def test_groups_of_version_2_are_made_where_the_controllers_are_passed_on(tmp_path: Path) -> None:
    passed = {"cgroup.subtree_control": "cpu memory\n", "user/cgroup.subtree_control": "cpu memory pids\n"}
    own = {"cgroup.controllers": "cpu io memory\n", "user/session/cgroup.subtree_control": "\n"}
    mount = tree(tmp_path / "cgroup", passed | own)
    found = find_places(mount, own_groups(tmp_path, "0::/user/session\n"))
    assert found == GroupPlaces(mount / "user", mount / "user")


def test_lab_in_a_delegated_scope_makes_room_for_groups_below_it(tmp_path: Path) -> None:
    mount = tree(tmp_path / "cgroup", scope(os.getpid()))
    assert find_places(mount, own_groups(tmp_path, "0::/scope\n")).cpu == mount / "scope"
    assert (mount / "scope" / LAB / "cgroup.procs").read_text() == str(os.getpid())
    assert (mount / "scope" / "cgroup.subtree_control").read_text() == "+cpu +memory"


def test_scope_with_other_processes_is_refused(tmp_path: Path) -> None:
    mount = tree(tmp_path / "cgroup", scope(1, os.getpid()))
    with pytest.raises(UsageError, match="has other processes too"):
        find_places(mount, own_groups(tmp_path, "0::/scope\n"))


def test_groups_that_nobody_may_make_are_refused(tmp_path: Path) -> None:
    mount = tree(tmp_path / "cgroup", {"cgroup.controllers": "cpu memory\n", "scope/cgroup.controllers": "memory\n"})
    with pytest.raises(UsageError, match=r"scope does not get cpu from those around it$"):
        find_places(mount, own_groups(tmp_path, "0::/scope\n"))
    tree(mount, {"scope/cgroup.controllers": "cpu memory\n"})
    with pytest.raises(UsageError, match="passes cpu and memory on to groups of this user"):
        find_places(mount, own_groups(tmp_path, "0::/scope\n"))
    with pytest.raises(UsageError, match="has no control groups of cpu"):
        find_places(tmp_path / "none", own_groups(tmp_path, "0::/\n"))
    with pytest.raises(UsageError, match="this system has no control groups"):
        find_places(mount, tmp_path / "missing")


def test_refusal_says_what_to_run(tmp_path: Path) -> None:
    assert "Run the command as root" in remedy(tmp_path)
    mount = tree(tmp_path, {"cgroup.controllers": "cpu memory\n"})
    assert "`systemd-run --user --scope -p Delegate=yes functune sweep …`" in remedy(mount)


def test_groups_of_version_1_are_made_in_the_own_place_of_each_controller(tmp_path: Path) -> None:
    mount = tmp_path / "cgroup"
    (mount / "cpu,cpuacct").mkdir(parents=True)
    (mount / "memory" / "lab").mkdir(parents=True)
    own = own_groups(tmp_path, "4:memory:/lab\n3:cpu,cpuacct:/docker/outside\n0::/\n")
    assert find_places(mount, own) == GroupPlaces(cpu=mount / "cpu,cpuacct", memory=mount / "memory" / "lab")


def test_limits_are_written_in_the_words_of_each_version(tmp_path: Path) -> None:
    empty = dict.fromkeys(("cpu.max", "memory.max", "memory.swap.max"), "")
    second = tree(tmp_path / "2", empty | {"memory.events": "low 0\noom_kill 3\n"})
    groups = ControlGroups(second, second)
    groups.limit_memory(512)
    groups.limit_cores(0.25)
    written = {name: (second / name).read_text() for name in ("cpu.max", "memory.max", "memory.swap.max")}
    assert written == {"cpu.max": "25000 100000", "memory.max": "536870912", "memory.swap.max": "0"}
    groups.limit_cores(None)
    assert (second / "cpu.max").read_text() == "max 100000"
    assert groups.memory_kills() == 3
