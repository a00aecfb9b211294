"""The request of curl's flags, and the present setting of the app that it calls."""

from pathlib import Path

import pytest

from functune.environ import secret_environ
from functune.errors import UsageError
from functune.hosts.served_app import ServedApp
from functune.setting import THREAD_COUNT
from functune.sweep.curl import request_of
from functune.sweep.tuned_app import present_setting


def test_secrets_whose_names_have_the_same_letters_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CODE", "CODE_2", "X_T", "X_T_2"):
        monkeypatch.delenv(f"FUNCTUNE_SECRET_{name}", raising=False)
    request, secrets = request_of(
        "/x?code=of-the-route",
        method=None,
        headers=["X-T: first", "X_T: second", "Code: of-a-header"],
        data=None,
        json_body=None,
    )
    sent = {name: secret_environ()[value.strip("${}")] for name, value in request.headers.items()}
    assert sent == {"X-T": "first", "X_T": "second", "Code": "of-a-header"}
    assert secret_environ()[request.route.partition("=")[2].strip("${}")] == "of-the-route"
    assert sorted(secrets.values()) == ["first", "of-a-header", "of-the-route", "second"]


@pytest.mark.parametrize(
    ("host", "variable", "value", "said"),
    [
        ("local", THREAD_COUNT, "5000", "thread_count of the present setting is 5000: .* from 1 to 1000"),
        ("uvicorn", "WEB_CONCURRENCY", "24", "process_count of the present setting is 24: .* from 1 to 10"),
    ],
)
def test_present_setting_that_no_experiment_can_contain_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, variable: str, value: str, said: str
) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=said):
        present_setting(ServedApp(tmp_path), host, [])
    assert present_setting(ServedApp(tmp_path), host, [f"{variable}=4"]).app_setting_values()[variable] == "4"
