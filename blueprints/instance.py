"""The instance this worker runs on: its CPUs, its memory limits, the hosting plan."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path("/")

_MIB = 1024 * 1024
# "No limit" in control groups v1 is the largest multiple of a page, near 2**63.
_UNLIMITED = 1 << 60
_PLANS = {"FlexConsumption": "flex", "ElasticPremium": "premium", "Dynamic": "consumption"}


@dataclass(frozen=True)
class Limits:
    """The limits of the control groups of this process, in CPUs and MiB; None without a limit that can be read."""

    cpu_quota: float | None
    memory_mb: float | None


def read_limits(root: Path = ROOT) -> Limits:
    """
    Return the tightest limits of the control groups of this process, v2 or v1.

    The limit of any parent group applies as well, so the function walks up from the group to the mount point. Inside
    a container, the path in /proc/self/cgroup may be one of the outside; then only the mount point exists.
    """
    quotas: list[float] = []
    memories: list[float] = []
    for controllers, path in _groups(root / "proc/self/cgroup"):
        mount = root / "sys/fs/cgroup" / controllers
        for group in _upwards(mount, path):
            quotas += _cpu_quota(group)
            memories += _memory_limit(group)
    return Limits(min(quotas, default=None), min(memories, default=None))


def _groups(membership: Path) -> Iterator[tuple[str, str]]:
    """Pairs of controllers and path; the controllers are empty in v2."""
    for line in _lines(membership):
        _, controllers, path = line.split(":", 2)
        yield controllers, path.strip("/")


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    group = mount / path
    while group != mount:
        yield group
        group = group.parent
    yield mount


def _cpu_quota(group: Path) -> list[float]:
    """CPUs the group may use. v2 has "<quota or max> <period>" in one file; v1 has two files, and -1 for no limit."""
    fields = " ".join(_lines(group / "cpu.max")).split()
    if not fields:
        fields = _lines(group / "cpu.cfs_quota_us") + _lines(group / "cpu.cfs_period_us")
    if len(fields) != 2 or fields[0] in {"max", "-1"}:
        return []
    return [round(int(fields[0]) / int(fields[1]), 3)]


def _memory_limit(group: Path) -> list[float]:
    fields = _lines(group / "memory.max") or _lines(group / "memory.limit_in_bytes")
    if not fields or fields[0] == "max" or int(fields[0]) >= _UNLIMITED:
        return []
    return [round(int(fields[0]) / _MIB, 1)]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # no such controller, or no control groups at all
        return []


def rss_mb(root: Path = ROOT) -> float | None:
    """Resident memory of this process, MiB; None where there is no /proc."""
    pages = " ".join(_lines(root / "proc/self/statm")).split()
    return round(int(pages[1]) * os.sysconf("SC_PAGE_SIZE") / _MIB, 1) if pages else None


def plan(environment: Mapping[str, str]) -> str:
    """The hosting plan: flex, premium, consumption, dedicated, container apps, or local outside Azure."""
    sku = environment.get("WEBSITE_SKU")
    if sku:
        # These three names come from azure-functions-host, ScriptConstants.cs; all others are App Service tiers.
        return _PLANS.get(sku, "dedicated")
    return "container apps" if environment.get("CONTAINER_APP_NAME") else "local"


def describe_platform(environment: Mapping[str, str]) -> dict[str, Any]:
    """
    The part of the probe's ``platform`` that an instance knows itself.

    Per-instance concurrency and the other scale settings belong to the site, and scale_settings.py reads them from
    Resource Manager. A copy in an app setting would be wrong after the first manual change.
    """
    hosting_plan = plan(environment)
    # Where the platform runs the app in a container of its own, the name of that container identifies the instance
    # (host: EnvironmentExtensions.cs, IsLinuxConsumption). Locally, anything may have set a variable of that name.
    container = None if hosting_plan == "local" else environment.get("CONTAINER_NAME")
    always_ready = environment.get("FUNCTIONS_ALWAYSREADY_INSTANCE")
    return {
        "plan": hosting_plan,
        "site": environment.get("WEBSITE_SITE_NAME"),
        "instanceId": environment.get("WEBSITE_INSTANCE_ID") or container,
        "alwaysReady": None if always_ready is None else always_ready == "1",
    }
