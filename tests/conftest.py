"""The settings of Hypothesis, and the option that fails skipped tests."""

import re
from collections.abc import Generator

import pytest
from hypothesis import settings

# On a busy machine one example may take a second without anything being wrong.
settings.register_profile("functune", deadline=None)
settings.load_profile("functune")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--allowed-skips",
        metavar="REGEX",
        help="fail each test skipped for a reason that does not match REGEX; an empty REGEX allows none (default: all)",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return judged(report, item.config) if not hasattr(report, "wasxfail") else report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file skipped as a whole."""
    return judged((yield), collector.config)


def judged[Report: (pytest.TestReport, pytest.CollectReport)](report: Report, config: pytest.Config) -> Report:
    """The report, failed where its test was skipped for a reason that --allowed-skips does not match."""
    allowed: str | None = config.getoption("--allowed-skips")
    if report.skipped and allowed is not None:
        assert isinstance(report.longrepr, tuple)
        _, _, reason = report.longrepr
        if not allowed or not re.search(allowed, reason):
            report.outcome = "failed"
            report.longrepr = (
                f"{reason}\n--allowed-skips={allowed!r} does not allow a test to be skipped for this reason."
            )
    return report
