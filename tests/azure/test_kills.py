"""SIGKILL at random moments of sweeps of live apps: the next command restores the app, every time."""

import contextlib
import random
import secrets
import time
from collections.abc import Iterator
from itertools import batched
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.azure.forked_sweep import ForkedSweep
from tests.azure.light_app import LightApp
from tests.azure.live_sweep import write_experiment
from tests.azure.stand_in import SITE, StandIn, resource_manager
from tests.cli.calling import in_process

KILLS = 20
AT_ONCE = 5
"""Apps that are swept side by side, each on a stand-in of its own."""
SLACK = 0.1
"""Share of an undisturbed sweep by which a busy machine may be slower."""


class Lane(NamedTuple):
    """An app on a stand-in, with the state folder of the commands that change it."""

    live: StandIn
    before: Any
    """The app as it is before all sweeps."""
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the commands."""
        return self.live.environ | {"XDG_STATE_HOME": str(self.folder / "state")}

    @property
    def is_changed(self) -> bool:
        """Whether the app is now another one than before all sweeps."""
        return bool(self.live.state() != self.before)

    def sweep(self, name: str) -> ForkedSweep:
        """Start a sweep of the app."""
        return ForkedSweep.begin(self.folder / "live.toml", self.folder / name, **self.environ)

    def revert(self) -> str:
        """Restore the app; what the command said."""
        done = in_process("azure", "revert", SITE, "--yes", **self.environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def lanes(tmp_path: Path) -> Iterator[list[Lane]]:
    """The apps that are swept side by side."""
    with contextlib.ExitStack() as running:
        found = []
        for number in range(AT_ONCE):
            app = LightApp()
            live = running.enter_context(resource_manager(app))
            app.attach(live)
            folder = tmp_path / f"app{number}"
            folder.mkdir()
            write_experiment(folder, concurrency="[2]", users="[2]")
            found.append(Lane(live, live.state(), folder))
        yield found


@pytest.mark.fault
def test_app_is_restored_after_sigkill_at_20_random_moments(lanes: list[Lane]) -> None:
    seed = secrets.randbelow(2**32)
    print(f"seed {seed}")  # pytest shows it where the test fails
    moments = random.Random(seed)

    undisturbed = [lane.sweep("whole") for lane in lanes]
    began = time.monotonic()
    for sweep in undisturbed:
        sweep.ended()
    longest = time.monotonic() - began

    for numbers in batched(range(KILLS), AT_ONCE, strict=True):
        for number, lane in zip(numbers, lanes, strict=True):
            # One sweep in two leaves its last write under way: accepted, and not yet shown.
            lane.live.faults.accepted = 0.5 if number % 2 else None
        running = [(lane, lane.sweep(f"run{number}")) for number, lane in zip(numbers, lanes, strict=True)]
        began = time.monotonic()
        said = []
        killed = sorted(
            ((moments.uniform(0, longest * (1 + SLACK)), each) for each in running), key=lambda each: each[0]
        )
        for moment, (_, sweep) in killed:
            time.sleep(max(began + moment - time.monotonic(), 0))
            said.append(sweep.killed())
        require_restored([lane for _, (lane, _) in killed], said, f"seed {seed}, {numbers}")


@pytest.mark.fault
def test_app_is_restored_after_sigkill_as_soon_as_it_is_changed(lanes: list[Lane]) -> None:
    """Random moments may all be too early or too late: how fast the sweeps are depends on other programs."""
    left = [(lane, lane.sweep("changed")) for lane in lanes]
    said, changed = [], 0
    deadline = time.monotonic() + 120
    while left:
        assert time.monotonic() < deadline, "no sweep changed the app"
        for lane, sweep in left.copy():
            if lane.is_changed or sweep.process.exitcode is not None:
                said.append(sweep.killed())
                changed += lane.is_changed
                left.remove((lane, sweep))
        time.sleep(0.01)
    assert changed, said
    require_restored(lanes, said, "killed while the app was changed")


def require_restored(lanes: list[Lane], said: list[str], when: str) -> None:
    """Have the next command restore each app, that of the last lane first: its last write may still be under way."""
    for lane in lanes:
        lane.live.faults.accepted = None  # the last write of a sweep alone, for which the command waits
    said += [lane.revert() for lane in reversed(lanes)]
    for lane in lanes:
        lane.live.wait_for_pending()
        assert lane.live.state() == lane.before, (when, said)
