"""32 threads that come and go under the sampler: ``python crowd.py FOLDER``."""

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from functune.timing.sampler import start_sampler
from functune.timing.sampler_switch import SamplerSwitch

LOCK = threading.Lock()
SECONDS, ROUNDS = 2.0, 2
"""At least."""


def work() -> None:
    held = bytearray(64 << 20)
    held[:: 4096 * 64] = b"x" * len(held[:: 4096 * 64])
    with LOCK:
        time.sleep(0.001)
    short = [threading.Thread(target=len, args=(held,)) for _ in range(4)]
    for thread in short:
        thread.start()
    for thread in short:
        thread.join()


def wait_for_samples(folder: Path, deadline: float) -> None:
    while not list(folder.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)


async def main(folder: Path) -> None:
    start_sampler(folder, script_root=Path(__file__).parent, loop=asyncio.get_running_loop())
    switch = SamplerSwitch(folder)
    switch.turn_on()
    loop, end, rounds = asyncio.get_running_loop(), time.monotonic() + SECONDS, 0
    while time.monotonic() < end or rounds < ROUNDS:
        with ThreadPoolExecutor(32) as pool:
            await asyncio.gather(*(loop.run_in_executor(pool, work) for _ in range(64)))
        rounds += 1
    switch.turn_off()
    await asyncio.to_thread(wait_for_samples, folder, time.monotonic() + 60)


asyncio.run(main(Path(sys.argv[1])))
