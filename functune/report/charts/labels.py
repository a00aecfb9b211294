"""Room for labels. Widths are estimates, so that a drawing is the same whatever fonts a machine has."""

from collections.abc import Sequence

LABEL_GAP = 14
"""Least distance between two direct labels, pixels."""
LABEL_CHARACTER = 6.6
"""Of a label of 12 pixels: the average of the widest usual fonts, pixels."""


def label_width(text: str) -> float:
    """The estimated width of a label of 12 pixels, pixels."""
    return LABEL_CHARACTER * len(text)


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
