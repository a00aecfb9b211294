"""The host kinds by name, and the settings each of them can apply."""

from pathlib import Path

import pytest

from functune.errors import UsageError
from functune.hosts.func import CoreTools
from functune.hosts.local import LOCAL_HOST, LocalHostKind
from functune.hosts.registry import HOST_CHOICES, STARTED_KINDS, host_kind
from functune.hosts.served_app import ServedApp
from functune.hosts.url import RemoteHost
from functune.setting import Setting
from tests.hosts.func_on_path import install_stand_in

URL = "http://127.0.0.1:1"


def test_local_host_is_found_by_its_name() -> None:
    assert host_kind("local") == LOCAL_HOST
    assert host_kind("local", python="/usr/bin/python3.14") == LocalHostKind("/usr/bin/python3.14")


def test_app_at_a_url_takes_no_packages() -> None:
    with pytest.raises(
        UsageError, match="--python and --install go with --host local or func; the app at http://x has"
    ):
        host_kind("http://x", python="python3.14")


def test_core_tools_are_found_by_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(tmp_path, monkeypatch)
    assert isinstance(host_kind("func"), CoreTools)


def test_url_is_a_host_called_with_the_key() -> None:
    kind = host_kind(f"{URL}/", key="secret", route="/api/x")
    assert isinstance(kind, RemoteHost)
    assert (kind.name, kind.key, kind.runs_script_root) == (URL, "secret", False)


@pytest.mark.parametrize("host", ["", "Local", "hypercorn", "localhost:7071"])
def test_unknown_host_is_refused_with_every_name(host: str) -> None:
    with pytest.raises(UsageError) as raised:
        host_kind(host)
    assert str(raised.value).startswith(f"--host '{host}': allowed are ")
    assert all(name in str(raised.value) for name in STARTED_KINDS)
    assert HOST_CHOICES == "local|func|gunicorn|uvicorn|app-service|URL|azure:ID"


@pytest.mark.parametrize(
    "host",
    [
        *("ftp://127.0.0.1", "http://", "://", "http://xn--/", "http://a..b", "http://[::1", "http://h:port"),
        *("http://u:k3y@h", "http://u:k/3y@h:port", "http://u:?k3y@h:port/k3y", "http://h?a=k3y", "http://h:port?k3y"),
        *("http://u:p@xn--/?k3y", "ftp://h/#k3y", "http://u:p?@k3y"),
    ],
)
def test_url_of_no_app_is_refused_without_what_may_be_secret(host: str) -> None:
    with pytest.raises(UsageError, match="is not the base URL of an app") as raised:
        host_kind(host)
    assert "3y" not in str(raised.value)


def test_func_refuses_a_concurrency_per_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(tmp_path, monkeypatch)
    kind, limited = host_kind("func"), Setting(per_instance_concurrency=4)
    refusal = '--host func: per_instance_concurrency is 4, which this host cannot limit: allowed is "unset", or --host'
    with pytest.raises(UsageError, match=refusal):
        kind.require_settable([Setting(), limited], with_target=[])
    with pytest.raises(UsageError, match=refusal):
        kind.running(ServedApp(tmp_path), setting=limited)


def test_local_host_takes_every_setting() -> None:
    every = Setting(process_count=2, thread_count=4, per_instance_concurrency=1, app_settings=(("A", "1"),))
    LOCAL_HOST.require_settable([every, Setting()], with_target=["client-per-request"])


def test_url_takes_one_setting_and_no_target() -> None:
    kind = host_kind(URL)
    kind.require_settable([Setting(thread_count=4)], with_target=[])
    with pytest.raises(UsageError, match=r"allowed is one setting, the experiments have 2 \(T=4 P=1, T=unset P=1\)"):
        kind.require_settable([Setting(thread_count=4), Setting()], with_target=[])
    with pytest.raises(UsageError, match=r"as workload.target of a, b wants: set FETCH_URLS there"):
        kind.require_settable([Setting()], with_target=["a", "b"])
