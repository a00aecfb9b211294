import zlib

PAGES = b"".join(f"<li>item {number} costs {number * 7 % 90}</li>".encode() for number in range(60_000))


def packed_size() -> int:
    return len(packed(PAGES))


def packed(pages: bytes) -> bytes:
    return zlib.compress(pages, 6)  # limit: cores of /api/archive
