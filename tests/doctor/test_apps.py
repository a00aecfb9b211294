"""Whole apps: healthy ones have no finding, and broken ones have exactly those that a comment at their line names."""

import re
from pathlib import Path

import pytest

from functune.doctor.finding import Finding
from functune.doctor.reading.inspected import inspect_app
from functune.doctor.registry import RULES

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
HEALTHY = sorted(APPS.glob("healthy_*"))
BROKEN = sorted(APPS.glob("broken_*"))
MARK = re.compile(r"(?:#|//) fault: (.+)")


def findings_in(folder: Path, *, plan: str | None = None) -> list[Finding]:
    """What all rules find in an app."""
    app = inspect_app(folder, plan=plan)
    return [finding for rule in RULES.values() for finding in rule.findings(app)]


def places(findings: list[Finding]) -> list[tuple[str | None, int | None, str]]:
    """File, line and rule of each finding, in order."""
    return sorted(((each.file, each.line, each.rule) for each in findings), key=str)


def marked(folder: Path) -> list[tuple[str, int, str]]:
    """File, line and rule of each fault that a comment names, in order."""
    found = [
        (path.relative_to(folder).as_posix(), number, rule)
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in (".py", ".json", ".txt", ".bicep")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := MARK.search(line)) is not None
        for rule in match[1].split()
    ]
    return sorted(found, key=str)


@pytest.mark.parametrize("plan", [None, "flex", "premium"])
@pytest.mark.parametrize("folder", HEALTHY, ids=lambda path: path.name)
def test_healthy_app_has_no_finding(folder: Path, plan: str | None) -> None:
    expected = []
    if folder.name == "healthy_sync" and plan == "flex":  # it is healthy on the other plans
        expected = ["http-limits-on-flex", "http-limits-on-flex", "setting-not-on-plan"]
    assert sorted(each.rule for each in findings_in(folder, plan=plan)) == expected


@pytest.mark.parametrize("folder", BROKEN, ids=lambda path: path.name)
def test_broken_app_has_each_fault_at_its_line_and_nothing_else(folder: Path) -> None:
    expected = marked(folder)
    assert expected, f"{folder} marks no fault"
    plan = "flex" if folder.name == "broken_flex_template" else None
    assert places(findings_in(folder, plan=plan)) == expected


def test_there_are_enough_apps_and_they_show_every_static_rule() -> None:
    shown = {rule for folder in BROKEN for _, _, rule in marked(folder)}
    static = {rule.id for rule in RULES.values() if rule.needs in ("the files", "--for")}
    elsewhere = {"host-json-missing", "requirements-missing", "syntax-error", "local-settings"}
    assert len(HEALTHY) >= 5
    assert len(BROKEN) >= 10
    assert shown | elsewhere == static


def test_showcase_has_its_deliberate_mistakes_and_no_others() -> None:
    """The mistake of async/blocking, and the two clients of client=own."""
    found = findings_in(ROOT)
    lines = [(ROOT / str(each.file)).read_text().splitlines()[(each.line or 0) - 1].strip() for each in found]
    assert sorted(zip((each.rule for each in found), lines, strict=True)) == [
        ("blocking-call", "time.sleep(ms / 1000)  # noqa: ASYNC251 - the mistake this route demonstrates"),
        ("client-per-request", "return httpx.AsyncClient(limits=_limits(), **_options())"),
        ("client-per-request", "return httpx.Client(transport=DeadlineTransport(_limits()), **_options())"),
    ]


def test_a_secret_in_local_settings_is_in_no_finding() -> None:
    found = findings_in(APPS / "broken_settings")
    assert found
    assert "very-secret" not in str(found)
