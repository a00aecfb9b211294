"""The commands to run on the machines that send requests, and the address that these machines connect to."""

import ipaddress
from collections.abc import Iterable
from importlib.metadata import version

from functune.formatting import plural

PAUSE = 2
"""Seconds before a load process asks again, so that it cannot meet the master of the load that has just ended."""
GIVES_UP = "5 minutes"
"""How long Locust asks a master for its files before it gives up."""


def address_and_port(bind: str) -> tuple[str, int]:
    """The two parts of ``127.0.0.1:5557``."""
    address, _, port = bind.rpartition(":")
    return address, int(port)


def binds_loopback(bind: str) -> bool:
    """Whether only this machine can connect."""
    address, _ = address_and_port(bind)
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:  # a name, or * for every interface
        return False


def instructions(workers: int, bind: str, secrets: Iterable[str]) -> list[str]:
    """The lines that are printed: what to install, what to set and what to run."""
    address, port = address_and_port(bind)
    lines = [
        f"This run waits for {plural(workers, 'load process')} at {bind}. Start each of them with functune "
        f"{version('functune')}, the version of this command, in a shell of its own:",
        *(f"  export {name}=…" for name in sorted(secrets)),
        f"  {start_command(address if address not in ('*', '0.0.0.0') else 'THIS_MACHINE', port)}",
        "They get the requests and their data from here, and fill in the variables that are set on their machine. They "
        f"end by themselves {GIVES_UP} after the run.",
    ]
    if binds_loopback(bind):
        lines.append(
            f"The port is open to this machine only. On another machine, forward it first: "
            f"ssh -N -L {port}:127.0.0.1:{port} THIS_MACHINE"
        )
    else:
        lines.append(
            f"Warning: other machines can reach {bind}. Locust neither authenticates nor encrypts connections. Anyone "
            "who reaches the port can read the requests and their data, and take part in the load. Use a network that "
            "you trust."
        )
    return lines


def start_command(address: str, port: int) -> str:
    """The command of a load process: one for each load of the run, as long as a master answers."""
    worker = (
        f"python -m locust -f - --worker --master-host {address} --master-port {port} "
        "--exit-code-on-error 0 --loglevel ERROR"
    )
    return f'while TMPDIR="$(mktemp -d)" {worker}; do sleep {PAUSE}; done'
