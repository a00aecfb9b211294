"""Room for direct labels."""

from collections.abc import Sequence

LABEL_GAP = 14
"""Least distance between two direct labels, pixels."""


def moved_apart(places: Sequence[float], height: float) -> list[float]:
    """Ascending places, pixels, moved so that neighbours keep the label gap and the last one stays in the height."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + LABEL_GAP) if moved else place)
    limit = height
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - LABEL_GAP
    return moved
