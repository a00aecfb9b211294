"""
Where the control groups of a host can be made, version 2 or 1, and the files by which the kernel limits and counts.

Version 2 has one folder for all controllers. A group may have groups below it with limits of their own only if the
controllers are passed on (``cgroup.subtree_control``), and a group that passes them on has no processes of its own. So
the lab looks for the nearest group around its own that passes on ``cpu`` and ``memory``; in a scope that systemd has
delegated to it, it makes one. Version 1 has a tree for each controller, and its own place in each.

Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1 of the Linux kernel.
"""

import os
from pathlib import Path
from typing import NamedTuple

from functune.errors import UsageError
from functune.formatting import joined
from functune.machine import MOUNT, OWN_GROUPS, is_version2, own_places, place_in, version1_tree

PERIOD_US = 100_000
"""The kernel's default period of a quota: a quarter of a core is 25 ms in every 100 ms."""
LAB = "functune-lab"
"""The group into which the lab moves itself where its scope is delegated."""
_NEEDED = {"cpu", "memory"}


class GroupPlaces(NamedTuple):
    """The groups below which those of hosts are made: the same folder twice for version 2."""

    cpu: Path
    memory: Path

    def below(self, name: str) -> "ControlGroups":
        """The groups of one host, which need not exist."""
        return ControlGroups(self.cpu / name, self.memory / name)


class ControlGroups(NamedTuple):
    """The groups of one host: the same folder twice for version 2."""

    cpu: Path
    memory: Path

    @property
    def folders(self) -> tuple[Path, ...]:
        """Each folder once."""
        return tuple(dict.fromkeys(self))

    @property
    def cpu_stat(self) -> Path:
        """The counts of periods, and of those in which the quota was used up."""
        return self.cpu / "cpu.stat"

    def limit_memory(self, memory_mb: int) -> None:
        """Limit the memory, without swap: what does not fit is to be seen. Raises OSError."""
        limit = str(memory_mb * 2**20)
        if (self.memory / "memory.max").exists():
            (self.memory / "memory.max").write_text(limit)
            swap, swapped = self.memory / "memory.swap.max", "0"
        else:
            (self.memory / "memory.limit_in_bytes").write_text(limit)
            swap, swapped = self.memory / "memory.memsw.limit_in_bytes", limit  # of memory and swap together
        if swap.exists():  # not where the kernel does not account for swap
            swap.write_text(swapped)

    def limit_cores(self, cores: float | None) -> None:
        """Limit the cores; None removes the limit. Raises OSError."""
        quota = None if cores is None else round(cores * PERIOD_US)
        if (self.cpu / "cpu.max").exists():
            (self.cpu / "cpu.max").write_text(f"{'max' if quota is None else quota} {PERIOD_US}")
        else:
            (self.cpu / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self.cpu / "cpu.cfs_quota_us").write_text(str(-1 if quota is None else quota))

    def prefer(self) -> None:
        """Have the host get a core before other programs. Raises OSError."""
        if (self.cpu / "cpu.weight").exists():
            (self.cpu / "cpu.weight").write_text("10000")
        else:
            (self.cpu / "cpu.shares").write_text("262144")  # both are the most that there is

    def memory_kills(self) -> int:
        """The processes in it that the kernel has killed for their memory; 0 once the group is gone."""
        for name in ("memory.events", "memory.oom_control"):
            if (self.memory / name).exists():
                return counts_in(self.memory / name).get("oom_kill", 0)
        return 0

    def processes(self) -> set[int]:
        """The processes in one of its folders; none once they are gone."""
        return set().union(*map(processes_in, self.folders))

    def hold(self, pid: int) -> bool:
        """Whether both limits apply to a process."""
        return all(pid in processes_in(folder) for folder in self.folders)


def processes_in(folder: Path) -> set[int]:
    """The processes in a group; none where there is no such group."""
    procs = folder / "cgroup.procs"
    return {int(pid) for pid in procs.read_text().split()} if procs.exists() else set()


def counts_in(path: Path) -> dict[str, int]:
    """The numbers of a file of lines such as ``nr_periods 12``."""
    words = (line.split() for line in path.read_text().splitlines())
    return {name: int(value) for name, value in words}


def find_places(mount: Path = MOUNT, own_groups: Path = OWN_GROUPS) -> GroupPlaces:
    """Where groups can be made. Raises UsageError with the reason where there is no such place."""
    if not own_groups.exists():
        raise UsageError("this system has no control groups, which only Linux has")
    own = dict(own_places(own_groups.read_text()))
    if is_version2(mount):
        place = version2_place(mount, own.get("", "/"))
        return GroupPlaces(place, place)
    found = {name: version1_place(mount, name, own.get(name, "/")) for name in sorted(_NEEDED)}
    return GroupPlaces(**found)


def version2_place(mount: Path, own: str) -> Path:
    """The nearest group around that of the lab that passes cpu and memory on. Raises UsageError."""
    here = mount / own.lstrip("/")
    for place in (here, *here.parents):
        if words_in(place / "cgroup.subtree_control") >= _NEEDED and os.access(place, os.W_OK):
            return place
        if place == mount:
            break
    if words_in(here / "cgroup.controllers") >= _NEEDED and os.access(here / "cgroup.procs", os.W_OK):
        if words_in(here / "cgroup.procs") == {str(os.getpid())}:
            return delegated_place(here)
        raise UsageError(f"the control group {here} has other processes too, so it cannot have limits below it")
    if missing := _NEEDED - words_in(here / "cgroup.controllers"):
        raise UsageError(f"the control group {here} does not get {joined(sorted(missing))} from those around it")
    raise UsageError(f"no control group from {here} up to {mount} passes cpu and memory on to groups of this user")


def delegated_place(here: Path) -> Path:
    """The lab's own group, from which the lab has moved into one below. Raises UsageError."""
    try:
        (here / LAB).mkdir(exist_ok=True)
        (here / LAB / "cgroup.procs").write_text(str(os.getpid()))
        (here / "cgroup.subtree_control").write_text("+cpu +memory")
    except OSError as error:
        raise UsageError(f"the control group {here} cannot pass on cpu and memory: {error.strerror}") from error
    return here


def version1_place(mount: Path, controller: str, own: str) -> Path:
    """The lab's own group of a controller; in a container its path may be one of the outside. Raises UsageError."""
    tree = version1_tree(mount, controller)
    if tree is None:
        raise UsageError(f"{mount} has no control groups of {controller}")
    place = place_in(tree, own)
    if not os.access(place, os.W_OK):
        raise UsageError(f"the control group {place} may not be written by this user")
    return place


def words_in(path: Path) -> set[str]:
    """The words of a file; none where there is none, or where it may not be read."""
    try:
        return set(path.read_text().split())
    except OSError:
        return set()
