"""The stock, which an old system keeps."""

import time


def reserve(number: int) -> bool:
    """Wait until the old system has written the reservation."""
    time.sleep(0.3)
    return number > 0
