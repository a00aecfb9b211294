"""Every figure the project holds itself to, with its unit and bound. Claims of the experiments have theirs in TOML."""

from bench.figure import Bound
from functune.analysis.laws.littles_law import LIMIT

HOST_ASYNC = Bound("async def no-op, host / bare uvicorn", "", at_least=0.30)
HOST_DEF = Bound("def no-op, host / bare uvicorn", "", at_least=0.15)
TIMING = Bound("throughput of a no-op, times on / off", "", at_least=0.90)

FRONT_MEMORY = Bound("memory of the front after a load", "MB", at_most=80)
# Protocol, transport, parser and timer, and for every other connection half a small head.
CONNECTION_MEMORY = Bound("memory of a waiting connection", "KiB", at_most=16)
CALL_AMONG_CONNECTIONS = Bound("median of a call, with waiting connections / without", "", at_most=2)

BLOCKING_CALLS = Bound("throughput of a 100 ms sleep / (T*P/S)", "", at_least=0.95, at_most=1.02)

SAMPLED = Bound("throughput, sampler on / off", "", at_least=0.85)

SHARED_CLIENT = Bound("parallel-fetch, shared client / a client per request", "", at_least=3.0)
PARALLEL_FETCH = Bound("parallel-fetch of 3 x 50 ms, one user: p50 / 50 ms", "", at_most=1.6)

APP_IMPORT = Bound("import function_app / import azure.functions, httpx", "", at_most=1.3)
COMMAND_LIST = Bound("functune --help / import click", "", at_most=2.5)
MODULE_IMPORT = Bound("import / import of what it loads from elsewhere", "", at_most=2.5)
APP_START = Bound("time until ready, the app / an app without functions", "", at_most=1.5)

FAULTS_OF_SERVERS = Bound("requests lost, doubled or swapped", "", at_most=0)

LITTLES_LAW = Bound("Little's law, largest residual of the levels that can be checked", "", at_most=LIMIT)

SEARCH_REGRET = Bound("throughput the search misses / that of the best setting", "", at_most=0.05)
SEARCH_TIME = Bound("measuring time, search / grid", "", at_most=0.25)

REPORT_TIME = Bound("report of 13 of the project's experiments", "s", at_most=6)
REPORT_SIZE = Bound("size of that page", "MB", at_most=1.5)

PLAN_TIME = Bound("plan of a day at a million requests a second, one core", "s", at_most=60)
PLAN_MEMORY = Bound("memory of the process that plans it", "MB", at_most=1000)

WRONG_LIMITS = Bound("handlers for which a wrong limit is named", "", at_most=0)
EXACT_LINES = Bound("exact lines / limits named whose reason is a line", "", at_least=0.9)
NAMED_LIMITS = Bound("limits named / handlers", "", at_least=0.8)
