"""The suites by name. Each measures one subject and yields its figures as they are known."""

from collections.abc import AsyncIterator, Callable

from bench.figure import Figure
from bench.suites.cold_start import app_import, app_start
from bench.suites.connections import connections
from bench.suites.fetch import fetch
from bench.suites.host import host
from bench.suites.law import law
from bench.suites.lessons import lessons
from bench.suites.report import report
from bench.suites.search import search

SUITES: dict[str, Callable[[], AsyncIterator[Figure]]] = {
    "host": host,
    "connections": connections,
    "law": law,
    "fetch": fetch,
    "import": app_import,
    "start": app_start,
    "report": report,
    "lessons": lessons,
    "search": search,
}
