"""
A run that holds all a run can hold, with its report: read by many files, which change nothing in it.

A file about another run has fixtures of these names itself.
"""

from pathlib import Path

import pytest

from functune.report.document import ReportDocument
from functune.report.files import write_report
from functune.run.folder import RunFolder
from tests.report.written import full_run


@pytest.fixture(scope="session")
def reported_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ReportDocument]:
    """The run folder, and the document of its report."""
    folder = full_run(tmp_path_factory.mktemp("full"))
    return folder, write_report(RunFolder.open(folder))


@pytest.fixture(scope="session")
def folder(reported_run: tuple[Path, ReportDocument]) -> Path:
    """The run folder."""
    return reported_run[0]


@pytest.fixture(scope="session")
def document(reported_run: tuple[Path, ReportDocument]) -> ReportDocument:
    """The document of its report."""
    return reported_run[1]
