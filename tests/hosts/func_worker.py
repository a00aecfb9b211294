"""A worker process of func_stand_in.py, a local host with one worker: ``func_worker.py --workerId 1 DIR``."""

import sys

from functune.cli import main

match sys.argv[1:]:
    case ["--workerId", _, folder]:
        main(["serve", "--port", "0", "--no-watch", "--script-root", folder])
    case unknown:
        sys.exit(f"Unable to start a worker with {unknown}")
