from dataclasses import dataclass


@dataclass
class Amount:
    cents: int
