import threading

PLACES = threading.Semaphore(6)


def checked() -> str:
    with PLACES:
        return str(checksum("parcel" * 12_000))


def checksum(text: str) -> int:
    found = 0
    for letter in text:
        found = (found * 33 + ord(letter)) % 65_521  # limit: gil of /api/manifest
    return found
