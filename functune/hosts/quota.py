"""
The cores and the memory of an instance for one host: front and workers together, as a quota and a limit of the kernel.

The load generator stays outside. The memory is limited from the start. The cores are limited once the host is ready,
since a sweep measures the steady state: a quarter of a core would start a host for many seconds.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex
from typing import Self

from functune.environ import child_environ
from functune.errors import HostError, UnfitError, UsageError
from functune.formatting import plural
from functune.hosts.control_groups import ControlGroups, find_places
from functune.hosts.quota_guard import MADE
from functune.machine import MOUNT, is_version2, lab_cores, lab_memory_mb
from functune.setting import Setting
from functune.shapes import InstanceShape, cores_in_words

_ENTER = 'echo $$ > "$1/cgroup.procs" && echo $$ > "$2/cgroup.procs" && shift 2 && exec "$@"'
"""The shell enters the groups and becomes the program, so nothing of the program is ever outside of them."""


class Quota:
    """The control groups of a host while it runs, and the guard that removes them."""

    def __init__(self, shape: InstanceShape, groups: ControlGroups, guard: Process) -> None:
        self.shape = shape
        self.groups = groups
        self._guard = guard

    @classmethod
    async def make(cls, shape: InstanceShape) -> Self:
        """Groups for a host that starts now. Raises HostError, or UsageError where none can be made."""
        groups = find_places().below(new_name())
        guard = await asyncio.create_subprocess_exec(
            *guard_command(shape, groups), stdin=PIPE, stdout=PIPE, env=child_environ({}), start_new_session=True
        )
        quota = cls(shape, groups, guard)
        assert guard.stdout is not None
        try:
            said = (await guard.stdout.readline()).decode().strip()
        except BaseException:  # such as a cancellation: nobody else knows the groups
            await quota.remove()
            raise
        if said != MADE:
            await quota.remove()
            raise HostError(f"no quota could be set for the instance {shape}: {said or 'its guard ended'}")
        return quota

    def confined(self, command: Iterable[str]) -> tuple[str, ...]:
        """The command, run in the groups."""
        return ("/bin/sh", "-c", _ENTER, "sh", str(self.groups.cpu), str(self.groups.memory), *command)

    def limit_cores(self, pid: int) -> None:
        """
        Limit the cores of a host that is ready. Raises HostError where its process is not in the groups.

        An instance has its cores for itself, so other programs do not get them; but the load generator needs one.
        """
        try:
            if self.shape.cores <= lab_cores() - 1:
                self.groups.prefer()
            self.groups.limit_cores(self.shape.cores)
            if self.groups.hold(pid):
                return
        except OSError as error:
            raise HostError(f"the quota of {cores_in_words(self.shape.cores)} could not be set: {error}") from error
        raise HostError(f"process {pid} of the host is not in its control group {self.groups.cpu}")

    def lift_cores(self) -> None:
        """Give the host all cores, so that it ends soon."""
        with contextlib.suppress(OSError):  # the guard removes the groups in any case
            self.groups.limit_cores(None)

    @property
    def memory_kills(self) -> int:
        """The processes of the host that the kernel has killed for their memory."""
        return self.groups.memory_kills()

    def unfit(self, when: str) -> UnfitError | None:
        """That the host does not fit the memory of the instance; None while the kernel has killed nothing for it."""
        if not (kills := self.memory_kills):
            return None
        return UnfitError(
            f"does not fit {self.shape.memory_mb:,} MB: {when}, the kernel ended {plural(kills, 'process')} of the "
            f"host, which used more than the memory of the instance {self.shape}",
            memory_mb=self.shape.memory_mb,
        )

    async def remove(self) -> None:
        """Remove the groups with all that is left in them."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        await self._guard.wait()


def require_quotas(settings: Iterable[Setting]) -> None:
    """Check the instance of each setting. Raises UsageError."""
    for shape in dict.fromkeys(setting.instance for setting in settings if setting.instance is not None):
        require_quota(shape)


def require_quota(shape: InstanceShape) -> None:
    """Check that this machine has the shape and that its kernel lets us limit a host. Raises UsageError."""
    cores, memory_mb = lab_cores(), lab_memory_mb() or 0
    if shape.cores > cores or shape.memory_mb > memory_mb:
        raise UsageError(
            f"instance {shape} has {cores_in_words(shape.cores)} and {shape.memory_mb:,} MB, and this process may use "
            f"{cores_in_words(cores)} and {memory_mb:,} MB of the machine: allowed is a shape that is not larger"
        )
    try:
        groups = find_places().below(new_name())
    except UsageError as error:
        raise UsageError(f"instance {shape} needs a quota, which cannot be set here: {error}. {remedy()}") from error
    tried = subprocess.run(
        guard_command(shape, groups), input="", capture_output=True, text=True, env=child_environ({}), check=False
    )
    if (said := tried.stdout.strip()) != MADE:
        reason = said or tried.stderr.strip().rpartition("\n")[2]
        raise UsageError(f"instance {shape} needs a quota, which cannot be set here: {reason}. {remedy()}")


def remedy(mount: Path = MOUNT) -> str:
    """What to do where no quota can be set, by the version of the control groups."""
    if is_version2(mount):
        return (
            "With systemd, run the same command as `systemd-run --user --scope -p Delegate=yes functune sweep …`; "
            'docs/instance-sizes.md has what older systems need. Or leave instance "unset"'
        )
    return 'Run the command as root, as in many containers. Or leave instance "unset"'


def guard_command(shape: InstanceShape, groups: ControlGroups) -> list[str]:
    """The command of the guard."""
    return [sys.executable, "-P", "-m", "functune.hosts.quota_guard", str(shape.memory_mb), *map(str, groups)]


def new_name() -> str:
    """A name for groups that no other host of this machine has; in a container, another lab had the same pid."""
    return f"functune-{os.getpid()}-{token_hex(4)}"
