"""
The first file that a worker process runs. It imports the worker from functune's own folder, and hides it from the app.

It is run by its path and may import the standard library alone, since its interpreter can be one that knows nothing of
functune.
"""

import argparse
import sys
from pathlib import Path

NOT_THE_APPS = ("functune", "msgspec", "uvloop")
"""
Modules of the worker that the app does not get.

It finds its own packages of these names, or uvloop in the worker's folder, as on the platform, which clears the modules
of its worker in the same way (worker: proxy_worker/utils/dependency.py). azure_functions_runtime stays.
"""


def run_entry() -> None:
    """Run one worker until its stream ends."""
    parser = argparse.ArgumentParser(description="One worker process of the local host; started by it.")
    parser.add_argument("--fd", type=int, required=True, help="the inherited socket to the front")
    parser.add_argument("--script-root", required=True)
    parser.add_argument("--packages", action="append", default=[], help="a package folder of the app")
    parser.add_argument("--offered", required=True, help="the folder with what the worker offers to the app")
    parser.add_argument("--own", required=True, help="the folder with the worker's own modules")
    parser.add_argument("--times-fd", type=int, help="the inherited file for the totals; without it nothing is timed")
    arguments = parser.parse_args()

    first = [*arguments.packages, arguments.offered]
    others = [path for path in sys.path if path not in first]
    sys.path[:] = [arguments.own, arguments.offered, *others]
    from functune.host.worker import run_worker

    def show_app() -> None:
        """Give the app its packages first, then those of the worker, and its own folder last, as on the platform."""
        sys.path[:] = [*first, *others, arguments.script_root]
        for name in [name for name in sys.modules if name.partition(".")[0] in NOT_THE_APPS]:
            del sys.modules[name]
        # As the platform does. importlib.invalidate_caches would import importlib.metadata, which takes long.
        sys.path_importer_cache.clear()

    run_worker(
        fd=arguments.fd,
        script_root=Path(arguments.script_root),
        show_app=show_app,
        times_fd=arguments.times_fd,
    )


if __name__ == "__main__":
    run_entry()
