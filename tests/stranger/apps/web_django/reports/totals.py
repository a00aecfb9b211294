"""The numbers of the reports."""


def yearly_total(year: int) -> int:
    """Add up a year, entry by entry."""
    total = 0
    for entry in range(200_000):
        total += entry % year
    return total
