"""The documents match the code: names, links, questions, help texts, errors and defaults of settings."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import msgspec
import pytest

import functune_times
from blueprints import credentials, fetch_request, processes, resource_manager, scale_settings, switch_interval, threads
from functune import errors
from functune.cli import main
from functune.experiments.file import read_experiments
from functune.experiments.inputs import check_inputs
from functune.experiments.schema import EXPERIMENT_SCHEMA, experiment_schema
from functune.host.host_json import DEFAULT_FUNCTION_TIMEOUT
from functune.setting import MAX_PER_INSTANCE_CONCURRENCY
from tools.cli_page import cli_page

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()
SHOWCASE = (ROOT / "docs" / "showcase.md").read_text()
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
TERMS = [
    "app",
    "arrivals",
    "bound",
    "certainty",
    "configuration",
    "demand",
    "entry",
    "experiment",
    "forecast",
    "hold",
    "host",
    "host kind",
    "instance",
    "knob",
    "level",
    "limit",
    "limiter",
    "load",
    "load process",
    "measurement",
    "plan",
    "profile",
    "recommendation",
    "request",
    "run folder",
    "service",
    "setting",
    "shape",
    "share",
    "step",
    "subject",
    "traffic",
    "trial",
    "users",
    "verdict",
    "wait",
    "worker process",
    "workload",
]


def targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def rows(document: str, header: str) -> list[list[str]]:
    """The cells of every row of the one table in ``document`` whose first line begins with ``header``."""
    (table,) = re.findall(rf"^{re.escape(header)}.*\n\|[-|: ]+\n((?:\|.*\n)+)", document, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def in_backticks(text: str) -> list[str]:
    """Every text that is set as code."""
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_and_command_named_exists(document: Path) -> None:
    text = document.read_text()
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets()
    assert set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)) <= targets()
    assert set(re.findall(r"`functune ([a-z]+)", text)) <= set(main.commands)
    blocks = "\n".join(re.findall(r"^ *```.*?^ *```", text, re.MULTILINE | re.DOTALL))  # in prose, functune is a name
    assert set(re.findall(r"^functune ([a-z]+)", blocks, re.MULTILINE)) <= set(main.commands)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_local_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_link_to_a_heading_names_one() -> None:
    wrong = []
    for document in DOCUMENTS:
        for path, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", document.read_text()):
            target = document.parent / path if path else document
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            wrong += [(document.name, anchor)] if anchor not in anchors else []
    assert wrong == []


def test_index_has_every_page_of_the_documentation_once() -> None:
    index = ROOT / "docs" / "README.md"
    listed = re.findall(r"^\| \[([^\]]+)\]\(\1\) \| \S", index.read_text(), re.MULTILINE)
    pages = {path.relative_to(index.parent).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(listed) == sorted({*pages, "../README.md"} - {"README.md"})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_row_of_a_table_has_a_cell_for_each_column(document: Path) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", document.read_text(), re.MULTILINE)
    columns = [[len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()] for table in tables]
    assert [table for table, counts in zip(tables, columns, strict=True) if len(set(counts)) > 1] == []


def test_readme_names_every_command() -> None:
    assert [command for command in main.commands if f"functune {command}" not in README] == []


def test_showcase_lists_exactly_the_experiments_there_are() -> None:
    shipped = [read_experiments(path)[0] for path in (ROOT / "experiments").glob("*.toml")]
    listed = rows(SHOWCASE, "| Experiment |")
    assert sorted(listed) == sorted([f"`{experiment.name}`", experiment.question] for experiment in shipped)


def test_showcase_shows_an_experiment_there_is(tmp_path: Path) -> None:
    """The example is a shipped experiment without its lesson, with one of its expectations."""
    (example,) = re.findall(r"^```toml\n(.*?)^```", SHOWCASE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(example)
    (shown,) = read_experiments(path)
    (shipped,) = read_experiments(ROOT / "experiments" / f"{shown.name}.toml")
    assert shown == msgspec.structs.replace(shipped, lesson=shown.lesson, expect=shown.expect)
    assert set(shown.expect) <= set(shipped.expect)
    assert shown.expect


def test_page_of_experiments_shows_one_that_is_read(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "experiments.md").read_text()
    example, comment, rule = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "example.toml").write_text(example)
    (tmp_path / "orders.csv").write_text("id\n7\n")
    (shown,) = read_experiments(tmp_path / "example.toml")
    check_inputs(shown, tmp_path)
    assert [request.name for request in shown.workload.requests] == ["order", "list"]
    assert comment == f"#:schema ./{EXPERIMENT_SCHEMA}\n"
    taplo = (ROOT / ".taplo.toml").read_text()
    assert tomllib.loads(rule) == tomllib.loads(taplo)
    assert (ROOT / tomllib.loads(taplo)["rule"][0]["schema"]["path"]).is_file()


def test_every_part_of_an_experiment_that_a_page_shows_is_of_the_schema() -> None:
    """Whole experiments, and tables of one alone."""
    schema = json.loads(experiment_schema())
    part = {key: value for key, value in schema.items() if key not in ("if", "then", "else")}
    shown = [
        tomllib.loads(block)
        for document in DOCUMENTS
        for block in re.findall(r"^```toml\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    ]
    parts = [each for each in shown if each and each.keys() <= schema["properties"].keys()]
    assert len(parts) > 3
    for each in parts:
        jsonschema.validate(each, part)


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    explained = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    assert targets() == explained


def test_page_of_commands_shows_their_help() -> None:
    """Run `make docs` when this fails."""
    assert (ROOT / "docs" / "cli.md").read_text() == cli_page()


def test_glossary_defines_each_term_once() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    assert [term for term, _ in rows(glossary, "| Term |")] == [f"**{term}**" for term in TERMS]


def drawn_bases(tree: str) -> dict[str, str]:
    """The base of each error in a drawn tree, by the error's name; the root has none and is not in it."""
    bases: dict[str, str] = {}
    path: list[str] = []
    for indent, name in re.findall(r"^    ((?:[│ ]   )*(?:[├└]── )?)(\w+Error)\b", tree, re.MULTILINE):
        depth = len(indent) // 4
        path[depth:] = [name]
        if depth:
            bases[name] = path[depth - 1]
    return bases


def test_tree_of_errors_is_the_one_of_the_classes() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type) and each is not errors.FunctuneError]
    assert classes
    assert drawn_bases(str(errors.__doc__)) == {
        each.__name__: each.__base__.__name__ for each in classes if each.__base__
    }


def app_defaults() -> dict[str, list[str]]:
    """The values the app takes where one of its own settings is not set; none where there is no such value."""
    return {
        fetch_request.URLS_SETTING: list(fetch_request.fetch_settings().urls),
        fetch_request.ALLOWED_HOSTS_SETTING: [],
        credentials.SCOPES_SETTING: list(credentials.DEFAULT_SCOPES),
        "AZURE_CLIENT_ID": [],
        resource_manager.SITE_SETTING: [],
        functune_times.SETTING: [],
        resource_manager.ENDPOINT_SETTING: [resource_manager.DEFAULT_ENDPOINT],
    }


def test_settings_page_has_the_defaults_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(fetch_request.URLS_SETTING, raising=False)
    documented = {name.strip("`"): in_backticks(default) for name, default, _ in rows(SETTINGS, "| App setting |")}
    assert documented == app_defaults()


def test_settings_page_has_the_defaults_and_ranges_of_the_settings_the_app_reads() -> None:
    columns = {in_backticks(row[0])[0]: (row[5], row[6]) for row in rows(SETTINGS, "| Setting | Local |")}
    interval = switch_interval
    assert columns[threads.SETTING][0].startswith(f"{threads.HOST_DEFAULT},")
    assert columns[processes.SETTING][0] == str(processes.read_setting({}).effective)
    assert columns[processes.SETTING][1].startswith(f"1 to {processes.MAXIMUM};")
    assert columns[interval.SETTING][0].startswith(f"{interval.DEFAULT_MS:g} ms")
    assert columns[interval.SETTING][1] == f"{interval.MINIMUM_MS:g} to {interval.MAXIMUM_MS:g}"
    assert columns["functionTimeout"][0] == f"{DEFAULT_FUNCTION_TIMEOUT / 60:g} min"
    site = "functionAppConfig.scaleAndConcurrency.triggers.http.perInstanceConcurrency"
    assert columns[site][1].startswith(f"1 to {MAX_PER_INSTANCE_CONCURRENCY} ")
    assert f"`{interval.SETTING}`" in SHOWCASE
    assert f"{interval.MINIMUM_MS:g} to {interval.MAXIMUM_MS:g}" in SHOWCASE


def test_settings_page_has_the_times_of_the_reading_of_the_scale_settings() -> None:
    assert f"A reading is kept for {scale_settings.KEEP_SECONDS:g} s" in SETTINGS
    assert f"a failed one for {scale_settings.KEEP_FAILURE_SECONDS:g} s" in SETTINGS
    assert f"times out after {resource_manager.TIMEOUT_SECONDS:g} s" in SETTINGS


def test_every_test_the_comparison_of_hosts_names_exists() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    written = set(re.findall(r"^(?:async )?def (test_\w+)", tests, re.MULTILINE))
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "local-host.md").read_text())
    assert len(named) > 50
    assert sorted(set(named) - written) == []
