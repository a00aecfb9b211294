"""App settings: out of range, without effect, contradictory, or not for the plan."""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.reading.settings import LOCAL_SETTINGS, SettingPlace
from functune.doctor.reading.templates import BicepTemplate
from functune.doctor.rule import Rule, RuleCase
from functune.errors import SettingsError
from functune.host.settings import parse_process_count
from functune.host.whole_numbers import parse_whole_number
from functune.setting import MAX_PROCESS_COUNT, PROCESS_COUNT, THREAD_COUNT

DYNAMIC_CONCURRENCY = "FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED"
MAX_HTTP_CONCURRENCY = "FUNCTIONS_MAX_HTTP_CONCURRENCY"
PER_INSTANCE = "functionAppConfig.scaleAndConcurrency.triggers.http.perInstanceConcurrency"

NOT_ON_FLEX: dict[str, str] = {
    PROCESS_COUNT: "remove it; more concurrency comes from threads and perInstanceConcurrency",
    DYNAMIC_CONCURRENCY: "remove it",
    MAX_HTTP_CONCURRENCY: f"set {PER_INSTANCE}",
    "FUNCTIONS_WORKER_RUNTIME": "set functionAppConfig.runtime.name",
    "FUNCTIONS_WORKER_RUNTIME_VERSION": "set functionAppConfig.runtime.version",
    "FUNCTIONS_EXTENSION_VERSION": "remove it; the platform chooses the version",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT": "set functionAppConfig.scaleAndConcurrency.maximumInstanceCount",
    "SCM_DO_BUILD_DURING_DEPLOYMENT": "ask for the remote build when you deploy",
    "ENABLE_ORYX_BUILD": "ask for the remote build when you deploy",
    "WEBSITE_RUN_FROM_PACKAGE": "remove it; the package lies in the deployment container, and Core Tools refuse to "
    "publish while it is set",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING": "remove it; the package lies in the deployment container",
    "WEBSITE_CONTENTSHARE": "remove it; the package lies in the deployment container",
    "WEBSITE_CONTENTOVERVNET": "remove it",
    "WEBSITE_SKIP_CONTENTSHARE_VALIDATION": "remove it",
    "WEBSITE_MOUNT_ENABLED": "remove it",
    "WEBSITE_DNS_SERVER": "remove it; the virtual network decides",
    "WEBSITE_VNET_ROUTE_ALL": "remove it; the virtual network decides",
    "WEBSITE_NODE_DEFAULT_VERSION": "remove it",
    "WEBSITE_USE_PLACEHOLDER_DOTNETISOLATED": "remove it",
    "AzureWebJobsDashboard": "remove it",
    "WEBSITE_TIME_ZONE": "remove it, and write schedules in UTC",
    "TZ": "remove it, and write schedules in UTC",
}
"""Settings that Flex Consumption does not take, and what to do instead."""

NEEDED_LOCALLY = ("FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_WORKER_RUNTIME_VERSION", "FUNCTIONS_EXTENSION_VERSION")
"""Those among them that Core Tools want in local.settings.json."""

_SINCE = "From Python 3.13 on"
WITHOUT_EFFECT: dict[str, str] = {
    MAX_HTTP_CONCURRENCY: "No component of the host, Core Tools or the Python worker reads it.",
    "PYTHON_ISOLATE_WORKER_DEPENDENCIES": f"{_SINCE}, the worker always isolates its packages.",
    "PYTHON_ENABLE_WORKER_EXTENSIONS": f"{_SINCE}, the worker does not read it.",
    "PYTHON_ROLLBACK_CWD_PATH": f"{_SINCE}, the worker does not read it.",
    "PYTHON_ENABLE_INIT_INDEXING": f"{_SINCE}, the worker does not read it.",
}
"""Settings that nothing reads, and the reason; those that only older versions of Python read are a note."""


class HasSettings(Protocol):
    """An app with settings, in a folder or on Azure."""

    @property
    def plan(self) -> str | None: ...
    @property
    def settings(self) -> tuple[SettingPlace, ...]: ...
    @property
    def templates(self) -> tuple[BicepTemplate, ...]: ...


def wrong_process_counts(app: HasSettings) -> Iterator[RuleCase]:
    """Process counts with which the host does not start."""
    for each in places_of(app, PROCESS_COUNT):
        try:
            parse_process_count(each.value)
        except SettingsError as error:
            yield at(each, f"{str(error).partition(';')[0]}.")


def wrong_thread_counts(app: HasSettings) -> Iterator[RuleCase]:
    """Thread counts that the worker replaces."""
    for each in places_of(app, THREAD_COUNT):
        count = parse_whole_number(each.value)
        if each.value and (count is None or count < 1):
            yield at(each, f"{THREAD_COUNT} is '{each.value}'.")


def ignored_on_plan(app: HasSettings) -> Iterator[RuleCase]:
    """Settings that the plan asked for, or the one of the template, does not take."""
    flex_files = {each.file for each in app.templates if each.is_flex}
    for each in app.settings:
        if each.name not in NOT_ON_FLEX or (app.plan != "flex" and each.file not in flex_files):
            continue
        if each.is_deployed and each.file is not None and each.file not in flex_files:  # the template of another plan
            continue
        if not each.is_deployed and (each.name in NEEDED_LOCALLY or is_unset(each)):
            continue
        yield at(
            each,
            f"{each.name} is set, and Flex Consumption does not take it.",
            remedy=as_sentence(NOT_ON_FLEX[each.name]),
        )


def without_effect(app: HasSettings) -> Iterator[RuleCase]:
    """Settings that nothing reads."""
    for each in app.settings:
        if each.name in WITHOUT_EFFECT and not is_unset(each):
            reason = WITHOUT_EFFECT[each.name]
            case = at(each, f"{each.name} is set. {reason}")
            yield msgspec.structs.replace(case, severity="note") if reason.startswith(_SINCE) else case


def dynamic_and_fixed(app: HasSettings) -> Iterator[RuleCase]:
    """Dynamic concurrency together with a process count, in one file."""
    for each in places_of(app, DYNAMIC_CONCURRENCY):
        fixed = next((other for other in places_of(app, PROCESS_COUNT) if other.file == each.file), None)
        if fixed is not None and (each.value or "").lower() in ("true", "1") and not is_unset(fixed):
            place = "too" if fixed.line is None else f"in line {fixed.line}"
            yield at(each, f"{DYNAMIC_CONCURRENCY} is on, and {PROCESS_COUNT} is set {place}.")


def unreadable_settings(app: InspectedApp) -> Iterator[RuleCase]:
    """A local.settings.json that Core Tools refuse."""
    if app.settings_error:
        yield RuleCase(seen=as_sentence(app.settings_error), file=LOCAL_SETTINGS, line=1)


def places_of(app: HasSettings, name: str) -> Iterator[SettingPlace]:
    """Every place that sets a setting to a value that is known."""
    return (each for each in app.settings if each.name == name and each.value is not None)


def at(place: SettingPlace, seen: str, remedy: str = "") -> RuleCase:
    """A case at the place where a setting is set."""
    return RuleCase(seen=seen, file=place.file, line=place.line, remedy=remedy)


def is_unset(place: SettingPlace) -> bool:
    """Whether the value is empty, which counts as unset."""
    return place.value == ""


def as_sentence(text: str) -> str:
    """A phrase as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


SETTINGS_RULES = (
    Rule(
        id="process-count",
        family="settings",
        severity="error",
        looks_for=f"a `{PROCESS_COUNT}` that is not a whole number, or above {MAX_PROCESS_COUNT}",
        why="The host does not start a Python worker with it, and every request ends with status 503.",
        remedy=f"Set a whole number from 1 to {MAX_PROCESS_COUNT}, or remove the setting for 1.",
        check=wrong_process_counts,
    ),
    Rule(
        id="thread-count",
        family="settings",
        severity="warning",
        looks_for=f"a `{THREAD_COUNT}` that is not a whole number, or below 1",
        why="The worker logs a warning and takes min(32, CPUs + 4) threads instead.",
        remedy="Set a whole number from 1, or remove the setting.",
        check=wrong_thread_counts,
    ),
    Rule(
        id="setting-not-on-plan",
        family="settings",
        severity="warning",
        looks_for="a setting that Flex Consumption does not take, where `--for flex` asks for that plan, or in a "
        "template that deploys to it",
        why="It is documented as not valid on this plan: it has no effect there, or the deployment is refused.",
        remedy="Remove it.",
        check=ignored_on_plan,
    ),
    Rule(
        id="setting-without-effect",
        family="settings",
        severity="warning",
        looks_for="a setting that nothing reads; a note where workers before Python 3.13 do",
        why="The setting looks as if it had an effect.",
        remedy="Remove it.",
        check=without_effect,
    ),
    Rule(
        id="dynamic-and-fixed-processes",
        family="settings",
        severity="warning",
        looks_for=f"`{DYNAMIC_CONCURRENCY}` together with `{PROCESS_COUNT}`",
        why="The host ignores dynamic concurrency as soon as a process count is set.",
        remedy="Remove one of the two.",
        check=dynamic_and_fixed,
    ),
    Rule(
        id="local-settings",
        family="settings",
        severity="error",
        looks_for=f"a `{LOCAL_SETTINGS}` that cannot be used",
        why="`func start` does not start with it, and its settings were not checked here.",
        remedy="Correct the file.",
        check=unreadable_settings,
    ),
)
