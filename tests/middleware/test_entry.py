"""``module:callable``: what it may be, and what is said where it names no app."""

from pathlib import Path

import pytest

from functune.errors import AppError, UsageError
from functune.middleware.description import declared_routes, interface_of
from functune.middleware.entry import Entry, app_at, parse_entry

APP = """
import os
from types import SimpleNamespace
def app(environ, start_response): ...
async def api(scope, receive, send): ...
def create_app(name="x", *, debug=False): return (name, debug)
box = SimpleNamespace(app=app)
def deep():
    return os.environ["ORDERS_URL"]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = f"shop_{tmp_path.name.replace('-', '_')}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / package / "web.py").write_text(APP)
    (tmp_path / package / "broken.py").write_text(f"from {package}.web import deep\n\nURL = deep()\n")
    (tmp_path / package / "typo.py").write_text("def app(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / package


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("app:app", Entry("app", ("app",), None, {})),
        ("src.app:box.app", Entry("src.app", ("box", "app"), None, {})),
        ("src.app:create_app()", Entry("src.app", ("create_app",), (), {})),
        ("src.app:create_app('a', debug=True)", Entry("src.app", ("create_app",), ("a",), {"debug": True})),
    ],
)
def test_entry_is_parsed_as_gunicorn_does(text: str, entry: Entry) -> None:
    assert parse_entry(text) == entry


@pytest.mark.parametrize(
    "text", ["src.app", "src.app:", ":app", "src app:app", "app:1+1", "app:f(open())", "app:f()()"]
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"allowed is MODULE:CALLABLE, such as src\.app:app"):
        parse_entry(text)


def test_file_is_refused_with_the_module_that_it_is() -> None:
    with pytest.raises(UsageError, match=r"that is src\.app:api$"):
        parse_entry("src/app.py:api")


def test_app_is_found_and_a_factory_is_called(root: Path) -> None:
    web = f"{root.name}.web"
    assert interface_of(app_at(f"{web}:app", root.parent)) == "wsgi"
    assert interface_of(app_at(f"{web}:box.app", root.parent)) == "wsgi"
    assert interface_of(app_at(f"{web}:api", root.parent)) == "asgi"
    assert app_at(f"{web}:create_app('y', debug=True)", root.parent) == ("y", True)


def test_names_that_are_not_there_are_said_with_those_that_are(root: Path) -> None:
    with pytest.raises(
        UsageError, match=rf"{root.name}\.web \({root.name}/web\.py\) has no ap; it has api, app, create"
    ):
        app_at(f"{root.name}.web:ap", root.parent)
    with pytest.raises(UsageError, match=rf"there is no module {root.name}\.wen in {root.parent}"):
        app_at(f"{root.name}.wen:app", root.parent)


def test_app_that_fails_is_said_with_its_own_lines(root: Path) -> None:
    with pytest.raises(AppError, match="cannot be loaded: KeyError: 'ORDERS_URL'") as raised:
        app_at(f"{root.name}.broken:app", root.parent)
    lines = [line for line in str(raised.value).splitlines() if line.startswith("  File ")]
    assert [line.partition(", in ")[0] for line in lines] == [
        f'  File "{root}/broken.py", line 3',
        f'  File "{root}/web.py", line 9',
    ]
    with pytest.raises(AppError, match=rf'SyntaxError: .*\n  File "{root}/typo.py", line 1'):
        app_at(f"{root.name}.typo:app", root.parent)


def test_what_is_no_app_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNCTUNE_APP", "web:create_app")
    with pytest.raises(UsageError, match=r"takes no arguments; where it makes the app, write web:create_app\(\)"):
        interface_of(app_at(f"{root.name}.web:create_app", root.parent))
    for other, said in (
        ("box", "is of type SimpleNamespace"),
        (5, "is of type int"),
        (lambda a: a, "neither a WSGI app"),
    ):
        with pytest.raises(UsageError, match=said):
            interface_of(app_at(f"{root.name}.web:box", root.parent) if other == "box" else other)
    assert list(declared_routes(object())) == []
