"""A load test for Azure Load Testing, made from an experiment, and its results as a run folder."""
