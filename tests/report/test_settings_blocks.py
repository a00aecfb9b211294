"""The settings to set on the page and in summary.md: which come first, and the plans that are left out."""

import re
from html import unescape
from pathlib import Path

import pytest

from functune.experiments.model import Matrix
from functune.report.document import ReportDocument
from functune.report.page import render_page
from functune.report.summary import summary
from tests.analysis.simulated import planned, sweep
from tests.report.written import ENVIRONMENT, reported

SITE = "/subscriptions/0a1b/resourceGroups/rg-shop/providers/Microsoft.Web/sites/shop"
THERE = {**ENVIRONMENT, "host": f"azure:{SITE}", "host_kind": f"azure:{SITE}"}


def on_azure(folder: Path, settings: Matrix) -> ReportDocument:
    """A run of an app on Azure."""
    experiment = planned(settings=settings)
    return reported(folder, (experiment, sweep(experiment)), environment=THERE)


def settings_column(html: str) -> str:
    """The column of the verdict with the settings."""
    return html.partition('<div class="to-set">')[2].partition("</article>")[0]


@pytest.mark.parametrize(
    ("matrix", "command"),
    [
        (
            Matrix(thread_count=(1, 16), per_instance_concurrency=(16,), instance=("flex-512", "flex-2048")),
            "--trigger-settings perInstanceConcurrency=16",
        ),
        (Matrix(thread_count=(1, 16), process_count=(1, 2)), "FUNCTIONS_WORKER_PROCESS_COUNT=2"),
    ],
    ids=["flex", "premium"],
)
def test_run_on_azure_shows_the_settings_of_its_plan_before_those_of_this_machine(
    tmp_path: Path, matrix: Matrix, command: str
) -> None:
    document = on_azure(tmp_path, matrix)
    column = settings_column(render_page(document))
    first = unescape(re.findall(r"<pre>(.*?)</pre>", column, re.DOTALL)[0])
    assert first.startswith("az functionapp config appsettings set ")
    assert command in first
    assert f"functune azure apply RUN {SITE}" in column
    assert column.index("on the app that was measured") < column.index("local.settings.json")
    said = summary(document)
    assert command in said
    assert "- `PYTHON_THREADPOOL_THREAD_COUNT" not in said


def test_run_on_this_machine_begins_with_its_own_settings(tmp_path: Path) -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    document = reported(tmp_path, (experiment, sweep(experiment)))
    column = settings_column(render_page(document))
    assert column.index("local.settings.json") < column.index("<details>")
    assert "azure apply" not in column
    assert "is left out" not in column
    assert "- `PYTHON_THREADPOOL_THREAD_COUNT=16`" in summary(document)


def test_plan_that_gets_no_settings_is_named_with_the_reason(tmp_path: Path) -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16), instance=("flex-512", "flex-2048")))
    column = settings_column(render_page(reported(tmp_path, (experiment, sweep(experiment)))))
    assert "Premium is left out: every setting that it allows was measured on an instance of another plan." in column
    assert "On Flex Consumption" in column
    assert "On Premium" not in column


def test_line_above_the_title_names_the_app_on_azure_and_the_machine_of_the_load(tmp_path: Path) -> None:
    html = render_page(on_azure(tmp_path, Matrix(thread_count=(1, 16))))
    assert '<p class="eyebrow">functune report · shop on Azure · load from Linux · ' in html
