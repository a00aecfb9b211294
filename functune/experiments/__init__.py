"""Experiments: a question, the workload, settings and load that answer it, and the expectations."""
