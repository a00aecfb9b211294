"""Hosting plans: the knobs that count on each, how a setting is applied there, and its cost."""
