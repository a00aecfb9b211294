"""Load: Locust in a process of its own, the runner that starts it, and what becomes of the requests it recorded."""
