import time


def last_price(symbol: str) -> float:
    """Ask the exchange, whose library has no async form."""
    time.sleep(0.1)
    return len(symbol) * 1.5
