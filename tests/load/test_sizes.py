"""Plans and logs that are large."""

import os
import tracemalloc
from pathlib import Path

import msgspec

from functune.experiments.requests import RequestTemplate
from functune.load.processes import last_lines
from tests.load.loads import StartStandIn, measured, plan, run


async def test_requests_may_be_larger_than_a_variable_of_the_environment(start_stand_in: StartStandIn) -> None:
    """Linux allows 128 KiB for each."""
    mix = tuple(
        RequestTemplate(name=f"r{number}", method="POST", route="/sleep?ms=5", body="x" * 30_000) for number in range(6)
    )
    load = msgspec.structs.replace(plan("mix"), requests=mix)
    [step] = await run(load, start_stand_in(2))
    assert measured(*step).errors == {}
    assert measured(*step).throughput > 0


def test_end_of_a_log_is_read_without_the_rest_of_it(tmp_path: Path) -> None:
    """Of 200 MB, as the users of a Locust file can print them."""
    log = tmp_path / "locust.log"
    log.write_text("the beginning\n")
    os.truncate(log, 200_000_000)
    with log.open("a") as file:
        file.write("\n" + "\n".join(f"line {number}" for number in range(30)) + "\n")
    tracemalloc.start()
    found = last_lines(log)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [f"line {number}" for number in range(10, 30)]
    assert most < 1_000_000
