"""
``functune serve`` with limits that no flag sets, so that a test need not wait for the real ones.

``python limited_host.py SCRIPT_ROOT '{"worker": {"restart_interval": 0.1}, "connection": {"drain_timeout": 0.1}}'``:
fields of WorkerSettings and of ConnectionLimits.
"""

import gc
import json
import sys
from dataclasses import replace
from pathlib import Path

from functune.collection import collection_paused


def main() -> None:
    """Read the settings, put the limits over them, and serve as the command does."""
    with collection_paused():
        import uvloop

        from functune.errors import HostError, SettingsError
        from functune.host.console import Console
        from functune.host.server import serve_until_stopped
        from functune.host.settings import read_host_settings
    gc.freeze()
    limits = json.loads(sys.argv[2])
    try:
        read = read_host_settings(script_root=Path(sys.argv[1]), port=0)
        limited = replace(
            read,
            worker=replace(read.worker, **limits.get("worker", {})),
            connection=replace(read.connection, **limits.get("connection", {})),
        )
        uvloop.run(serve_until_stopped(limited, Console(verbose=False)))
    except (HostError, SettingsError) as error:
        sys.exit(f"functune: {error}")


if __name__ == "__main__":
    main()
