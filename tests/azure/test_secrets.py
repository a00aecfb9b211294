"""A full run against Azure, on real answers, writes and prints no token, key, connection string or query secret."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from functune.run.folder import RunFolder
from tests.azure.live_sweep import sweep_words, write_experiment
from tests.azure.served_app import ServedShowcase
from tests.azure.stand_in import IDENTITY_HEADER, SECRET_PARTS, SECRETS, SITE, StandIn, resource_manager
from tests.cli.calling import in_process

KEY = "5ec2e7-function-key"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """The stand-in with the showcase behind it, on the local host."""
    showcase = ServedShowcase()
    with resource_manager(showcase) as found:
        showcase.attach(found)
        for name, value in (found.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("FUNCTUNE_KEY", KEY)
        try:
            yield found
        finally:
            httpx.get(f"{found.base_url}/stop", timeout=120, trust_env=False, verify=False)


def test_full_run_shows_no_secret(served: StandIn, tmp_path: Path) -> None:
    before = served.state()
    experiment = write_experiment(
        tmp_path, concurrency="[4]", threads="[1, 4]", users="[8]", route="/api/sync/sleep?ms=500", measure=4
    )
    run_folder = tmp_path / "run"
    outputs = [
        in_process("azure", "show", SITE),
        in_process("azure", "show", SITE, "--format", "json"),
        in_process(*sweep_words(experiment, run_folder)),
        in_process("azure", "apply", run_folder, SITE, "--yes"),
        in_process("azure", "show", SITE),
        in_process("azure", "revert", SITE, "--yes"),
    ]
    assert [each.returncode for each in outputs] == [0] * len(outputs), [each.stdout + each.stderr for each in outputs]
    assert served.state() == before
    steps = {each.setting.thread_count: each for each in RunFolder.open(run_folder).measurements()}
    # T threads that wait 500 ms serve T / 0.5 a second; what passes the calls on here takes some of it.
    assert steps[4].throughput / steps[1].throughput > 2.5
    assert all(each.setting_seen for each in steps.values())

    hidden = {KEY, IDENTITY_HEADER, *served.tokens, *SECRETS.values(), *SECRET_PARTS}
    hidden |= {quote(each, safe="") for each in hidden}
    written = {
        str(Path(folder) / name): (Path(folder) / name).read_bytes()
        for folder, _, names in os.walk(tmp_path)
        for name in names
    }
    assert any("state" in name for name in written), "the journal was not among the files"
    everything = written | {
        f"output {number}": (each.stdout + each.stderr).encode() for number, each in enumerate(outputs)
    }
    found = [(name, secret) for name, content in everything.items() for secret in hidden if secret.encode() in content]
    assert found == []
