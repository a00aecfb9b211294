"""Checks of an experiment's figures: its expectations, and programs that interfered."""
