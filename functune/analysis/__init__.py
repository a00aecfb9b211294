"""The meaning of measurements: pure functions of measurements and their experiment. No file, clock, host or print."""
