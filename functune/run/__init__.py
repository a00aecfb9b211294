"""The run folder: everything that a sweep writes and that analysis and report read."""
