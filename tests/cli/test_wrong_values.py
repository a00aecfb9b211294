"""Values that a command cannot use: it names the option, the value and what to do, and shows no traceback."""

from pathlib import Path

import click
import pytest

from functune.capacity.assumptions import LONGEST_START, SHORTEST_START, assumptions
from functune.capacity.configuration import PYTHON_DEFAULT, parse_configuration
from functune.cli import main
from functune.cli.doctor import FORM_NAMES
from functune.doctor.formats.registry import DIAGNOSIS_FORMS
from functune.experiments.model import Load
from tests.cli.calling import run

EVERY = {
    f"{name} {option.opts[-1]}": option.type
    for name, command in main.commands.items()
    for option in command.params
    if isinstance(option, click.Option)
}
"""The types of all options, by command and flag."""


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("option", [name for name, kind in EVERY.items() if isinstance(kind, click.FloatRange)])
def test_range_has_no_number_that_every_comparison_passes(option: str, value: str) -> None:
    """``compare --margin nan`` would find nothing worse, and ``sweep --max-cost nan`` would refuse no cost."""
    kind = EVERY[option]
    with pytest.raises(click.BadParameter, match=value):
        kind.convert(value, None, None)


def test_ranges_are_looked_at() -> None:
    ranges = {name for name, kind in EVERY.items() if isinstance(kind, click.FloatRange)}
    assert {"compare --margin", "sweep --max-cost", "watch --linger", "serve --worker-startup-interval"} <= ranges


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["init", "{folder}/none"], "DIR {folder}/none: there is no such folder; name the folder of an app"),
        (["init", "{folder}/file"], "DIR {folder}/file: it is not a folder; name the folder of an app"),
        (["doctor", "{folder}/file"], "DIR {folder}/file: it is not a folder"),
        (["instrument", "{folder}/none"], "DIR {folder}/none: there is no such folder"),
        (["tune", "/a", "--script-root", "{folder}/none"], "--script-root {folder}/none: there is no such folder"),
        (["tune", "/a", "--budget", "5s"], "'5s': allowed are 20s to 60m"),
        (["compare", "a", "b", "--margin", "nan"], "nan is not a finite number"),
        (["tune", "a b"], "the route is not one that is allowed, which is a path that starts with /"),
        (["tune", "/a", "-X", "FETCH"], 'the method is not one that is allowed, which is "GET", '),
        (
            ["demo", "--dir", "{folder}/file"],
            "{folder}/file cannot be written: it is not a folder; name another folder with --dir",
        ),
        (
            ["azure", "load-test", "{folder}/file", "--results", "x"],
            "it is not a folder; name the folder of the load test",
        ),
    ],
)
def test_wrong_value_ends_with_2_and_is_named(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(*(each.format(folder=tmp_path) for each in arguments))
    assert result.exit_code == 2
    assert said.format(folder=tmp_path) in " ".join(result.output.split())


def test_experiment_that_cannot_be_written_is_refused_in_a_sentence(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(
        "import azure.functions as func\napp = func.FunctionApp()\n\n\n@app.route(route='a', methods=['GET'])\n"
        "def a(req: func.HttpRequest) -> str:\n    return ''\n"
    )
    (tmp_path / "file").write_text("")
    result = run("init", str(app), "--out", str(tmp_path / "file" / "a.toml"))
    assert result.exit_code == 2
    assert f"{tmp_path / 'file'} cannot be written: " in result.output
    assert "choose another file with --out" in result.output


def test_defaults_that_help_names_are_those_that_count() -> None:
    """Of options whose default is known to a room that help does not import."""
    said = " ".join(run("plan", "--help").output.split())
    starts = assumptions()
    assert f"[default: {starts[SHORTEST_START]:g} {starts[LONGEST_START]:g}]" in said
    assert "[default: flex:2048:1, " in said
    assert parse_configuration("flex:2048:1") == PYTHON_DEFAULT
    assert f"[default: {Load(users=(1,), warm_up=0.5, measure=1).bind}, " in " ".join(
        run("sweep", "--help").output.split()
    )


def test_doctor_takes_every_form_of_a_diagnosis() -> None:
    assert list(FORM_NAMES) == list(DIAGNOSIS_FORMS)
