"""requirements.txt by its lines, as the rules look at it."""

from pathlib import Path

import pytest

from functune.doctor.reading.requirement_lines import read_requirement_lines
from tests.doctor.written_apps import found_in, write_files

HTTP_APP = "import requests\nimport azure.functions as func\n\napp = func.FunctionApp()\n"


def test_constraints_choose_versions_and_name_no_package(tmp_path: Path) -> None:
    """``-c`` bounds what is named elsewhere: what it lists beyond that is neither unused nor given."""
    files = {
        "function_app.py": HTTP_APP.replace("import requests", "import requests, stray"),
        "requirements.txt": "azure-functions\nrequests\n-c versions.txt\n",
        "versions.txt": "requests==2.32.5\nstray==1.0\npandas==2.3.3\n",
    }
    folder = write_files(tmp_path, files)
    assert found_in(folder, "requirement-unpinned", "requirement-unused") == []
    (found,) = found_in(folder, "requirement-forgotten")
    assert "imports stray" in found.seen
    lines = read_requirement_lines(folder)
    assert [each.name for each in lines.lines] == ["azure-functions", "requests"]
    assert [each.name for each in lines.constraints] == ["requests", "stray", "pandas"]
    assert not lines.has_others


def test_entry_over_several_lines_is_one_entry_at_its_first(tmp_path: Path) -> None:
    text = "# top \\\nazure-functions\nrequests>=2,\\\n    <3  # below three\nhttpx"
    folder = write_files(tmp_path, {"requirements.txt": text})
    found = read_requirement_lines(folder)
    assert [(each.name, each.line, str(each.requirement.specifier)) for each in found.lines] == [
        ("azure-functions", 2, ""),
        ("requests", 3, "<3,>=2"),
        ("httpx", 5, ""),
    ]
    assert [each.line for each in found_in(folder, "requirement-unpinned")] == [5]
    assert not found.has_others


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_file_that_powershell_wrote_is_read(tmp_path: Path, encoding: str) -> None:
    folder = write_files(tmp_path, {"function_app.py": HTTP_APP})
    (folder / "requirements.txt").write_bytes("azure-functions\r\nrequests==2.32.5\r\n".encode(encoding))
    found = read_requirement_lines(folder)
    assert [each.name for each in found.lines] == ["azure-functions", "requests"]
    assert not found.has_others


@pytest.mark.parametrize("line", ["./local", "https://example.com/x.whl", "--extra-index-url https://example.com"])
def test_line_that_names_no_package_is_noted(tmp_path: Path, line: str) -> None:
    folder = write_files(tmp_path, {"requirements.txt": f"azure-functions\n{line}\n"})
    assert read_requirement_lines(folder).has_others
