"""What the measurements mean: pure functions over measurements and their experiment. No files, clock, host or print."""
