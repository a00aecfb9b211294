"""The load test that is asked for: what is sent to which app, by how many users and engines, and for how long."""

import math
import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from functune.errors import UsageError
from functune.experiments.model import Baseline, Experiment, Matrix
from functune.experiments.planned import planned_settings, requested
from functune.experiments.requests import MIX
from functune.setting import KNOBS

USERS_PER_ENGINE = 250
"""Virtual users that Azure advises for one test engine, for JMeter; see docs/beyond-one-machine.md."""
MOST_ENGINES = 400
LONGEST_RAMP = 10
"""Seconds in which the users start."""
ASKED = "asked.json"
"""The file of the load test's folder by which its results are read."""


class AskedLoadTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One load test."""

    experiment: str
    """Its name."""
    subject: str
    """The request, or the mix of them, as the report shows it."""
    request: str | None
    """Its name; None for a route."""
    host: str
    """The URL of the app."""
    users: Annotated[int, Meta(ge=1)]
    """In total, over all engines."""
    engines: Annotated[int, Meta(ge=1, le=MOST_ENGINES)]
    seconds: Annotated[int, Meta(ge=1)]
    """How long the users run, their start included."""

    @property
    def ramp(self) -> int:
        """Seconds until all users run."""
        return min(LONGEST_RAMP, self.users)

    @property
    def spawn_rate(self) -> float:
        """Users that start in a second."""
        return self.users / self.ramp

    @property
    def test_id(self) -> str:
        """The identifier of the test: 2 to 50 of a-z, 0-9, _ and -."""
        return f"functune-{self.experiment}"[:50]


def read_asked(folder: Path) -> AskedLoadTest:
    """The load test of a folder. Raises UsageError where the folder is none of ours."""
    try:
        return msgspec.json.decode((folder / ASKED).read_bytes(), type=AskedLoadTest)
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder} is not the folder of a load test: it has no {ASKED}; `functune azure load-test EXPERIMENT.toml` "
            "writes one"
        ) from error
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{folder / ASKED}: {error}; write the load test again") from error


def engines_for(users: int) -> int:
    """The engines for this many users, as Azure advises."""
    return min(math.ceil(users / USERS_PER_ENGINE), MOST_ENGINES)


def chosen_subject(experiment: Experiment, wanted: str | None) -> tuple[str, str | None]:
    """
    What the load test requests, as shown, and its name: the mix, or one request of several.

    Raises UsageError for a request that the experiment does not have, and where it lists several to be measured alone.
    """
    found = requested(experiment.workload)
    if wanted is None and (len(found) == 1 or experiment.workload.requests):
        return found[0]
    names = [name or shown for shown, name in found]
    if wanted not in names:
        what = "it measures several alone" if wanted is None else f"it has no request {wanted!r}"
        raise UsageError(
            f"{experiment.name}: a load test sends one request or one mix, and {what}: give --request with one of "
            f"{', '.join(names)}"
        )
    return found[names.index(wanted)]


def as_load_tested(experiment: Experiment, subject: tuple[str, str | None]) -> Experiment:
    """
    The experiment with nothing but what the load test sends, and the one setting that the app has.

    Expectations are left out: they name other steps.
    """
    shown, name = subject
    workload = experiment.workload
    if workload.routes:
        workload = msgspec.structs.replace(workload, routes=(shown,))
    elif name != MIX and workload.requests:
        alone = tuple(each for each in workload.requests if each.name == name)
        workload = msgspec.structs.replace(workload, requests=alone, alone=False)
    return msgspec.structs.replace(experiment, workload=workload, settings=present_settings(experiment), expect=())


def present_settings(experiment: Experiment) -> Matrix:
    """The one setting of the experiment; of several the app has that of the baseline, which is Azure's default."""
    if len(planned_settings(experiment.settings)) == 1:
        return experiment.settings
    present = experiment.baseline or Baseline(instance=experiment.settings.instance[0])
    return Matrix(**{knob.name: (getattr(present, knob.name),) for knob in KNOBS if knob.name != "host"})


def require_loadable(experiment: Experiment) -> None:
    """Raise UsageError for what the engines cannot send, or cannot reach."""
    workload = experiment.workload
    if workload.background is not None:
        raise UsageError(
            f"{experiment.name}: workload.background is {workload.background}: only functune itself sends a "
            "background; remove it, or make it a request of the mix"
        )
    if workload.target is not None:
        raise UsageError(
            f"{experiment.name}: workload.target is a server of this machine, which an app on Azure cannot reach; "
            "remove it"
        )


def require_host(host: str | None) -> str:
    """The URL of the app. Raises UsageError for none, and for one with a key, a query or a path."""
    if host is None or not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+/?", host):
        given = "is missing" if host is None else f"{host.partition('?')[0]} is not the address of an app"
        raise UsageError(
            f"--host {given}: allowed is a URL without path and query, such as https://my-app.azurewebsites.net"
        )
    return host.rstrip("/")
