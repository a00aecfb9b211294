import threading
import time

balance = 0
changing = threading.Lock()


def audit(amount: int) -> None:
    """Wait until the audit has noted a booking."""
    time.sleep(0.05)


def book(amount: str) -> int:
    global balance
    with changing:
        audit(int(amount))
        balance += int(amount)
        return balance
