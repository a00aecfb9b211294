"""Files of JSON lines that only ever grow: appended to by a sweep that may be killed at any moment, and read back."""

import os
from pathlib import Path

import msgspec

from functune.errors import RunFolderError


def append_line(path: Path, record: msgspec.Struct) -> None:
    """Append one line and force it to the disk, so that a killed sweep loses at most the running step."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(record) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def cut_torn_line(path: Path) -> None:
    """Remove a last line that a killed sweep did not finish, so that the next one begins a line of its own."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        whole, end, _ = file.read().rpartition(b"\n")
        file.truncate(len(whole + end))
        os.fsync(file.fileno())


def whole_lines(path: Path) -> list[bytes]:
    """The finished lines of a file; none when it does not exist. Raises RunFolderError when it cannot be read."""
    if not path.exists():
        return []
    try:
        whole, _, _ = path.read_bytes().rpartition(b"\n")
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}") from error
    return whole.splitlines()


def decode_lines[Record](path: Path, kind: type[Record]) -> list[Record]:
    """The finished lines as records. Raises RunFolderError naming the file and the first line that cannot be read."""
    decoder = msgspec.json.Decoder(kind)
    found = []
    for number, line in enumerate(whole_lines(path), start=1):
        try:
            found.append(decoder.decode(line))
        except msgspec.DecodeError as error:
            raise RunFolderError(f"{path}, line {number}: not a {kind.__name__.lower()}: {error}") from error
    return found
