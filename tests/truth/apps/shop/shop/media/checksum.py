import hashlib
import os

CATALOGUE = os.urandom(8 << 20)


def of_catalogue() -> str:
    return hashlib.sha256(CATALOGUE).hexdigest()  # limit: cores of /api/checksum
