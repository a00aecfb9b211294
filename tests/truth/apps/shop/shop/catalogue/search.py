import time

from shop import partner

MANY = partner.pool(64)


class SearchIndex:
    def find(self, word: str) -> list[str]:
        return [self._shard(word, number) for number in range(2)]

    def _shard(self, word: str, number: int) -> str:
        time.sleep(0.02)  # limit: threads of /api/search
        return f"{word} {number}"

    def slots(self) -> int:
        time.sleep(0.03)
        return 3


def suppliers() -> int:
    return len(MANY.request("GET", partner.url("/quick")).data)  # limit: threads of /api/suppliers
