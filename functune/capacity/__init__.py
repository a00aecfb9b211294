"""Capacity: what an app needs under some traffic on each hosting plan: instances, latency, cold starts and cost."""
