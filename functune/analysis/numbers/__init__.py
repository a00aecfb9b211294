"""Figures of measurements: order statistics, repeats and their spread, and levels, which everything else reads."""
