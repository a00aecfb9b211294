import hashlib
import os
import time

CATALOGUE = os.urandom(24 << 20)


def of_catalogue() -> str:
    time.sleep(0.03)
    return hashlib.sha256(CATALOGUE).hexdigest()  # limit: cores of /api/checksum
