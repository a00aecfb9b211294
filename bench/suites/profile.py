"""The price of the sampler that a profile uses."""

import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import bounds
from bench.figure import Figure
from bench.processes import APPS, ROOT, generate
from functune.environ import PROFILE_FOLDER
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting
from functune.timing.sampler_switch import SamplerSwitch

ROUNDS = 7
USERS = 16
SECONDS = 1.5
HANDLERS = (
    (APPS / "noop", "/api/async-noop"),
    (ROOT, "/api/sync/cpu?ms=20"),
    (ROOT, "/api/sync/sleep?ms=20"),
    (ROOT, "/api/async/sleep?ms=20"),
)


async def profile() -> AsyncIterator[Figure]:
    """Throughput of one worker with 16 threads at 16 users, while it is sampled and while it is not, in turn."""
    for app, path in HANDLERS:
        rounds = await sampled_and_not(app, path)
        on, off = (statistics.median(column) for column in zip(*rounds, strict=True))
        yield Figure(bounds.SAMPLED, tuple(a / b for a, b in rounds), detail=f"{path}: {on:.1f}/s of {off:.1f}/s")


async def sampled_and_not(app: Path, path: str) -> list[tuple[float, float]]:
    """Requests per second with the sampler on and off, for each round."""
    with TemporaryDirectory(prefix="functune-bench-") as folder:
        switch = SamplerSwitch.create(Path(folder))
        async with LOCAL_HOST.running(
            ServedApp(app), setting=Setting(thread_count=USERS), app_settings={PROFILE_FOLDER: folder}
        ) as host:
            rounds = []
            for _ in range(ROUNDS):
                switch.turn_on()
                on = (await generate(f"{host.base_url}{path}", users=USERS, seconds=SECONDS))["throughput"]
                switch.turn_off()
                off = (await generate(f"{host.base_url}{path}", users=USERS, seconds=SECONDS))["throughput"]
                rounds.append((on, off))
    return rounds
