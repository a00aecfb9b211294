"""
The journal of an app: what was there before functune changed it, so that it can be restored, also after SIGKILL.

It is one file per app below the state folder, written and forced to the disk before a change. One command at a time
may change the app.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from functune.azure.change import SiteValues
from functune.azure.site_id import SiteId
from functune.environ import state_folder
from functune.errors import RunFolderError, UsageError
from functune.run.journal import append_line, cut_torn_line, decode_lines

type ChangedBy = Literal["sweep", "apply"]


class SiteChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal: a change that is about to be made, or one that was undone."""

    number: int
    """Of the change, from 1."""
    site: str
    at: str
    """ISO 8601, UTC."""
    by: ChangedBy
    before: SiteValues
    """What to restore."""
    is_undone: bool = False


class SiteJournal:
    """The journal of one app. Its methods raise RunFolderError for a file that cannot be used."""

    def __init__(self, site: SiteId, folder: Path | None = None) -> None:
        self.site = site
        self.path = (folder or state_folder() / "azure") / f"{site.name.lower()}-{site.digest}.jsonl"

    def open_changes(self) -> list[SiteChange]:
        """The changes that were not undone, in the order they were made."""
        lines = decode_lines(self.path, SiteChange)
        undone = {each.number for each in lines if each.is_undone}
        return [each for each in lines if each.number not in undone]

    def interrupted(self) -> SiteChange | None:
        """The sweep that ended before it restored the app; None where there is none."""
        return next((each for each in self.open_changes() if each.by == "sweep"), None)

    def begin(self, by: ChangedBy, before: SiteValues) -> SiteChange:
        """Note what is there, before it is changed."""
        number = 1 + max((each.number for each in decode_lines(self.path, SiteChange)), default=0)
        change = SiteChange(number=number, site=str(self.site), at=utc_now(), by=by, before=before)
        self.append(change)
        return change

    def end(self, change: SiteChange) -> None:
        """Note that a change was undone."""
        self.append(msgspec.structs.replace(change, is_undone=True, at=utc_now()))

    def append(self, change: SiteChange) -> None:
        """Append a line and force it to the disk, and the name of a new file too."""
        with self.writing():
            is_new = not self.path.exists()
            self.path.touch(mode=0o600)
            cut_torn_line(self.path)
            append_line(self.path, change)
            if is_new:
                sync_folder(self.path.parent)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands from changing the app meanwhile. Raises UsageError while one does."""
        with self.writing():
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = self.path.with_suffix(".lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(
                    f"another functune command is changing {self.site.name} now: wait until it ends"
                ) from error
            yield

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turn errors of the file system into RunFolderError."""
        try:
            yield
        except OSError as error:
            raise RunFolderError(
                f"{self.path} cannot be written: {error.strerror}; functune changes nothing of {self.site.name} "
                "without this journal. Set XDG_STATE_HOME to a folder that can be written"
            ) from error


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def utc_now() -> str:
    """The time, for a line."""
    return datetime.now(UTC).isoformat(timespec="seconds")
