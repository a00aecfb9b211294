import time


class PriceList:
    def __init__(self) -> None:
        self._prices = [number % 97 for number in range(1000)]

    def total(self) -> int:
        time.sleep(0.05)
        return sum(self._discounted(quantity) for quantity in range(240))

    def _discounted(self, quantity: int) -> int:
        found = 0
        for price in self._prices:
            found += price * quantity % 7  # limit: gil of /api/prices
        return found
