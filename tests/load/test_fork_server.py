"""The processes of Locust as their fork server starts and ends them."""

import asyncio
import contextvars
import json
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from pathlib import Path

import msgspec
import psutil
import pytest

from functune.errors import LoadError
from functune.load.locust_process import locust, locust_forks, shared_fork_server
from functune.load.runner import finished_steps
from tests.load.loads import PATIENCE, StartStandIn, load_generators, plan, run, wait_until

SHOWN = """
import json, os, sys
from pathlib import Path
from locust import User
class Nobody(User):
    pass
stdin, stdout = (os.readlink(f"/proc/self/fd/{number}") for number in (0, 1))
seen = {"odd": os.environb[b"ODD"].hex(), "variables": sorted(os.environ), "arguments": sys.argv[1:]}
seen |= {"folder": os.getcwd(), "leads": os.getsid(0) == os.getpid(), "stdin": stdin, "stdout": stdout}
seen |= {"open": [each for each in Path("/proc/self/fd").iterdir() if "socket" in os.path.realpath(each)]}
Path("seen.json").write_text(json.dumps(seen))
print("said by the load", file=sys.stderr)
"""


def fork_servers() -> list[psutil.Process]:
    """Those that this process has started."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # another has ended since
            if "functune.load.fork_server" in child.cmdline():
                found.append(child)
    return found


def apart(main: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run without the fork server that the tests of this file share."""
    contextvars.Context().run(asyncio.run, main())


async def server_of_a_load(base_url: str) -> int:
    """The pid of the fork server of a load that runs."""
    load = plan("/sleep?ms=5", users=(1,) * 20)  # it does not come to its end meanwhile
    async with aclosing(finished_steps(load, base_url=base_url)) as steps:
        await anext(steps)
        [generator] = load_generators()
        return generator.ppid()


def test_loads_within_share_a_fork_server_which_ends_after_them(start_stand_in: StartStandIn) -> None:
    base_url, others = start_stand_in(1), fork_servers()

    async def two_loads() -> None:
        with shared_fork_server():
            first = await server_of_a_load(base_url)
            with shared_fork_server():
                assert await server_of_a_load(base_url) == first
            assert psutil.pid_exists(first)
        assert fork_servers() == others

    apart(two_loads)


def test_load_alone_ends_its_fork_server(start_stand_in: StartStandIn) -> None:
    base_url, others = start_stand_in(1), fork_servers()

    async def one_load() -> None:
        await run(plan("/sleep?ms=5"), base_url)
        assert fork_servers() == others

    apart(one_load)


def test_killed_fork_server_ends_its_load_and_the_next_load_has_another(start_stand_in: StartStandIn) -> None:
    base_url = start_stand_in(1)

    async def killed() -> None:
        with shared_fork_server():
            load = msgspec.structs.replace(plan("/sleep?ms=5", users=(1, 2)), measure=2)
            with pytest.raises(LoadError, match="ended with exit code 1 after 1 of 2 steps"):  # noqa: PT012
                async with aclosing(finished_steps(load, base_url=base_url)) as steps:
                    async for _ in steps:
                        [generator] = load_generators()
                        os.kill(generator.ppid(), signal.SIGKILL)
            generator.wait(timeout=PATIENCE)
            await run(plan("/sleep?ms=5"), base_url)

    apart(killed)


def test_failing_import_is_an_error_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flask.py").write_text("raise RuntimeError('a broken installation')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def broken() -> None:
        with pytest.raises(LoadError, match=r"(?s)ended with exit code 1 after 0 of 1 .*a broken installation"):
            await run(plan("/sleep"), "http://127.0.0.1:1")

    apart(broken)


async def test_process_starts_as_by_a_command(tmp_path: Path) -> None:
    """In its folder, with its variables and no others, as the leader of a session, and without other connections."""
    (tmp_path / "shown.py").write_text(SHOWN)
    options = ["--locustfile", str(tmp_path / "shown.py"), "--list", "--loglevel", "ERROR"]
    environ = {"ODD": "\udcff", "PATH": os.defpath, "LOCUST_USERS": "7"}
    other = tmp_path / "other"
    other.mkdir()
    with locust_forks() as forks:
        async with (
            locust(forks, options, environ, other / "locust.log"),
            locust(forks, options, environ, tmp_path / "locust.log") as process,
        ):
            await asyncio.wait_for(process.wait(), PATIENCE)
    assert (process.returncode, (tmp_path / "locust.log").read_text()) == (0, "said by the load\n")
    assert json.loads((tmp_path / "seen.json").read_text()) == {
        "odd": "ff",
        "variables": ["ODD", "PATH"],
        "arguments": options,
        "folder": str(tmp_path),
        "leads": True,
        "stdin": "/dev/null",
        "stdout": "/dev/null",
        "open": [],
    }


async def test_process_ends_on_the_way_out(tmp_path: Path) -> None:
    """Also one that has hardly begun, and one that heeds no signal but SIGKILL."""
    (tmp_path / "deaf.py").write_text(
        "import signal, time\n"
        "from pathlib import Path\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "Path('begun').touch()\n"
        "time.sleep(600)\n"
    )
    options = ["--locustfile", str(tmp_path / "deaf.py")]
    with locust_forks() as forks:
        async with locust(forks, options, {}, tmp_path / "locust.log") as process:
            await asyncio.to_thread(wait_until, (tmp_path / "begun").exists)
        assert process.returncode == -signal.SIGKILL
        assert not psutil.pid_exists(process.pid)
        async with locust(forks, options, {}, tmp_path / "locust.log") as process:
            pass
        assert process.returncode is not None
