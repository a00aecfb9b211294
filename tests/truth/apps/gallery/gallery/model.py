import functools


class Model:
    def __init__(self) -> None:
        self._weights = bytes(range(256)) * (1 << 20)

    def label(self, number: int) -> int:
        score = 0
        for place in range(100_000):
            score += self._weights[place] * number % 5
        return score


@functools.cache
def shared() -> Model:
    return Model()
