"""The time that a search may take."""

SHORTEST_BUDGET, LONGEST_BUDGET = 20, 3600
"""Seconds."""
