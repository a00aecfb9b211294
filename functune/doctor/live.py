"""The rules for an app on Azure: those for app settings, and others for what only Resource Manager knows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from functune.azure.effective import LiveSetting, live_settings
from functune.azure.present import PYTHON_CONCURRENCY
from functune.azure.site import LiveSite
from functune.azure.site_journal import SiteChange
from functune.doctor.finding import Finding, Severity, sorted_findings
from functune.doctor.reading.settings import SettingPlace
from functune.doctor.reading.templates import BicepTemplate
from functune.doctor.rule import RuleCase
from functune.doctor.rules.settings import (
    SETTINGS_RULES,
    HasSettings,
    dynamic_and_fixed,
    ignored_on_plan,
    without_effect,
    wrong_process_counts,
    wrong_thread_counts,
)
from functune.host.whole_numbers import parse_whole_number
from functune.setting import MAX_PER_INSTANCE_CONCURRENCY, THREAD_COUNT

_HTTP_LIMITS = "azurefunctionsjobhost__extensions__http__"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """The app settings of an app on Azure, as the rules look at them."""

    plan: str | None
    settings: tuple[SettingPlace, ...]
    templates: tuple[BicepTemplate, ...] = ()


class LiveRule(NamedTuple):
    """One thing that is looked for in an app on Azure."""

    id: str
    severity: Severity
    why: str
    remedy: str
    check: Callable[[LiveSite], Iterator[str]]
    """What is there, a sentence for each case."""


SETTINGS_CHECKS: dict[str, Callable[[HasSettings], Iterator[RuleCase]]] = {
    "process-count": wrong_process_counts,
    "thread-count": wrong_thread_counts,
    "setting-not-on-plan": ignored_on_plan,
    "setting-without-effect": without_effect,
    "dynamic-and-fixed-processes": dynamic_and_fixed,
}
"""The rules for app settings that a file is not needed for, by id."""


def live_findings(site: LiveSite) -> tuple[Finding, ...]:
    """What the rules find in an app, the worst first. No value of an app setting is in it, unless it is a number."""
    settings = LiveSettings(
        plan="flex" if site.is_flex else None,
        settings=tuple(
            SettingPlace(name=name, value=value, file=None, line=None, is_deployed=True)
            for name, value in site.app_settings.items()
        ),
    )
    found = [
        rule.finding(case)
        for rule in SETTINGS_RULES
        if rule.id in SETTINGS_CHECKS
        for case in SETTINGS_CHECKS[rule.id](settings)
    ]
    for each in LIVE_RULES if site.is_flex else ():
        found += [
            Finding(
                rule=each.id, severity=each.severity, file=None, line=None, seen=seen, why=each.why, remedy=each.remedy
            )
            for seen in each.check(site)
        ]
    return sorted_findings(found)


class LiveDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An app on Azure as ``functune azure show --json`` prints it."""

    schema_version: int = 1
    id: str
    location: str
    is_flex: bool
    runtime: str
    settings: tuple[LiveSetting, ...]
    other_app_settings: int
    """How many there are; no value of them is shown."""
    findings: tuple[Finding, ...]
    open_changes: tuple[SiteChange, ...]
    """What functune has changed and not restored."""


def site_document(site: LiveSite, findings: tuple[Finding, ...], changes: Sequence[SiteChange]) -> LiveDocument:
    """The app, its settings and the findings."""
    settings = live_settings(site)
    return LiveDocument(
        id=str(site.id),
        location=site.location,
        is_flex=site.is_flex,
        runtime=site.runtime,
        settings=settings,
        other_app_settings=len(site.app_settings.keys() - {each.name for each in settings}),
        findings=findings,
        open_changes=tuple(changes),
    )


def one_at_a_time(site: LiveSite) -> Iterator[str]:
    """An app whose instances take one request at a time."""
    if (site.per_instance_concurrency or PYTHON_CONCURRENCY) == 1 and site.runtime.startswith("python"):
        is_default = site.per_instance_concurrency is None
        yield f"perInstanceConcurrency is {'not set, which means 1 for Python' if is_default else '1'}."


def out_of_range(site: LiveSite) -> Iterator[str]:
    """A concurrency that is not allowed."""
    concurrency = site.per_instance_concurrency
    if concurrency is not None and not 1 <= concurrency <= MAX_PER_INSTANCE_CONCURRENCY:
        yield f"perInstanceConcurrency is {concurrency}."


def threads_below(site: LiveSite) -> Iterator[str]:
    """Fewer threads than requests at a time."""
    threads, concurrency = threads_of_site(site), site.per_instance_concurrency or PYTHON_CONCURRENCY
    if threads is not None and threads < concurrency:
        yield f"{THREAD_COUNT} is {threads}, and an instance takes {concurrency} requests at a time."


def threads_above(site: LiveSite) -> Iterator[str]:
    """More threads than requests at a time."""
    threads, concurrency = threads_of_site(site), site.per_instance_concurrency or PYTHON_CONCURRENCY
    if threads is not None and threads > concurrency:
        yield f"{THREAD_COUNT} is {threads}, and an instance takes {concurrency} at a time."


def http_limits(site: LiveSite) -> Iterator[str]:
    """Limits of host.json for HTTP."""
    for name in site.app_settings:
        if name.lower().startswith(_HTTP_LIMITS) and "max" in name.lower():
            yield f"{name} is set."


def threads_of_site(site: LiveSite) -> int | None:
    """The threads that are set; None where nothing usable is."""
    count = parse_whole_number(site.app_settings.get(THREAD_COUNT, ""))
    return count if count is not None and count > 0 else None


LIVE_RULES = (
    LiveRule(
        "live-one-at-a-time",
        "warning",
        "Each request that arrives while another runs needs an instance of its own, which starts cold and is billed "
        "for a second at least.",
        "Measure 2, 4, 8 and 16 with `functune sweep --host azure:ID`, and set the best with `functune azure apply`.",
        one_at_a_time,
    ),
    LiveRule(
        "live-concurrency-range",
        "error",
        f"Resource Manager takes 1 to {MAX_PER_INSTANCE_CONCURRENCY}.",
        "Set a number in that range.",
        out_of_range,
    ),
    LiveRule(
        "live-threads-below-concurrency",
        "warning",
        "The requests above the number of threads wait for one, in an instance that is billed meanwhile; async "
        "handlers need none.",
        "Set as many threads as requests at a time, or fewer requests.",
        threads_below,
    ),
    LiveRule(
        "live-threads-never-busy",
        "note",
        "Threads above the number of requests at a time are never busy, unless the app starts work on them itself.",
        "Nothing has to be done.",
        threads_above,
    ),
    LiveRule(
        "live-http-limits",
        "note",
        "The limits of host.json for HTTP are reported to be ignored on Flex Consumption; it is not confirmed.",
        "Set perInstanceConcurrency.",
        http_limits,
    ),
)
