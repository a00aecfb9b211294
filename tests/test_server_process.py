"""What a server's output says about its processes."""

import os

from functune.server_process import ready_line, serving_processes


def test_processes_that_write_at_once_are_both_ready() -> None:
    """Python writes the end of a line on its own, so the lines of two processes can share one."""
    own = ready_line("app:app")
    assert serving_processes(own) == [str(os.getpid())]
    assert serving_processes(f"{own}functune: process 4242 serves app:app") == [str(os.getpid()), "4242"]
    assert serving_processes("[INFO] Booting worker with pid: 4242") == []
