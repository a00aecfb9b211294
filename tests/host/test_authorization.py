"""``--enable-auth``: which key opens what, and that no key is ever shown or passed on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functune.environ import FUNCTION_KEY, MASTER_KEY
from functune.errors import SettingsError
from functune.host.authorization import is_admitted
from functune.host.settings import AuthKeys, read_host_settings
from tests.host.serving import APPS, Serving

FUNCTION, MASTER = "the-function-key", "the-master-kéy"
KEYS = AuthKeys(function=FUNCTION, master=MASTER)


@pytest.mark.parametrize(
    ("level", "key", "is_in"),
    [
        ("anonymous", "", True),
        ("anonymous", "wrong", True),
        ("function", "", False),
        ("function", "wrong", False),
        ("function", FUNCTION, True),
        ("function", MASTER, True),
        ("admin", FUNCTION, False),
        ("admin", MASTER, True),
    ],
)
def test_key_opens_what_its_level_allows(level: str, key: str, is_in: bool) -> None:
    assert is_admitted(KEYS, level, [(b"X-Functions-Key", key.encode())], "") is is_in
    assert is_admitted(KEYS, level, [], f"a=1&CODE={key}") is is_in


@pytest.mark.parametrize("level", ["function", "admin"])
def test_key_that_is_not_configured_opens_nothing(level: str) -> None:
    assert not is_admitted(AuthKeys(function="f", master=""), "admin", [(b"x-functions-key", b"")], "code=")
    assert not is_admitted(AuthKeys(function="", master="m"), level, [], "code=")


def test_header_counts_before_the_query() -> None:
    assert not is_admitted(KEYS, "function", [(b"x-functions-key", b"wrong")], f"code={FUNCTION}")
    assert is_admitted(KEYS, "function", [(b"x-functions-key", b"")], f"code={FUNCTION}")


def test_keys_are_in_no_representation() -> None:
    assert repr(KEYS) == str(KEYS) == "AuthKeys()"


@pytest.fixture(scope="module")
def keyed() -> Iterator[Serving]:
    """A host that asks for keys, telling all it has to tell."""
    with Serving(
        APPS / "keyed", "--enable-auth", "--verbose", FUNCTUNE_FUNCTION_KEY=FUNCTION, FUNCTUNE_MASTER_KEY=MASTER
    ) as host:
        host.url = host.line(r"listening on (\S+)")[1]
        yield host


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/open", 200),
        ("/api/keyed", 401),
        ("/api/keyed?code=wrong", 401),
        (f"/api/keyed?code={FUNCTION}", 200),
        (f"/api/master?code={FUNCTION}", 401),
        (f"/api/master?code={MASTER}", 200),
        ("/api/nothing", 404),
        ("/admin/host/ping", 200),
        ("/admin/host/status", 401),
        (f"/admin/host/status?code={FUNCTION}", 401),
        (f"/admin/host/status?code={MASTER}", 200),
        ("/admin/functions", 401),
        ("/", 200),
    ],
)
def test_host_with_enable_auth_asks_for_the_key(keyed: Serving, path: str, status: int) -> None:
    answer = keyed.get(path)
    assert answer.status_code == status
    assert status != 401 or answer.content == b""


def test_host_with_enable_auth_takes_the_key_in_the_header(keyed: Serving) -> None:
    assert keyed.get("/api/keyed", headers={"X-Functions-Key": FUNCTION}).text == "in"


def test_keys_reach_neither_the_workers_nor_the_log(keyed: Serving) -> None:
    assert keyed.get("/api/keyed?code=wrong").status_code == 401
    assert "FUNCTUNE_" + "FUNCTION_KEY" not in keyed.get("/api/open").text
    assert "FUNCTUNE_MASTER_KEY" not in keyed.get("/api/open").text
    assert FUNCTION not in keyed.text
    assert MASTER not in keyed.text


def test_host_without_enable_auth_is_open_and_keeps_the_keys_from_the_workers() -> None:
    with Serving(APPS / "keyed", FUNCTUNE_FUNCTION_KEY=FUNCTION) as host:
        host.ready()
        assert [host.get(f"/api/{path}").status_code for path in ("keyed", "master")] == [200, 200]
        assert "FUNCTUNE_FUNCTION_KEY" not in host.get("/api/open").text


def test_enable_auth_without_a_key_names_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FUNCTION_KEY, raising=False)
    monkeypatch.delenv(MASTER_KEY, raising=False)
    with pytest.raises(SettingsError, match=rf"{FUNCTION_KEY} \(opens every function\) or {MASTER_KEY}"):
        read_host_settings(script_root=tmp_path, enable_auth=True)
