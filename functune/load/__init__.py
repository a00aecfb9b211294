"""Load: Locust in its own process, the runner that starts it, and the measurements made from its records."""
