import time


def page(number: int) -> list[str]:
    """One page of the archive, which takes half a second to answer."""
    time.sleep(0.5)
    return [f"place {number}"]
