"""
The queries of the workbook are sound KQL over tables and columns that Application Insights documents.

Kusto's own language service checks them, offline; they were never run, for want of a workspace with data.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.bicep import INFRA
from tools.equipment import KUSTO

FILES = sorted((INFRA / "queries").glob("*.kql"))
LANGUAGE_SERVICE = KUSTO.find()
# Application Insights, classic names: https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete
REQUESTS = {
    "timestamp": "datetime",
    "id": "string",
    "name": "string",
    "url": "string",
    "success": "string",
    "resultCode": "string",
    "duration": "real",
    "performanceBucket": "string",
    "itemType": "string",
    "customDimensions": "dynamic",
    "customMeasurements": "dynamic",
    "operation_Name": "string",
    "operation_Id": "string",
    "cloud_RoleName": "string",
    "cloud_RoleInstance": "string",
    "itemCount": "int",
}
DECLARED = f"let requests = datatable({', '.join(f'{name}: {kind}' for name, kind in REQUESTS.items())})[];\n"

pytestmark = pytest.mark.skipif(
    LANGUAGE_SERVICE is None or shutil.which("node") is None, reason=f"{KUSTO.missing}; it runs in node"
)


WRONG = {
    "unbalanced": ("requests | summarize count() by bin(timestamp, 1m", "Expected: )"),
    "unknown table": ("request | count", "request"),
    "unknown column": ("requests | summarize avg(durations)", "durations"),
    "unknown operator": ("requests | summarise count()", "summarise"),
    "wrong type": ("requests | extend x = duration + name", "operator"),
}


@pytest.fixture(scope="module")
def problems() -> dict[str, list[str]]:
    """What the language service says of each query, by its name: those of the workbook, and the wrong ones."""
    assert LANGUAGE_SERVICE is not None
    queries = {path.stem: path.read_text() for path in FILES} | {name: query for name, (query, _) in WRONG.items()}
    script = Path(__file__).parent / "kql_check.js"
    checked = subprocess.run(
        [str(shutil.which("node")), str(script), str(LANGUAGE_SERVICE.parent)],
        input=json.dumps({"queries": {name: DECLARED + text for name, text in queries.items()}}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found: dict[str, list[str]] = json.loads(checked.stdout)
    return found


def test_queries_have_no_problem(problems: dict[str, list[str]]) -> None:
    assert FILES
    assert {path.stem: problems[path.stem] for path in FILES} == {path.stem: [] for path in FILES}


def test_wrong_queries_are_seen(problems: dict[str, list[str]]) -> None:
    assert {name for name, (_, said) in WRONG.items() if not any(said in one for one in problems[name])} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_query_begins_with_what_it_shows(path: Path) -> None:
    assert path.read_text().startswith("// ")
