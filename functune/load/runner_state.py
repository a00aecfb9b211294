"""What Locust's master says to the process that started it: its port, and whether its load has started."""

from pathlib import Path

import msgspec

STATE_FILE = "FUNCTUNE_LOAD_STATE"
"""The variable with the path of the file."""


class MasterState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the master, as its file has it."""

    port: int
    connected: int
    """The load processes that are connected."""
    is_started: bool = False
    """Whether all of them were, and the load has started."""


def write_state(path: Path, state: MasterState) -> None:
    """Write the state into the file that STATE_FILE names, at once, so that no reader sees half of it."""
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(state))
    draft.replace(path)


def read_state(path: Path) -> MasterState | None:
    """The state; None before the master has written one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=MasterState)
    except FileNotFoundError:
        return None
