"""The path of a URL as Kestrel decodes it."""

import re
from urllib.parse import unquote_to_bytes

_ENCODED_RUN = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ENCODED_SLASH = re.compile(r"(%2[Ff])")


def decode_path(raw_path: str) -> str:
    """
    Percent-decode a path as Kestrel does: as UTF-8, with ``%2F`` and sequences that are not UTF-8 kept.

    Dot segments are removed. ``+`` stays a plus. Raises ValueError for ``%00``.
    """
    if "%" in raw_path:
        raw_path = _ENCODED_RUN.sub(_decode_run, raw_path)
        if "\0" in raw_path:
            raise ValueError("the path contains %00")
    if "/." in raw_path:
        raw_path = _remove_dot_segments(raw_path)
    return raw_path


def _decode_run(run: re.Match[str]) -> str:
    pieces = _ENCODED_SLASH.split(run.group())
    return "".join(piece if _ENCODED_SLASH.fullmatch(piece) else _decode_utf8(piece) for piece in pieces)


def _decode_utf8(encoded: str) -> str:
    decoded = ""
    for char in unquote_to_bytes(encoded).decode("utf-8", errors="surrogateescape"):
        if "\udc80" <= char <= "\udcff":
            # A byte that is not UTF-8 is decoded to a lone surrogate; its escape is kept.
            decoded += encoded[:3]
            encoded = encoded[3:]
        else:
            decoded += char
            encoded = encoded[3 * len(char.encode()) :]
    return decoded


def _remove_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    ends_open = segments[-1] in {".", ".."}
    return "/" + "/".join(kept) + ("/" if ends_open and kept else "")
