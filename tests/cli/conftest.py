"""Runs that are measured in the process of a test share one import of Locust."""

from tests.load.sharing import one_fork_server as one_fork_server
