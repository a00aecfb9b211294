import threading
import time

from shop import partner

CONNECTIONS = partner.pool(2)


class Gateway:
    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(3)

    def charge(self, amount: int) -> int:
        with self._places:  # limit: pool of /api/charge
            time.sleep(0.03)
        return amount


def exchange_rates() -> int:
    return len(CONNECTIONS.request("GET", partner.url("/quick")).data)  # limit: pool of /api/rates
